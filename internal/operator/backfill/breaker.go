package backfill

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/copier"
)

// opensAfter is how many copies to a target have to end alike before the rest is
// believed to end so, too.
const opensAfter = 10

// Breaker decides when trying the next object of a target is of no use. Its
// zero value is ready for use. A single object can be denied for reasons of its own,
// such as its key of KMS, so that a refusal counts only where nothing has
// succeeded; credentials that have expired refuse everything.
type Breaker struct {
	successes int
	refused   int // all of them
	away      int // in a row
}

// After takes how a copy ended, and returns why the run has to stop, or nil.
func (d *Breaker) After(err error) error {
	if err == nil {
		d.successes++
		d.away = 0
		return nil
	}
	var failed *copier.Error
	denied := errors.As(err, &failed) && failed.Class == copier.Denied || errors.Is(err, awsapi.ErrDenied)
	class := classOf(err)
	if !errors.Is(class, awsapi.ErrUnreachable) {
		d.away = 0 // somebody answered
	}
	switch {
	case denied && renewal(err), errors.Is(class, awsapi.ErrCredentials), errors.Is(class, errNoBucket):
		return fmt.Errorf("nothing more can be copied: %w", err)
	case errors.Is(class, awsapi.ErrUnreachable):
		if d.away++; d.away == opensAfter {
			return fmt.Errorf("%d copies in a row got no answer, the rest was not tried: %w", opensAfter, err)
		}
	case denied:
		if d.refused++; d.refused == opensAfter && d.successes == 0 {
			return fmt.Errorf("the first %d copies were all denied, the rest was not tried: %w", opensAfter, err)
		}
	}
	return nil
}

var errNoBucket = errors.New("no such bucket")

// classOf is awsapi's class of an error, or nil. Its ErrMissing is too broad
// here: a 404 can be about an object.
func classOf(err error) error {
	if errorcode.Of(err) == "NoSuchBucket" {
		return errNoBucket
	}
	explained := awsapi.Explain("", "", err)
	for _, class := range []error{awsapi.ErrCredentials, awsapi.ErrUnreachable} {
		if errors.Is(explained, class) {
			return class
		}
	}
	return nil
}

// renewal says that a request was not sent because the role's session could not
// be renewed.
func renewal(err error) bool {
	var op *smithy.OperationError
	for ; err != nil && errors.As(err, &op); err = op.Err {
		if op.Service() == "STS" {
			return true
		}
	}
	return false
}
