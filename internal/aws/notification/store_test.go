package notification

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
)

// TestBucketSendsWhatItRead has the SDK's client against a server that keeps the
// bytes of a configuration.
func TestBucketSendsWhatItRead(t *testing.T) {
	stored := head + others + tail
	var unchecked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, ok := r.URL.Query()["notification"]
		if !ok || r.URL.Path != "/old" || r.Header.Get("X-Amz-Expected-Bucket-Owner") != "111122223333" {
			http.Error(w, "what is this", http.StatusTeapot)
			return
		}
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.ContentLength != int64(len(body)) {
				t.Errorf("body of %d bytes, header says %d, %v", len(body), r.ContentLength, err)
			}
			stored = string(body)
			unchecked = append(unchecked, r.Header.Get("X-Amz-Skip-Destination-Validation"))
			return
		}
		_, _ = io.WriteString(w, stored)
	}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	}, owner.Expect("111122223333"), s3.WithAPIOptions(requestbody.Keep))
	bucket := Bucket{Client: client, Name: "old"}
	wanted := []Entry{entry(1, "", "", "s3:ObjectCreated:Copy")}
	changed, err := Change(t.Context(), bucket, false, func(d Document) (Document, error) { return d.Merge(ours, wanted) })
	if err != nil || !changed.Wrote || changed.Raced ||
		!strings.HasPrefix(stored, head+others+"<TopicConfiguration><Id>s3fanout.media.1</Id>") {
		t.Fatalf("%+v, %v\n%s", changed, err, stored)
	}
	changed, err = Change(t.Context(), bucket, true, func(d Document) (Document, error) { return d.Without(ours) })
	if err != nil || stored != head+others+tail || strings.Join(unchecked, ",") != ",true" {
		t.Errorf("%+v, %v, headers %q\n%s", changed, err, unchecked, stored)
	}
}

// shelf is a Store that shows one reader after another what it is told to.
type shelf struct {
	shown  []string // in turn; the last one stays
	writes []string
	fail   error
}

func (s *shelf) Get(context.Context) (Document, error) {
	now := s.shown[0]
	if len(s.shown) > 1 {
		s.shown = s.shown[1:]
	}
	return Parse([]byte(now))
}

func (s *shelf) Put(_ context.Context, d Document, _ bool) error {
	s.writes = append(s.writes, string(d.Bytes()))
	return s.fail
}

func adopt(d Document) (Document, error) {
	return d.Merge(ours, []Entry{entry(1, "", "", "s3:ObjectCreated:*")})
}

func TestChange(t *testing.T) {
	const bare, theirs = head + tail, head + `<EventBridgeConfiguration/>` + tail
	mine, err := adopt(parse(t, bare))
	if err != nil {
		t.Fatal(err)
	}
	both, err := adopt(parse(t, theirs))
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	for _, tc := range []struct {
		what   string
		shelf  shelf
		want   error
		writes int
		raced  bool
	}{
		{"at once", shelf{shown: []string{bare, string(mine.Bytes())}}, nil, 1, false},
		{"there already", shelf{shown: []string{string(mine.Bytes())}}, nil, 0, false},
		{"shown late", shelf{shown: []string{bare, bare, bare, bare, string(mine.Bytes())}}, nil, 1, false},
		{"written over by somebody who had read before", shelf{shown: []string{bare, theirs, theirs, string(both.Bytes())}}, nil, 2, true},
		{"added to", shelf{shown: []string{bare, string(both.Bytes())}}, nil, 1, true},
		{"never shown", shelf{shown: []string{bare}}, ErrNotShown, rounds, false},
		{"written over again and again", shelf{shown: []string{bare, theirs, bare, theirs, bare, theirs, bare, theirs}}, ErrRaced,
			rounds, true},
		{"refused", shelf{shown: []string{bare}, fail: refused}, refused, 1, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				changed, err := Change(t.Context(), &tc.shelf, false, adopt)
				if !errors.Is(err, tc.want) || len(tc.shelf.writes) != tc.writes || changed.Wrote != (tc.writes > 0) ||
					changed.Raced != tc.raced {
					t.Errorf("got %+v, %v after writes %q", changed, err, tc.shelf.writes)
				}
			})
		})
	}
	t.Run("an overlap writes nothing", func(t *testing.T) {
		s := shelf{
			shown: []string{
				head + `<QueueConfiguration><Id>q</Id><Queue>arn</Queue><Event>s3:ObjectCreated:Put</Event></QueueConfiguration>` + tail,
			},
		}
		changed, err := Change(t.Context(), &s, false, adopt)
		var overlap *OverlapError
		if !errors.As(err, &overlap) || len(s.writes) > 0 || changed.Wrote {
			t.Errorf("got %+v, %v, writes %q", changed, err, s.writes)
		}
	})
}
