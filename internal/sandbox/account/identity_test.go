package account

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/iam"
)

// trusting makes a role that trusts the account for these actions, and may
// assume every role itself.
func (w *world) trusting(name string, actions ...string) *iam.Role {
	w.t.Helper()
	trust, err := iam.ParseAs(iam.TrustPolicy,
		[]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+root+`,"Action":["`+
			strings.Join(actions, `","`)+`"]}]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.store.CreateRole(iam.RoleConfig{Name: name, Trust: trust})
	if err != nil {
		w.t.Fatal(err)
	}
	policy, err := iam.ParseAs(iam.IdentityPolicy, []byte(`{"Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	r.PutPolicy("p", policy)
	return r
}

func (w *world) session(
	by aws.CredentialsProvider, r *iam.Role, change func(*sts.AssumeRoleInput),
) (*sts.AssumeRoleOutput, aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleInput{RoleArn: &r.ARN, RoleSessionName: aws.String("tester")}
	if change != nil {
		change(in)
	}
	out, err := w.sts(by).AssumeRole(w.t.Context(), in)
	if err != nil {
		return nil, nil, err
	}
	c := out.Credentials
	return out, credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil
}

// A source identity and tags that are handed on follow their holder through
// roles, so each role's trust has to let them be set.
func TestWhatASessionHandsOn(t *testing.T) {
	w := newWorld(t)
	const assume, identify, tag = "sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"
	plain, both := w.trusting("plain", assume), w.trusting("both", assume, identify, tag)
	named := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("jo@example.com") }
	tagged := func(in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("ops")}}
	}
	handing := func(in *sts.AssumeRoleInput) { tagged(in); in.TransitiveTagKeys = []string{"team"} }
	for _, tt := range []struct {
		name         string
		first        func(*sts.AssumeRoleInput)
		second       func(*sts.AssumeRoleInput)
		target       *iam.Role
		want, misses string
	}{
		{"neither", nil, nil, plain, "", ""},
		{"a source identity", nil, named, both, "", ""},
		{"a source identity that the role lets nobody set", nil, named, plain, "AccessDenied", identify},
		{"a source identity that is handed on", named, nil, plain, "AccessDenied", identify},
		{"a source identity that is handed on and let", named, nil, both, "", ""},
		{"the same source identity again", named, named, both, "", ""},
		{"another source identity", named, func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("max") }, both,
			"AccessDenied", identify},
		{"tags", nil, tagged, both, "", ""},
		{"tags that the role lets nobody set", nil, tagged, plain, "AccessDenied", tag},
		{"tags that stay", tagged, nil, plain, "", ""},
		{"tags that are handed on", handing, nil, plain, "AccessDenied", tag},
		{"tags that are handed on and let", handing, nil, both, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			_, holder, err := w.session(w.admin(), both, tt.first)
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := w.session(holder, tt.target, tt.second)
			if code(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			var api smithy.APIError
			if errors.As(err, &api) && !strings.Contains(api.ErrorMessage(), tt.misses) {
				t.Errorf("%s; want it to name %s", api.ErrorMessage(), tt.misses)
			}
			if err == nil && strings.Contains(tt.name, "source identity") && aws.ToString(out.SourceIdentity) != "jo@example.com" {
				t.Errorf("source identity %q, want that of the first session", aws.ToString(out.SourceIdentity))
			}
		})
	}
	w.t = t
	for what, change := range map[string]func(*sts.AssumeRoleInput){
		"a source identity with a space": func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("j o") },
		"a transitive key without a tag": func(in *sts.AssumeRoleInput) { tagged(in); in.TransitiveTagKeys = []string{"other"} },
		"a tag twice":                    func(in *sts.AssumeRoleInput) { tagged(in); in.Tags = append(in.Tags, in.Tags[0]) },
		"a session policy":               func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{}") },
	} {
		if _, _, err := w.session(w.admin(), both, change); code(err) != "ValidationError" {
			t.Errorf("%s: %v, want a ValidationError", what, err)
		}
	}
}
