package copier

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/printable"
)

// Class says what can be done about an error.
type Class string

// The classes.
const (
	// Retryable errors may go away: throttling, server errors, time-outs, the
	// network, another write of the same key under way, and all that is not
	// known to be otherwise, because copying again is harmless.
	Retryable Class = "retryable"
	// Denied errors last until somebody changes a permission or a credential.
	Denied Class = "denied"
	// Permanent errors last until somebody changes the object, a bucket or the
	// configuration.
	Permanent Class = "permanent"
)

// Operations of an Error.
const (
	opCopy     = "copy"
	opLook     = "head before copy of"
	opSource   = "head of source before copy of"
	opTags     = "read tags before copy of"
	opCreate   = "create multipart copy of"
	opList     = "list parts of multipart copy of"
	opPart     = "copy part of"
	opComplete = "complete multipart copy of"
	opAbort    = "give up multipart copy of"
)

// Error says which copy failed and how. Its text is one line that names the
// operation, the source and the target.
type Error struct {
	Op     string // what was being done, "copy" or "complete multipart copy of"
	Source Object
	Target Target
	Class  Class
	// Hint says what to do, where that is known.
	Hint string
	Err  error
	// Upload is set if an upload stays open that another call can resume: the
	// one that the failed call was asked to resume.
	Upload *Upload
}

// Error implements error. The cause comes first and the key, which can be a
// kilobyte long, late: whoever cuts the text keeps the reason.
func (e *Error) Error() string {
	text := string(e.Class) + ": " + printable.Escape(brief(e.Err))
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	if e.Upload != nil {
		text += fmt.Sprintf(" (upload %s stays open and can be resumed)", printable.Escape(e.Upload.UploadID))
	}
	return fmt.Sprintf("%s: %s %s to s3://%s (%s)", text, e.Op, e.Source, e.Target.Bucket, e.Target.Region)
}

// brief is S3's own answer, if it gave one, in place of the SDK's text, which
// begins with a story of attempts and often ends cut off before the code.
func brief(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	text := api.ErrorCode()
	if message := api.ErrorMessage(); message != "" {
		text += ": " + message
	}
	var details []string
	if r := errorcode.Response(err); r != nil {
		details = append(details, "status "+strconv.Itoa(r.StatusCode))
	}
	var exhausted *retry.MaxAttemptsError
	if errors.As(err, &exhausted) {
		details = append(details, strconv.Itoa(exhausted.Attempt)+" attempts")
	}
	var id interface{ ServiceRequestID() string }
	if errors.As(err, &id) && id.ServiceRequestID() != "" {
		details = append(details, "request "+id.ServiceRequestID())
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// Unwrap returns the cause, the SDK's error in most cases.
func (e *Error) Unwrap() error { return e.Err }

// String is the object's address on one line, s3://bucket/key?versionId=…,
// for people; it is not encoded.
func (o Object) String() string {
	s := "s3://" + printable.Escape(o.Bucket) + "/" + printable.Escape(o.Key)
	if o.VersionID != "" {
		s += "?versionId=" + printable.Escape(o.VersionID)
	}
	return s
}

// permanent marks an error of ours as one that trying again does not help.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// retryable marks an error as one that trying again may help, whatever its
// code.
type retryable struct{ error }

func (r retryable) Unwrap() error { return r.error }

func operation(m move) string {
	switch m {
	case headTarget:
		return opLook
	case headSource:
		return opSource
	case readTags:
		return opTags
	case createUpload:
		return opCreate
	case listParts:
		return opList
	case copyPart:
		return opPart
	case completeOnCondition, completeAnyway:
		return opComplete
	}
	return opCopy
}

// ErrorOf is the Error of an operation on the target that goes with a copy of
// source: "copy of", as its text has it before the source.
func ErrorOf(op string, source Object, target Target, err error) *Error {
	return &Error{Op: op, Source: source, Target: target, Class: classify(err), Hint: hint(err), Err: err}
}

// Lasting marks an error as one that trying again does not help.
func Lasting(err error) error { return permanent{err} }

// Passing marks an error as one that trying again may help.
func Passing(err error) error { return retryable{err} }

func (c *Copier) failure(op string, req Request, err error) *Error {
	return ErrorOf(op, req.Source, c.target, err)
}
