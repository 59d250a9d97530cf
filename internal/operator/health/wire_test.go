package health

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"s3fanout/internal/replicaset"
)

// wire answers as AWS does, on the wire. The key of an answer is the action of
// the query protocol, the operation of SQS, the path's end of Lambda, or the
// query of S3; one that begins with a number is that status.
type wire map[string]string

func (a wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	key := form.Get("Action")
	switch target := r.Header.Get("X-Amz-Target"); {
	case target != "":
		key = strings.TrimPrefix(target, "AmazonSQS.")
	case key != "":
	case strings.Contains(r.URL.Path, "/functions/"):
		key = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	case strings.Contains(r.URL.Path, "/tags/"):
		key = "tags"
	case r.Method == http.MethodHead:
		key = "HEAD"
	default:
		key, _, _ = strings.Cut(r.URL.RawQuery, "=")
	}
	answer, ok := a[key]
	if !ok {
		http.Error(w, "no answer for "+key, http.StatusBadRequest)
		return
	}
	if region, moved := strings.CutPrefix(answer, "301 "); moved {
		w.Header().Set("x-amz-bucket-region", region)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	if status, text, ok := strings.Cut(answer, " "); ok && len(status) == 3 {
		if n, err := strconv.Atoi(status); err == nil {
			w.WriteHeader(n)
			answer = text
		}
	}
	_, _ = io.WriteString(w, answer)
}

// with is the answers with another one to key.
func (a wire) with(key, answer string) wire {
	changed := maps.Clone(a)
	changed[key] = answer
	return changed
}

// result wraps a result of the query protocol.
func result(action, xml string) string {
	return "<" + action + "Response><" + action + "Result>" + xml + "</" + action + "Result></" + action + "Response>"
}

func entry(key, value string) string {
	return "<entry><key>" + key + "</key><value>" + value + "</value></entry>"
}

// gatherWire gathers the facts of eu-west-1 from the answers.
func gatherWire(t *testing.T, answers wire) Region {
	t.Helper()
	return gatherWireOf(t, testSet(), answers)
}

func gatherWireOf(t *testing.T, set replicaset.Config, answers http.Handler) Region {
	t.Helper()
	return gatherFacts(t, set, answers, Gather, []string{"eu-west-1"}).Regions[0]
}

func gatherFacts(
	t *testing.T, set replicaset.Config, answers http.Handler, gather func(context.Context, Options) (Facts, error), regions []string,
) Facts {
	t.Helper()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	clients := NewClients(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	}, set.Regions)
	facts, err := gather(t.Context(), Options{Set: set, Clients: clients, Regions: regions})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func unusual() wire {
	const topic = "arn:aws:sns:eu-west-1:111122223333:media-object-created"
	const function = "arn:aws:lambda:ap-northeast-1:111122223333:function:media-replicator"
	return wire{
		"GetCallerIdentity": result("GetCallerIdentity", "<Account>"+account+"</Account><Arn>arn:me</Arn>"),

		"HEAD":       "",
		"versioning": "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
		"notification": "<NotificationConfiguration><TopicConfiguration><Topic>" + topic +
			"</Topic><Event>s3:ObjectCreated:Put</Event><Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule>" +
			"</S3Key></Filter></TopicConfiguration></NotificationConfiguration>",
		"encryption": "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>" +
			"<KMSMasterKeyID>arn:k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>" +
			"</ServerSideEncryptionConfiguration>",
		"lifecycle": "<LifecycleConfiguration>" +
			"<Rule><Status>Disabled</Status><Filter/><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>" +
			"</AbortIncompleteMultipartUpload></Rule>" +
			"<Rule><Status>Enabled</Status><Filter><Prefix>a/</Prefix></Filter><AbortIncompleteMultipartUpload>" +
			"<DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>" +
			"<Rule><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><AbortIncompleteMultipartUpload>" +
			"<DaysAfterInitiation>9</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>" +
			"<Rule><Status>Enabled</Status><Filter><And><Prefix>a/</Prefix><Tag><Key>l</Key><Value/></Tag><Tag><Key>k</Key>" +
			"<Value>v</Value></Tag>" +
			"<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter><Expiration><Date>2027-01-01T00:00:00Z</Date></Expiration>" +
			"<NoncurrentVersionExpiration><NoncurrentDays>20</NoncurrentDays></NoncurrentVersionExpiration></Rule>" +
			"<Rule><Status>Enabled</Status><Filter/><Expiration><Days>90</Days></Expiration><NoncurrentVersionExpiration>" +
			"<NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration></Rule>" +
			"<Rule><Status>Disabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>" +
			"<Rule><Status>Enabled</Status><Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>" +
			"</Expiration></Rule>" +
			"</LifecycleConfiguration>",

		"GetTopicAttributes": result("GetTopicAttributes",
			"<Attributes>"+entry("Policy", "{}")+entry("KmsMasterKeyId", "alias/t")+"</Attributes>"),
		"ListSubscriptionsByTopic": result("ListSubscriptionsByTopic", "<Subscriptions>"+
			"<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><Protocol>email</Protocol>"+
			"<Endpoint>me@example.com</Endpoint></member>"+
			"<member><SubscriptionArn>"+topic+":1</SubscriptionArn><Protocol>lambda</Protocol><Endpoint>"+function+"</Endpoint></member>"+
			"</Subscriptions>"),
		"GetSubscriptionAttributes": result("GetSubscriptionAttributes", "<Attributes>"+
			entry("FilterPolicyScope", "MessageBody")+entry("FilterPolicy", `{"a":["b"]}`)+
			entry("RedrivePolicy", `{"deadLetterTargetArn":"arn:q"}`)+
			entry("PendingConfirmation", "false")+"</Attributes>"),

		"configuration": `{"State":"Failed","StateReason":"gone","LastUpdateStatus":"Failed","Role":"arn:r","Timeout":3,` +
			`"MemorySize":128,"Architectures":["x86_64"],"Environment":{"Variables":{"A":"b"}},"DeadLetterConfig":{"TargetArn":"arn:d"},` +
			`"TracingConfig":{"Mode":"Active"},"LoggingConfig":{"LogFormat":"JSON","ApplicationLogLevel":"WARN","SystemLogLevel":"DEBUG",` +
			`"LogGroup":"g"}}`,
		"concurrency": `{"ReservedConcurrentExecutions":0}`,
		"tags":        `{"Tags":{"s3fanout:paused":"sometime"}}`,
		"event-invoke-config": `{"MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,` +
			`"DestinationConfig":{"OnFailure":{"Destination":"arn:f"}}}`,
		"policy": `{"Policy":"{\"Statement\":[]}"}`,

		"GetRole": result("GetRole",
			"<Role><RoleId>AROA1</RoleId><AssumeRolePolicyDocument>%7B%22a%22%3A%22b+c%22%7D</AssumeRolePolicyDocument>"+
				"<PermissionsBoundary><PermissionsBoundaryArn>arn:b</PermissionsBoundaryArn></PermissionsBoundary></Role>"),
		"ListRolePolicies": result("ListRolePolicies",
			"<PolicyNames><member>one</member></PolicyNames><IsTruncated>false</IsTruncated>"),
		"GetRolePolicy": result("GetRolePolicy", "<PolicyDocument>%7B%7D</PolicyDocument>"),
		"ListAttachedRolePolicies": result("ListAttachedRolePolicies",
			"<AttachedPolicies><member><PolicyName>Extra</PolicyName></member></AttachedPolicies>"),

		"GetQueueUrl": `{"QueueUrl":"http://127.0.0.1/q"}`,
		"GetQueueAttributes": `{"Attributes":{"Policy":"{}","SqsManagedSseEnabled":"false","KmsMasterKeyId":"k",` +
			`"MessageRetentionPeriod":"60","ApproximateNumberOfMessages":"1","ApproximateNumberOfMessagesNotVisible":"2",` +
			`"ApproximateNumberOfMessagesDelayed":"4"}}`,
	}
}

// Everything that AWS tells gets into the facts.
func TestGatherReadsWhatAWSTells(t *testing.T) {
	got := gatherWire(t, unusual())
	got.Access = Look[Access]{} // has a test of its own
	if skew := got.Bucket.Value.Skew; skew.State != Found || skew.Value.Abs() > time.Minute {
		t.Errorf("S3's clock: %+v", skew)
	}
	got.Bucket.Value.Skew = Look[time.Duration]{}
	want := Region{
		Name: "eu-west-1",
		Bucket: found(Bucket{Versioning: found("Suspended"), AbortDays: found(9),
			Lifecycle: found(Lifecycle{NoncurrentDays: 20, Expires: []string{
				"every object after 90 days", `objects with prefix "a/" and tag "k"="v" and tag "l"="" and over 1 bytes on 2027-01-01`,
			}}), Encryption: found(Encryption{Algorithm: "aws:kms", Key: "arn:k", BucketKey: true}), Notifications: found([]Notification{
				{TopicARN: "arn:aws:sns:eu-west-1:111122223333:media-object-created", Events: []string{"s3:ObjectCreated:Put"},
					Prefix: "a/"},
			})}),
		Topic: found(Topic{Policy: "{}", Key: "alias/t"}),
		Subscriptions: found([]Subscription{
			{ARN: "PendingConfirmation", Protocol: "email", Endpoint: "me@example.com", Pending: true},
			{ARN: "arn:aws:sns:eu-west-1:111122223333:media-object-created:1", Protocol: "lambda",
				Endpoint: "arn:aws:lambda:ap-northeast-1:111122223333:function:media-replicator",
				Settings: found(SubscriptionSettings{FilterScope: "MessageBody", FilterPolicy: `{"a":["b"]}`, DeadLettersTo: "arn:q"})},
		}),
		Function: found(Function{
			State: "Failed", StateReason: "gone", UpdateStatus: "Failed", RoleARN: "arn:r", Environment: map[string]string{"A": "b"},
			TimeoutSeconds: 3, MemoryMB: 128, Architecture: "x86_64", DeadLettersTo: "arn:d", Tracing: "Active",
			Logging: Logging{Format: "JSON", Level: "WARN", System: "DEBUG", Group: "g"}, Reserved: found(0),
			Paused:   Look[Paused]{State: Absent},
			Failures: found(Failures{Destination: "arn:f", Retries: 0, MaxAgeSeconds: 60}), Policy: found(`{"Statement":[]}`),
		}),
		// A plus sign in IAM's documents is one.
		Role: found(Role{
			ID: "AROA1", Trust: `{"a":"b+c"}`, Policies: found([]string{"{}"}), Attached: found([]string{"Extra"}), Boundary: "arn:b",
		}),
		Queue: found(Queue{Policy: "{}", Key: "k", RetentionSeconds: 60, Letters: 7, Held: 2}),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// The role of jobs is asked for if the set has one, and only then: commands
// say how many requests they make.
func TestGatherAsksForTheRoleOfJobs(t *testing.T) {
	for _, c := range []struct {
		batch    bool
		requests int64 // of a Region, with one policy in each role and a subscription
	}{{false, 19}, {true, 23}} {
		set := testSet()
		set.BatchOperations = c.batch
		var requests atomic.Int64
		got := gatherWireOf(t, set, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			unusual().with("concurrency", `{"ReservedConcurrentExecutions":1}`).ServeHTTP(w, r) // or it would be asked whether it is paused
		}))
		if requests.Load() != c.requests || (got.JobRole.State == Found) != c.batch {
			t.Errorf("batchOperations %v: %d requests and the role %+v, want %d", c.batch, requests.Load(), got.JobRole, c.requests)
		}
	}
}

// What AWS says of things that are not there, or elsewhere, part by part.
func TestGatherReadsWhatIsNotThere(t *testing.T) {
	queryError := func(code string) string {
		return "404 <ErrorResponse><Error><Code>" + code + "</Code><Message>m</Message></Error></ErrorResponse>"
	}
	for _, c := range []struct {
		key, answer string
		check       func(r Region) bool
	}{
		{"HEAD", "301 eu-west-2", func(r Region) bool {
			return r.Bucket.State == Found && r.Bucket.Value.Region == "eu-west-2" && r.Bucket.Value.Versioning.State == Unanswered
		}},
		{"HEAD", "404 ", func(r Region) bool { return r.Bucket.State == Absent }},
		{"lifecycle", "404 <Error><Code>NoSuchLifecycleConfiguration</Code></Error>",
			func(r Region) bool { return r.Bucket.Value.AbortDays.State == Absent }},
		{"encryption", "404 <Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>",
			func(r Region) bool { return r.Bucket.Value.Encryption == found(Encryption{}) }},
		{"encryption", "404 <Error><Code>NoSuchBucket</Code></Error>",
			func(r Region) bool { return r.Bucket.Value.Encryption.State == Absent }},
		{"GetQueueAttributes",
			`{"Attributes":{"MessageRetentionPeriod":"60","SqsManagedSseEnabled":"false","ApproximateNumberOfMessages":"0",` +
				`"ApproximateNumberOfMessagesNotVisible":"0","ApproximateNumberOfMessagesDelayed":"0"}}`, func(r Region) bool {
				return r.Queue.Value.Unencrypted && r.Queue.Value.Key == ""
			}},
		{"versioning", "<VersioningConfiguration/>", func(r Region) bool { return r.Bucket.Value.Versioning == found("") }},
		{"GetTopicAttributes", queryError("NotFound"), func(r Region) bool { return r.Topic.State == Absent }},
		{"GetSubscriptionAttributes", queryError("NotFound"), func(r Region) bool {
			s := r.Subscriptions.Value[1].Settings
			return s.State != Found && strings.Contains(s.Why, "deleted")
		}},
		{"configuration", `404 {"__type":"ResourceNotFoundException"}`, func(r Region) bool { return r.Function.State == Absent }},
		{"policy", `404 {"__type":"ResourceNotFoundException"}`, func(r Region) bool { return r.Function.Value.Policy.State == Absent }},
		{"event-invoke-config", `404 {"__type":"ResourceNotFoundException"}`,
			func(r Region) bool { return r.Function.Value.Failures.State == Absent }},
		{"event-invoke-config", `{}`, func(r Region) bool {
			return r.Function.Value.Failures == found(Failures{Retries: 2, MaxAgeSeconds: 21600})
		}},
		{"concurrency", `{}`, func(r Region) bool { return r.Function.Value.Reserved.State == Absent }},
		{"tags", `{"Tags":{}}`, func(r Region) bool { return r.Function.Value.Paused.State == Absent }},
		{"tags", `{"Tags":{"s3fanout:paused":"2026-11-20T12:00:00Z reserved=25"}}`, func(r Region) bool {
			p := r.Function.Value.Paused
			return p.State == Found && p.Value.Since.Equal(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)) &&
				(time.Since(p.Value.Since)-p.Value.For).Abs() < time.Minute
		}},
		{"tags", `403 {"__type":"AccessDeniedException"}`, func(r Region) bool {
			p := r.Function.Value.Paused
			return p.State == Unanswered && p.Denied == "lambda:ListTags"
		}},
		{"GetRole", queryError("NoSuchEntity"), func(r Region) bool { return r.Role.State == Absent }},
		{"GetQueueUrl", `404 {"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`, func(r Region) bool { return r.Queue.State == Absent }},
		{"GetQueueAttributes", `{"Attributes":{"MessageRetentionPeriod":"60"}}`, func(r Region) bool {
			return r.Queue.State == Unanswered && strings.Contains(r.Queue.Why, "ApproximateNumberOfMessages")
		}},
	} {
		answers := unusual()
		answers[c.key] = c.answer
		if got := gatherWire(t, answers); !c.check(got) {
			t.Errorf("%s answers %s: got %+v", c.key, c.answer, got)
		}
	}
}
