package health

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/iampolicy"
)

// policy is that of a bucket; Absent for none.
func (g gatherer) policy(ctx context.Context, name, what string) Look[string] {
	out, err := g.clients.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name, ExpectedBucketOwner: aws.String(g.facts.Account)})
	switch {
	case err == nil:
		return found(aws.ToString(out.Policy))
	case errorcode.Of(err) == "NoSuchBucketPolicy":
		return Look[string]{State: Absent}
	}
	return failed[string](g.region, what, err)
}

// onlyByAccessPoint asks the policy of a bucket that the set made for what a stranger
// is denied, and for who has to be let in.
func (c *checker) onlyByAccessPoint(look Look[string]) {
	if !c.facts.Set.OnlyByAccessPoint() || !answered(c, checkOnlyPoint, look) {
		return
	}
	name := c.here().Bucket
	if look.State == Absent {
		c.find(checkOnlyPoint, "bucket %s has no policy", name)
		return
	}
	policy, err := iampolicy.Parse([]byte(look.Value))
	if err != nil {
		c.unknown(checkOnlyPoint, "", "%s: its policy cannot be read: %v", c.fill(c.info[checkOnlyPoint].Asks), err)
		return
	}
	// says is what the policy denies of an action on an object.
	says := func(action, who, point string) iampolicy.Answer {
		r := iampolicy.Request{
			Action: action, Resource: c.here().BucketARN() + "/key", Principal: &iampolicy.Principal{ARNs: []string{who}}, Whole: true,
			Context: map[string]string{
				"aws:principalarn": who, "aws:principalaccount": c.facts.Account, "aws:resourceaccount": c.facts.Account,
				"aws:securetransport": "true",
			},
		}
		if point != "" {
			r.Context["s3:dataaccesspointarn"], r.Context["s3:dataaccesspointaccount"] = point, c.facts.Account
		}
		return policy.Says(r).Denies
	}
	stranger := c.here().IAMARN("role/" + c.facts.Set.Name + "-nobody-in-particular")
	point := strings.Replace(c.facts.Set.AccessPointPattern(c.facts.Account), "*", "any.mrap", 1)
	var wrong []string
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
		if says(action, stranger, "") != iampolicy.Yes {
			wrong = append(wrong, action+" by the bucket's name is not denied")
		}
		if says(action, stranger, point) == iampolicy.Yes {
			wrong = append(wrong, action+" through the access point is denied")
		}
		for _, arn := range c.facts.Set.DirectAccess(c.facts.Account) {
			if says(action, arn, "") == iampolicy.Yes {
				wrong = append(wrong, fmt.Sprintf("%s is denied to %s", action, arn))
			}
		}
	}
	if len(wrong) > 0 {
		c.find(checkOnlyPoint, "the policy of bucket %s is not that of access-point-only: %s", name, strings.Join(wrong, "; "))
	}
}
