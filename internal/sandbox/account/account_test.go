package account

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sigv4"
)

const (
	accountID = "123456789012"
	root      = `{"AWS":"arn:aws:iam::123456789012:root"}`
	user      = `{"AWS":"arn:aws:iam::123456789012:user/administrator"}`
)

// world is the services behind signatures, with a clock that can be put forward.
type world struct {
	t        *testing.T
	store    *iam.Store
	endpoint string
	later    time.Duration
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: iam.NewStore("aws", accountID)}
	service := New(w.store, w.now)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		// Only the credentials' end is put to the test here: the signature's own
		// time is the clock's.
		id, err := sigv4.Authenticate(r, w.store, time.Now())
		switch {
		case err != nil:
			http.Error(rw, "<ErrorResponse><Error><Code>"+err.Code+"</Code></Error></ErrorResponse>", err.Status)
		case id.Service == "sts":
			service.ServeSTS(rw, r, id.Caller)
		case id.Service == "iam":
			service.ServeIAM(rw, r, id.Caller)
		default:
			http.Error(rw, id.Service, http.StatusNotImplemented)
		}
	}))
	t.Cleanup(server.Close)
	w.endpoint = server.URL
	return w
}

func (w *world) now() time.Time { return time.Now().Add(w.later) }

// role makes a role that trusts the principals (JSON) under the condition
// (JSON, or empty), with a policy of the statements (JSON, or empty).
func (w *world) role(name, principal, condition, statements string) *iam.Role {
	w.t.Helper()
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	trust, err := iam.ParseAs(iam.TrustPolicy,
		[]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:AssumeRole"`+
			condition+`}]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.store.CreateRole(iam.RoleConfig{Name: name, Trust: trust})
	if err != nil {
		w.t.Fatal(err)
	}
	if statements != "" {
		p, err := iam.ParseAs(iam.IdentityPolicy, []byte(`{"Version": "2012-10-17", "Statement": [`+statements+`]}`))
		if err != nil {
			w.t.Fatal(err)
		}
		r.PutPolicy("p", p)
	}
	return r
}

func (w *world) admin() aws.CredentialsProvider {
	c := w.store.Admin()
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")
}

func (w *world) sts(c aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{Region: "eu-west-1", BaseEndpoint: &w.endpoint, Credentials: c, RetryMaxAttempts: 1})
}

func (w *world) iam(c aws.CredentialsProvider) *awsiam.Client {
	return awsiam.New(awsiam.Options{Region: "eu-west-1", BaseEndpoint: &w.endpoint, Credentials: c, RetryMaxAttempts: 1})
}

func (w *world) as(r *iam.Role) aws.CredentialsProvider {
	return stscreds.NewAssumeRoleProvider(w.sts(w.admin()), r.ARN, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "tester" })
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	r := w.role("operator", root, "", "")
	before := time.Now()
	out, err := w.sts(w.admin()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &r.ARN, RoleSessionName: aws.String("a+b=c,d.e@f-g"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if id := *out.Credentials.AccessKeyId; !strings.HasPrefix(id, "ASIA") || len(id) != 20 {
		t.Errorf("AccessKeyId = %s, want ASIA and 16 more", id)
	}
	if end := *out.Credentials.Expiration; end.Before(before.Add(898*time.Second)) || end.After(time.Now().Add(901*time.Second)) {
		t.Errorf("Expiration = %v, want 15 minutes after %v", end, before)
	}
	arn, id := "arn:aws:sts::123456789012:assumed-role/operator/a+b=c,d.e@f-g", r.ID+":a+b=c,d.e@f-g"
	if *out.AssumedRoleUser.Arn != arn || *out.AssumedRoleUser.AssumedRoleId != id {
		t.Errorf("AssumedRoleUser = %s, %s; want %s, %s", *out.AssumedRoleUser.Arn, *out.AssumedRoleUser.AssumedRoleId, arn, id)
	}
	session := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey,
		*out.Credentials.SessionToken)
	who, err := w.sts(session).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != arn || *who.UserId != id || *who.Account != accountID {
		t.Errorf("GetCallerIdentity = %+v, %v; want %s, %s", who, err, arn, id)
	}
	// A session's key without its token is nobody's.
	bare := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, "")
	if _, err := w.sts(bare).GetCallerIdentity(t.Context(), nil); code(err) != "InvalidClientTokenId" {
		t.Errorf("without a session token: %v, want InvalidClientTokenId", err)
	}
}

func TestSessionsExpire(t *testing.T) {
	w := newWorld(t)
	w.later = -2 * time.Hour // the session began that long ago, for an hour
	r := w.role("operator", root, "", "")
	out, err := w.sts(w.admin()).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &r.ARN, RoleSessionName: aws.String("old")})
	if err != nil {
		t.Fatal(err)
	}
	session := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey,
		*out.Credentials.SessionToken)
	if _, err := w.sts(session).GetCallerIdentity(t.Context(), nil); code(err) != "ExpiredToken" {
		t.Errorf("GetCallerIdentity = %v, want ExpiredToken", err)
	}
}

// Both sides have a say: a trust policy that names the account leaves it to
// the caller's policies, and they never suffice without it.
func TestWhoMayAssumeARole(t *testing.T) {
	may := `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`
	mayNot := `{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`
	ofRole := `{"AWS":"arn:aws:iam::123456789012:role/caller"}`
	ofSession := `{"AWS":"arn:aws:sts::123456789012:assumed-role/caller/tester"}`
	onlyTask := `{"StringLike":{"sts:RoleSessionName":"task-*"}}`
	for _, c := range []struct {
		name      string
		trust     string
		condition string
		policy    string // of a role that calls; "-": the administrator calls
		external  string
		want      string
	}{
		{name: "the account, by the administrator", trust: root, policy: "-"},
		{name: "the user by name", trust: user, policy: "-"},
		{name: "everyone", trust: `"*"`},
		{name: "a service alone", trust: `{"Service":"lambda.amazonaws.com"}`, policy: "-", want: "AccessDenied"},
		{name: "a service alone, though a policy allows it", trust: `{"Service":"lambda.amazonaws.com"}`, policy: may,
			want: "AccessDenied"},
		{name: "another account", trust: `{"AWS":"210987654321"}`, policy: "-", want: "AccessDenied"},
		{name: "the account, and the policy allows it", trust: root, policy: may},
		{name: "the account, and no policy allows it", trust: root, want: "AccessDenied"},
		{name: "the role by name needs no policy", trust: ofRole},
		{name: "the session by name needs no policy", trust: ofSession},
		{name: "the role by name, but its policy denies it", trust: ofRole, policy: mayNot, want: "AccessDenied"},
		{name: "a condition on the session's name fails", trust: root, condition: onlyTask, policy: "-", want: "AccessDenied"},
		{name: "a condition on the session's name holds", trust: root, condition: strings.ReplaceAll(onlyTask, "task", "chain"),
			policy: "-"},
		{name: "an external id that is missing", trust: root, condition: `{"StringEquals":{"sts:ExternalId":"secret"}}`, policy: "-",
			want: "AccessDenied"},
		{name: "an external id that is right", trust: root, condition: `{"StringEquals":{"sts:ExternalId":"secret"}}`, policy: "-",
			external: "secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			target := w.role("target", c.trust, c.condition, "")
			caller := w.admin()
			if c.policy != "-" {
				caller = w.as(w.role("caller", root, "", c.policy))
			}
			in := &sts.AssumeRoleInput{RoleArn: &target.ARN, RoleSessionName: aws.String("chain-1")}
			if c.external != "" {
				in.ExternalId = &c.external
			}
			if _, err := w.sts(caller).AssumeRole(t.Context(), in); code(err) != c.want {
				t.Errorf("AssumeRole = %v, want %q", err, c.want)
			}
		})
	}
}

func TestAssumeRoleRefusesWhatAWSRefuses(t *testing.T) {
	w := newWorld(t)
	r := w.role("operator", root, "", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	for _, c := range []struct {
		name   string
		change func(*sts.AssumeRoleInput)
		caller aws.CredentialsProvider
		want   string
		says   string
	}{
		{"a session name of one character", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a") }, nil, "ValidationError",
			"greater than or equal to 2"},
		{"a session name of 65 characters", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String(strings.Repeat("a", 65)) }, nil,
			"ValidationError", "less than or equal to 64"},
		{"a session name with a space", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a b") }, nil, "ValidationError",
			"'a b' at 'roleSessionName'"},
		{"a session of minutes", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }, nil, "ValidationError", "900"},
		{"a session of a day", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(86400) }, nil, "ValidationError", "43200"},
		{"more than the role has", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, nil, "ValidationError",
			"MaxSessionDuration"},
		{"more than a chain has", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, w.as(r), "ValidationError",
			"role chaining"},
		{"no ARN", func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("operator-of-the-set-of-buckets") }, nil, "ValidationError",
			"is invalid"},
		{"no such role", func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(r.ARN + "s") }, nil, "AccessDenied",
			"User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: sts:AssumeRole on resource: " + r.ARN + "s"},
		{"a session policy", func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{}") }, nil, "ValidationError", "Policy"},
	} {
		in := &sts.AssumeRoleInput{RoleArn: &r.ARN, RoleSessionName: aws.String("tester")}
		c.change(in)
		caller := c.caller
		if caller == nil {
			caller = w.admin()
		}
		_, err := w.sts(caller).AssumeRole(t.Context(), in)
		if code(err) != c.want || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %s that says %q", c.name, err, c.want, c.says)
		}
	}
}

func TestRolesAreRead(t *testing.T) {
	w := newWorld(t)
	r := w.role("operator", root, "", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/a + b/*"}`)
	client := w.iam(w.admin())
	got, err := client.GetRole(t.Context(), &awsiam.GetRoleInput{RoleName: &r.Name})
	if err != nil {
		t.Fatal(err)
	}
	trust, err := url.QueryUnescape(*got.Role.AssumeRolePolicyDocument)
	if want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + root + `,"Action":"sts:AssumeRole"}]}`; err != nil ||
		trust != want {
		t.Errorf("AssumeRolePolicyDocument = %s, %v; want %s", trust, err, want)
	}
	if *got.Role.RoleId != r.ID || *got.Role.Arn != r.ARN || *got.Role.MaxSessionDuration != 3600 || !got.Role.CreateDate.Equal(r.Created) {
		t.Errorf("GetRole = %+v, want %+v", *got.Role, r)
	}
	names, err := client.ListRolePolicies(t.Context(), &awsiam.ListRolePoliciesInput{RoleName: &r.Name})
	if err != nil || !slices.Equal(names.PolicyNames, []string{"p"}) || names.IsTruncated {
		t.Errorf("ListRolePolicies = %+v, %v; want p", names, err)
	}
	policy, err := client.GetRolePolicy(t.Context(), &awsiam.GetRolePolicyInput{RoleName: &r.Name, PolicyName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := url.QueryUnescape(*policy.PolicyDocument)
	if want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::media/a + b/*"}]}`; err != nil || text != want {
		t.Errorf("PolicyDocument = %s, %v; want %s", text, err, want)
	}
	attached, err := client.ListAttachedRolePolicies(t.Context(), &awsiam.ListAttachedRolePoliciesInput{RoleName: &r.Name})
	if err != nil || len(attached.AttachedPolicies) != 0 {
		t.Errorf("ListAttachedRolePolicies = %+v, %v; want none", attached, err)
	}
}

func TestReadingRolesIsRefused(t *testing.T) {
	w := newWorld(t)
	nobody := w.iam(w.as(w.role("nobody", root, "", "")))
	reader := w.iam(
		w.as(w.role("reader", root, "", `{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::123456789012:role/reader"}`)),
	)
	admin := w.iam(w.admin())
	read := func(c *awsiam.Client, ctx context.Context, role string) (codes []string) {
		_, err := c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: &role})
		codes = append(codes, code(err))
		_, err = c.ListRolePolicies(ctx, &awsiam.ListRolePoliciesInput{RoleName: &role})
		codes = append(codes, code(err))
		_, err = c.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: &role, PolicyName: aws.String("p")})
		codes = append(codes, code(err))
		_, err = c.ListAttachedRolePolicies(ctx, &awsiam.ListAttachedRolePoliciesInput{RoleName: &role})
		return append(codes, code(err))
	}
	all := func(code string) []string { return slices.Repeat([]string{code}, 4) }
	for _, c := range []struct {
		name   string
		client *awsiam.Client
		role   string
		want   []string
	}{
		{"by a role without policies", nobody, "reader", all("AccessDenied")},
		{"by a role that may read itself", reader, "reader", all("")},
		{"by a role that may read another", reader, "nobody", all("AccessDenied")},
		{"of a role that is not there", admin, "ghost", all("NoSuchEntity")},
	} {
		if got := read(c.client, t.Context(), c.role); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	_, err := admin.GetRolePolicy(t.Context(), &awsiam.GetRolePolicyInput{RoleName: aws.String("reader"), PolicyName: aws.String("ghost")})
	if code(err) != "NoSuchEntity" {
		t.Errorf("GetRolePolicy of a policy that is not there: %v, want NoSuchEntity", err)
	}
	if _, err := admin.ListRoles(t.Context(), nil); code(err) != "InvalidAction" {
		t.Errorf("ListRoles = %v, want InvalidAction", err)
	}
}
