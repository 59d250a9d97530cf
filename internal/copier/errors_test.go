package copier

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorSaysTheCauseBeforeTheKey(t *testing.T) {
	e := &Error{
		Op:     opCopy,
		Source: Object{Region: "us-east-1", Bucket: "source", Key: strings.Repeat("k", 1024), VersionID: "v"},
		Target: Target{Region: "eu-west-1", Bucket: "target"},
		Class:  Denied, Hint: "check the role", Err: errors.New("AccessDenied"),
	}
	if want := "denied: AccessDenied; check the role: copy s3://source/kkk"; !strings.HasPrefix(e.Error(), want) {
		t.Errorf("got %q, want it to begin with %q", e.Error()[:100], want)
	}
	if want := "?versionId=v to s3://target (eu-west-1)"; !strings.HasSuffix(e.Error(), want) {
		t.Errorf("the text ends with %q, want %q", e.Error()[len(e.Error())-60:], want)
	}
}
