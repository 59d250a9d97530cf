package failover

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// newest is a bucket by the newest version of its key: '+' an object and '-' a delete
// marker, each with its second, '.' nothing, '?' no answer.
type newest string

func (n newest) ListObjectVersions(
	_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	out := &s3.ListObjectVersionsOutput{}
	if n[0] == '?' {
		return nil, errors.New("503")
	}
	at := aws.Time(time.Unix(int64(n[len(n)-1]), 0))
	switch n[0] {
	case '+':
		out.Versions = []types.ObjectVersion{{Key: in.Prefix, LastModified: at}}
	case '-':
		out.DeleteMarkers = []types.DeleteMarkerEntry{{Key: in.Prefix, LastModified: at}}
	case '.': // another key that begins with it
		out.Versions = []types.ObjectVersion{{Key: aws.String(*in.Prefix + "/more"), LastModified: at}}
	}
	return out, nil
}

// A key that somebody deletes during a drill is not missing; one that a bucket has, or
// may have, is.
func TestDeletedKeyIsNotMissing(t *testing.T) {
	for _, c := range []struct {
		a, b newest
		want bool
	}{
		{"-5", "-5", true}, {".", ".", true}, {"-5", "+4", true}, {"+4", "-5", true}, {"-5", ".", true},
		{"+4", ".", false}, {"+5", "-4", false}, {"-4", "+5", false}, {"+4", "-4", false}, {"-5", "?", false}, {"?", ".", false},
	} {
		holders := []holder{{"a", c.a}, {"b", c.b}}
		gone := deletedOf(t.Context(), holders, []string{"film"})
		if slices.Equal(gone, []string{"film"}) != c.want {
			t.Errorf("%s, %s: deleted %v, want %v", c.a, c.b, gone, c.want)
		}
		if kept := without([]string{"film", "other"}, gone); slices.Contains(kept, "film") == c.want || !slices.Contains(kept, "other") {
			t.Errorf("%s, %s: read from then on %v", c.a, c.b, kept)
		}
	}
}
