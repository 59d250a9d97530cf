package health

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
)

// refusing is a Region whose every request but that for the caller fails with
// err, and that one with unknown. What it does not define, Gather must not
// ask for after the failure: the embedded interfaces are nil.
type refusing struct {
	S3
	SNS
	Lambda
	IAM
	SQS
	err, unknown error
}

func (r refusing) GetCallerIdentity(
	context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options),
) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: aws.String(account), Arn: aws.String("arn:me")}, r.unknown
}

func (r refusing) HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error) {
	return nil, r.err
}

func (r refusing) GetTopicAttributes(
	context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options),
) (*sns.GetTopicAttributesOutput, error) {
	return nil, r.err
}

func (r refusing) ListSubscriptionsByTopic(
	context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options),
) (*sns.ListSubscriptionsByTopicOutput, error) {
	return nil, r.err
}

func (r refusing) GetFunctionConfiguration(
	context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options),
) (*lambda.GetFunctionConfigurationOutput, error) {
	return nil, r.err
}

func (r refusing) GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return nil, r.err
}

func (r refusing) GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return nil, r.err
}

func (r refusing) clients() Clients {
	return Clients{STS: r, S3: r, SNS: r, Lambda: r, IAM: r, SQS: r}
}

func code(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

// states are those of the parts of a Region.
func states(r Region) [6]State {
	return [6]State{r.Bucket.State, r.Topic.State, r.Subscriptions.State, r.Function.State, r.Role.State, r.Queue.State}
}

func TestGatherTellsMissingFromUnknown(t *testing.T) {
	unreachable := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	set := testSet()
	var done []string
	facts, err := Gather(t.Context(), Options{
		Set: set, Regions: set.Regions,
		Clients: map[string]Clients{
			"us-east-1":      refusing{err: code("AccessDenied")}.clients(),
			"eu-west-1":      refusing{err: code("NotFound")}.clients(),
			"ap-northeast-1": refusing{unknown: unreachable}.clients(),
		},
		Done: func(region string) { done = append(done, region) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if facts.Account != account || facts.Caller != "arn:me" || len(done) != 3 {
		t.Errorf("facts %+v, done %v", facts, done)
	}
	us, eu, ap := facts.Regions[0], facts.Regions[1], facts.Regions[2]
	if got, want := states(us), [6]State{}; got != want {
		t.Errorf("denied: states %v, want all unanswered", got)
	}
	for _, why := range []string{us.Bucket.Why, us.Topic.Why, us.Subscriptions.Why, us.Function.Why, us.Role.Why, us.Queue.Why} {
		if !strings.Contains(why, "is denied; allow it") || strings.Contains(why, "region us-east-1") {
			t.Errorf("denied: why is %q", why)
		}
	}
	if got, want := states(eu), [6]State{Absent, Absent, Absent, Absent, Absent, Absent}; got != want {
		t.Errorf("missing: states %v, want %v", got, want)
	}
	if ap.Access.State != Unanswered || !strings.Contains(ap.Access.Why, "cannot reach AWS") {
		t.Errorf("unreachable: access %+v", ap.Access)
	}
}

func TestGatherFailsWhereNobodyAnswers(t *testing.T) {
	set := testSet()
	clients := map[string]Clients{}
	for _, region := range set.Regions {
		clients[region] = refusing{unknown: code("InvalidClientTokenId")}.clients()
	}
	_, err := Gather(t.Context(), Options{Set: set, Regions: set.Regions, Clients: clients})
	if !errors.Is(err, awsapi.ErrCredentials) || strings.Contains(err.Error(), "\n") ||
		!strings.HasPrefix(err.Error(), "regions us-east-1, eu-west-1, ap-northeast-1: ") {
		t.Errorf("got %v, want one line about the credentials", err)
	}
}

func TestGatherEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	set := testSet()
	clients := map[string]Clients{}
	for _, region := range set.Regions {
		clients[region] = refusing{unknown: code("Whatever")}.clients()
	}
	cancel()
	if _, err := Gather(ctx, Options{Set: set, Regions: set.Regions, Clients: clients}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func TestBucketNotifications(t *testing.T) {
	filter := func(name, value string) *s3types.NotificationConfigurationFilter {
		return &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{
			FilterRules: []s3types.FilterRule{{Name: s3types.FilterRuleName(name), Value: aws.String(value)}},
		}}
	}
	got := notifications([]s3types.TopicConfiguration{
		{TopicArn: aws.String("t"), Events: []s3types.Event{"s3:ObjectCreated:*"}},
		{TopicArn: aws.String("u"), Filter: filter("Prefix", "a/")},
		{TopicArn: aws.String("v"), Filter: filter("Suffix", "")},
	})
	if len(got) != 3 || got[0].Prefix != "" || got[1].Prefix != "a/" || got[2].Prefix != "" {
		t.Errorf("got %+v", got)
	}
}

func TestLifecycleRuleForEveryKey(t *testing.T) {
	prefix, size := aws.String("a/"), aws.Int64(1)
	for name, c := range map[string]struct {
		rule s3types.LifecycleRule
		want bool
	}{
		"no filter":    {s3types.LifecycleRule{}, true},
		"empty filter": {s3types.LifecycleRule{Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("")}}, true},
		"prefix":       {s3types.LifecycleRule{Filter: &s3types.LifecycleRuleFilter{Prefix: prefix}}, false},
		"old prefix":   {s3types.LifecycleRule{Prefix: prefix}, false}, //nolint:staticcheck // rules made long ago have it
		"size":         {s3types.LifecycleRule{Filter: &s3types.LifecycleRuleFilter{ObjectSizeGreaterThan: size}}, false},
	} {
		if got := everyKey(c.rule); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// answering is a Region whose STS has a time of its own, and that else refuses.
func answering(t *testing.T, date time.Time) Clients {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		_, _ = w.Write(
			[]byte(`<GetCallerIdentityResponse><GetCallerIdentityResult><Account>` + account +
				`</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`),
		)
	}))
	t.Cleanup(server.Close)
	clients := refusing{err: code("AccessDenied")}.clients()
	clients.STS = sts.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
	return clients
}

func TestClockIsComparedWithTheAnswer(t *testing.T) {
	now := time.Now()
	server := answering(t, now.Add(-10*time.Minute))
	set := testSet()
	facts, err := Gather(t.Context(), Options{Set: set, Regions: set.Regions[:1], Clients: map[string]Clients{set.Regions[0]: server}})
	if err != nil {
		t.Fatal(err)
	}
	skew := facts.Regions[0].Access.Value.Skew
	if skew < 10*time.Minute || skew > 20*time.Minute {
		t.Errorf("the clock is %s ahead, want 10 minutes and the time that the test took", skew)
	}
}

// Answers of single Regions make the facts that Gather finds, also without some of
// them; without any there are none.
func TestJoin(t *testing.T) {
	set := testSet()
	o := Options{Set: set, Regions: set.Regions, Clients: map[string]Clients{}}
	for _, region := range set.Regions {
		o.Clients[region] = answering(t, time.Now())
	}
	first, second := set.Regions[0], set.Regions[1]
	facts, err := Join(o, map[string]Answer{second: GatherRegion(t.Context(), o, second)})
	if err != nil || facts.Account != account || len(facts.Regions) != len(set.Regions) {
		t.Fatalf("%v, account %q, %d Regions", err, facts.Account, len(facts.Regions))
	}
	for _, r := range facts.Regions {
		if known := r.Access.State == Found; known != (r.Name == second) || r.Access.Why != notYet && !known {
			t.Errorf("%s: access %+v", r.Name, r.Access)
		}
	}
	if _, err := Join(o, nil); err == nil || !strings.Contains(err.Error(), "region "+first+": "+notYet) {
		t.Errorf("without any answer: %v", err)
	}
}
