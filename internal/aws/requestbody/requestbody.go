// Package requestbody lets net/http finish the bodies of the SDK's requests.
//
// The SDK closes a request's body as soon as the answer begins (smithy-go,
// transport/http, ClientHandler.Handle). If net/http has not quite finished its
// write by then, the closed body answers io.EOF as an error, net/http drops the
// connection, and reading the answer fails with "use of closed network
// connection". The request has been carried out, but its answer is lost.
//
// Every client of the command, the function and the benchmarks whose requests
// have bodies uses Keep; a test of this package finds those that do not.
package requestbody

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// mostBytes is the longest body that is handed over as a copy. A longer one is
// read from where the SDK has it.
const mostBytes = 8 << 20

const id = "KeepRequestBody"

// Keep is an API option for the SDK's clients. It hands each body to net/http
// as bytes of its own, which the SDK cannot close and which net/http sends
// together with the header. It does not change what is sent. A body of more
// than 8 MiB, or of unknown length, stays the SDK's, but closing it is no error.
// Adding Keep twice is the same as once.
func Keep(stack *middleware.Stack) error {
	if _, twice := stack.Finalize.Get(id); twice {
		return nil
	}
	// The last step before the request is sent, after it is signed; each
	// attempt passes it.
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc(id, keep), middleware.After)
}

func keep(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok || request.GetStream() == nil || request.ContentLength == 0 {
		return next.HandleFinalize(ctx, in)
	}
	var err error
	if request.ContentLength < 0 || request.ContentLength > mostBytes {
		in.Request, err = withoutWriteTo(request)
	} else {
		in.Request, err = withOwnBytes(request)
	}
	if err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("read the request's body: %w", err)
	}
	return next.HandleFinalize(ctx, in)
}

func withOwnBytes(request *smithyhttp.Request) (*smithyhttp.Request, error) {
	body, err := io.ReadAll(request.GetStream())
	if err != nil {
		return nil, err
	}
	// The SDK leaves Body alone where there is no stream. Without GetBody,
	// net/http follows no redirect with it, as ever.
	kept, err := request.SetStream(nil)
	if err != nil {
		return nil, err
	}
	kept.Body, kept.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return kept, nil
}

// withoutWriteTo hides the stream's WriteTo, which net/http prefers to Read.
// Read answers io.EOF after a close as well, but that is what it is for.
func withoutWriteTo(request *smithyhttp.Request) (*smithyhttp.Request, error) {
	var stream io.Reader = struct{ io.Reader }{request.GetStream()}
	if seeker, ok := request.GetStream().(io.ReadSeeker); ok {
		stream = struct{ io.ReadSeeker }{seeker}
	}
	kept, err := request.SetStream(stream)
	if err != nil {
		return nil, err
	}
	kept.ContentLength = request.ContentLength
	return kept, nil
}
