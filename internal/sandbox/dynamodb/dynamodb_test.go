package dynamodb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/goleak"

	"s3fanout/internal/sandbox/iam"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "123456789012"
	region  = "eu-west-1"
)

func admin() iam.Caller {
	return iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}
}

// client is the real SDK's, for a service as the caller sees it.
func client(t *testing.T, s *Service, caller iam.Caller) *dynamodb.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeAPI(w, r, region, caller) }))
	t.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
		}),
	})
}

func withTable(t *testing.T) *Service {
	t.Helper()
	s := New("aws", account)
	if _, err := s.CreateTable(region, "media-reconcile", "id"); err != nil {
		t.Fatal(err)
	}
	return s
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func put(rev int, condition *string, values map[string]types.AttributeValue) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: aws.String("media-reconcile"), ConditionExpression: condition, ExpressionAttributeValues: values,
		Item: map[string]types.AttributeValue{"id": text("all"), "rev": number(rev), "doc": text("{}")},
	}
}

// TestCompareAndSet has the SDK write an item of which each version is written
// once.
func TestCompareAndSet(t *testing.T) {
	s := withTable(t)
	c := client(t, s, admin())
	get := func() map[string]types.AttributeValue {
		t.Helper()
		out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String("media-reconcile"), Key: map[string]types.AttributeValue{"id": text("all")},
			ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		return out.Item
	}
	if got := get(); got != nil {
		t.Errorf("an item that nobody put: %v", got)
	}
	first := aws.String("attribute_not_exists(id)")
	var failed *types.ConditionalCheckFailedException
	for i, tt := range []struct {
		in   *dynamodb.PutItemInput
		held bool
	}{
		{put(1, first, nil), true},
		{put(1, first, nil), false},
		{put(2, aws.String("rev = :rev"), map[string]types.AttributeValue{":rev": number(1)}), true},
		{put(2, aws.String("rev = :rev"), map[string]types.AttributeValue{":rev": number(1)}), false},
		{put(3, aws.String("rev = :rev"), map[string]types.AttributeValue{":rev": text("2")}), false}, // of another type
	} {
		_, err := c.PutItem(t.Context(), tt.in)
		if (err == nil) != tt.held || err != nil && !errors.As(err, &failed) {
			t.Errorf("%d: got %v, want the condition to hold: %t", i, err, tt.held)
		}
	}
	if rev, ok := get()["rev"].(*types.AttributeValueMemberN); !ok || rev.Value != "2" {
		t.Errorf("rev is %v, want 2", get()["rev"])
	}
	names := put(3, aws.String("#r = :rev"), map[string]types.AttributeValue{":rev": number(2)})
	names.ExpressionAttributeNames = map[string]string{"#r": "rev"}
	if _, err := c.PutItem(t.Context(), names); err != nil {
		t.Errorf("with a placeholder for the name: %v", err)
	}
	out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("media-reconcile")})
	if err != nil || out.Table.TableStatus != types.TableStatusActive {
		t.Errorf("described as %+v, %v", out, err)
	}
	s.DeleteTable(region, "media-reconcile")
	var gone *types.ResourceNotFoundException
	if _, err := c.PutItem(t.Context(), put(1, nil, nil)); !errors.As(err, &gone) {
		t.Errorf("a put into a table that is gone: %v", err)
	}
}

// Of writers that saw the same version, one wins.
func TestOneOfManyWritersWins(t *testing.T) {
	c := client(t, withTable(t), admin())
	var won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.PutItem(t.Context(), put(1, aws.String("attribute_not_exists(id)"), nil)); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers won", won.Load())
	}
}

