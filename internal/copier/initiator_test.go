package copier

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A continuation that names somebody else's open upload of the same key had it
// aborted where the key was there, and else completed with parts of ours. It is
// refused, and the upload stays as it is.
func TestUploadOfOthersIsNotTouched(t *testing.T) {
	for name, by := range map[string]string{
		"a user":                        "arn:aws:iam::111122223333:user/alice", // bad input: cp-12
		"another role":                  "arn:aws:sts::111122223333:assumed-role/media-replicator-us-east-1/media-replicator",
		"a role whose name is longer":   "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1-x/media-replicator",
		"another account's role":        "arn:aws:sts::444455556666:assumed-role/media-replicator-eu-west-1/media-replicator",
		"a session without a name":      "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/",
		"a user whose name is the ARN":  "arn:aws:iam::111122223333:user/" + ownSession,
		"the account":                   "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
		"nobody":                        "",
		"the role's ARN with something": ownRole + "/x",
	} {
		for _, uploadExists := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s there=%t", name, uploadExists), func(t *testing.T) {
				m, upload := stoppedUpload(t)
				m.uploads["upload-1"].by = by
				if uploadExists {
					m.objects[replicaPath] = m.objects[sourcePath]
				}
				_, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
				var e *Error
				advice := "delete the dead letter"
				if !strings.HasPrefix(by, "arn:") {
					advice = "copy the object with s3fanout backfill" // it may be the role's
				}
				if !errors.As(err, &e) || e.Class != Permanent || e.Upload != nil || !strings.Contains(err.Error(), advice) {
					t.Errorf("got %v, want a permanent error that does not offer to resume", err)
				}
				if got := m.uploads["upload-1"]; got == nil || len(got.parts) != 4 || len(m.uploads) != 1 {
					t.Error("the upload was touched")
				}
				if !slices.Equal(m.ops, []string{"List"}) {
					t.Errorf("requests %v, want the question whose it is", m.ops)
				}
			})
		}
	}
}

// An upload whose initiator is not known yet is not aborted, whatever S3 answers
// to the question: it was, after a second conflict.
func TestUploadIsNotAbortedBeforeItIsKnownWhoBeganIt(t *testing.T) {
	m, upload := stoppedUpload(t)
	m.uploads["upload-1"].by = "arn:aws:iam::111122223333:user/alice"
	busy := refused(409, "OperationAborted", "A conflicting conditional operation is currently in progress")
	m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
		if op == "List" {
			return &busy, nil
		}
		return nil, nil
	}
	_, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
	var e *Error
	if !errors.As(err, &e) || e.Class != Retryable || e.Upload == nil {
		t.Errorf("got %v, want a retryable error that offers to resume", err)
	}
	if m.uploads["upload-1"] == nil || len(m.uploads) != 1 || slices.Contains(m.ops, "Abort") {
		t.Errorf("requests %v: the upload was touched", m.ops)
	}
}

// AWS does not say how S3 names sessions of roles. Where that is no ARN, nobody
// is accused of a forgery, and nobody is told to delete a dead letter that may be
// genuine.
func TestUploadOfSomebodyUnknownIsNoForgery(t *testing.T) {
	m, upload := stoppedUpload(t)
	m.uploads["upload-1"].by = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" // bad input: cp-13
	_, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
	if err == nil || strings.Contains(err.Error(), "forged") || !strings.Contains(err.Error(), "s3fanout backfill") {
		t.Errorf("got %v, want what to do instead", err)
	}
}

// Before, a resumed copy copied all parts that were missing to learn that the
// key was there.
func TestResumeLooksAtTheTargetFirst(t *testing.T) {
	m, upload := stoppedUpload(t)
	m.objects[replicaPath] = m.objects[sourcePath]
	got, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
	if err != nil || got.Outcome != Exists {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := []string{"List", "List", "Head", "Abort"}; !slices.Equal(m.ops, want) {
		t.Errorf("requests %v, want %v", m.ops, want)
	}
}
