package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What the sandbox does not have is denied to whoever may not do it, and
// refused by its name to everybody else, and nothing is done.
func TestMissingOperationsAreAuthorizedFirst(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x")
	may, _ := w.role(t, "may", statements([]grant{{"s3:PutLifecycleConfiguration", hereBucket}, {"s3:PutObjectAcl", hereBucket + "/*"}}))
	mayNot, _ := w.role(t, "may-not", statements([]grant{{"s3:PutObject", hereBucket + "/*"}}))
	for name, call := range map[string]func(*sdk.Client) error{
		"PutBucketLifecycleConfiguration": func(c *sdk.Client) error {
			_, err := c.PutBucketLifecycleConfiguration(t.Context(), &sdk.PutBucketLifecycleConfigurationInput{
				Bucket: aws.String(hereBucket),
			})
			return err
		},
		"PutObjectAcl": func(c *sdk.Client) error {
			_, err := c.PutObjectAcl(t.Context(), &sdk.PutObjectAclInput{
				Bucket: aws.String(hereBucket), Key: aws.String("k"), ACL: types.ObjectCannedACLPrivate,
			})
			return err
		},
	} {
		wantCode(t, call(w.client(here, mayNot)), 403, "AccessDenied")
		err := call(w.client(here, may))
		wantCode(t, err, 501, "NotImplemented")
		if err == nil {
			t.Errorf("%s was done", name)
		}
	}
	if got := w.get(t, here, hereBucket, "k"); got != "x" {
		t.Errorf("the object is %q", got)
	}
}