// TestPolicies has a role that may read one table and write none.
func TestPolicies(t *testing.T) {
	store := iam.NewStore("aws", account)
	trust, err := iam.ParseAs(iam.TrustPolicy,
		[]byte(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	role, err := store.CreateRole(iam.RoleConfig{Name: "r", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iam.ParseAs(iam.IdentityPolicy,
		[]byte(`{"Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem",`+
			`"Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/media-reconcile"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	role.PutPolicy("p", policy)
	_, caller, err := store.AssumeRoleForService(role.ARN, "f", "lambda.amazonaws.com", "")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, withTable(t), caller)
	read := func(table string) error {
		_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String(table), Key: map[string]types.AttributeValue{"id": text("all")},
		})
		return err
	}
	if err := read("media-reconcile"); err != nil {
		t.Error(err)
	}
	_, write := c.PutItem(t.Context(), put(1, nil, nil))
	for what, err := range map[string]error{"another table": read("other"), "a write": write} {
		if err == nil || !strings.Contains(err.Error(), "AccessDeniedException") {
			t.Errorf("%s: got %v, want it denied", what, err)
		}
	}
}

// TestRefusedByName has what DynamoDB takes and the sandbox does not, and what
// neither takes.
func TestRefusedByName(t *testing.T) {
	s := withTable(t)
	item := func(more string) string {
		return `{"TableName":"media-reconcile","Item":{"id":{"S":"a"},"rev":{"N":"1"}}` + more + `}`
	}
	for _, tt := range []struct{ target, body, want string }{
		{"UpdateItem", `{}`, `no operation \"UpdateItem\"; it has DescribeTable, GetItem, PutItem`},
		{"PutItem", item(`,"Expected":{}`), `unknown field`},
		{"PutItem", item(`,"ConsistentRead":true`), `PutItem has no ConsistentRead`},
		{"PutItem", item(`,"ReturnValues":"ALL_OLD"`), `no ReturnValues ALL_OLD`},
		{"PutItem", item(`,"ConditionExpression":"rev < :r","ExpressionAttributeValues":{":r":{"N":"1"}}`),
			`does not know \"rev \u003c :r\"`},
		{"PutItem", item(`,"ConditionExpression":"rev = :r AND x = :r","ExpressionAttributeValues":{":r":{"N":"1"}}`), `does not know`},
		{"PutItem", item(`,"ConditionExpression":"rev = :r"`), `value: :r`},
		{"PutItem", item(`,"ConditionExpression":"#r = :r","ExpressionAttributeValues":{":r":{"N":"1"}}`), `attribute name: #r`},
		{"PutItem", item(`,"ConditionExpression":"attribute_not_exists(id)","ExpressionAttributeValues":{":r":{"N":"1"}}`),
			`ExpressionAttributeValues unused in expressions: keys: {:r}`},
		{"PutItem", item(`,"ExpressionAttributeNames":{"#a":"b"}`), `ExpressionAttributeNames unused in expressions: keys: {#a}`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"S":"a"},"on":{"BOOL":true}}}`, `on is of type BOOL`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"S":"a"},"n":{"N":"1.5"}}}`, `whole numbers`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"S":"a","N":"1"}}}`, `more than one datatypes`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"rev":{"N":"1"}}}`, `Missing the key id`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"N":"1"}}}`, `Type mismatch for key id`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"S":""}}}`, `empty string value`},
		{"PutItem", `{"TableName":"media-reconcile","Item":{"id":{"S":"a"},"doc":{"S":"` + strings.Repeat("x", maxItem) + `"}}}`,
			`exceeded the maximum allowed size`},
		{"PutItem", `{"TableName":"media-reconcile"}`, `'Item' is required`},
		{"GetItem", `{"TableName":"media-reconcile","Key":{"id":{"S":"a"},"rev":{"N":"1"}}}`, `does not match the schema`},
		{"GetItem", `{"TableName":"media-reconcile","Key":{"id":{"S":"a"}},"ProjectionExpression":"rev"}`, `unknown field`},
		{"GetItem", `[]`, `SerializationException`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(tt.body))
		r.Header.Set("X-Amz-Target", targetPrefix+tt.target)
		w := httptest.NewRecorder()
		s.ServeAPI(w, r, region, admin())
		if got := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(got, tt.want) {
			t.Errorf("%s %.100s: %d %s, want %s", tt.target, tt.body, w.Code, got, tt.want)
		}
	}
}
