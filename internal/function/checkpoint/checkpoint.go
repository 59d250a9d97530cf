// Package checkpoint keeps one document of a function in an item of a DynamoDB table,
// and replaces it only if nobody else has since it was read (compare and set).
//
// It speaks DynamoDB's JSON protocol itself, signed by the SDK: two operations need
// no client of a megabyte and a half, which each cold start would load.
package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
)

// ErrConflict says that the document has been replaced since it was read.
var ErrConflict = errors.New("somebody else has replaced the document since it was read")

const (
	// timeout bounds one attempt.
	timeout = 5 * time.Second
	// mostBytes is as much of an answer as is read. An item has 400 KB at most.
	mostBytes = 1 << 20
	// itemID is the key of the item.
	itemID = "reconcile"
)

// Table is the table with the document.
type Table struct {
	client      aws.HTTPClient
	credentials aws.Credentials
	region, url string
	name        string
	sleep       func(context.Context, time.Duration) error
}

// New addresses a table in the function's Region. It honours the variables that
// package client does, AWS_ENDPOINT_URL_DYNAMODB among them.
func New(getenv func(string) string, httpClient aws.HTTPClient, credentials aws.Credentials, name string) (*Table, error) {
	region := getenv(functionenv.Region)
	base, err := client.ServiceURL(getenv, "AWS_ENDPOINT_URL_DYNAMODB", "dynamodb", region)
	if err != nil {
		return nil, err
	}
	return &Table{
		client: httpClient, credentials: credentials, region: region, url: base + "/", name: name,
		sleep: smithytime.SleepWithContext,
	}, nil
}

// Names of DynamoDB's protocol, and of the item's attributes.
type (
	value struct {
		S string `json:"S,omitempty"`
		N string `json:"N,omitempty"`
	}
	item map[string]value
)

const idName, revisionName, documentName = "id", "rev", "doc"

// Load reads the document and its revision, as the last Save left it; nil and 0 if
// there is none (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html).
func (t *Table) Load(ctx context.Context) (document []byte, revision int64, err error) {
	request := map[string]any{"TableName": t.name, "Key": item{idName: {S: itemID}}, "ConsistentRead": true}
	raw, _, err := t.retry(ctx, "GetItem", request)
	if err != nil {
		return nil, 0, err
	}
	var answer struct{ Item item }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, 0, fmt.Errorf("dynamodb:GetItem on table %s: the answer is not understood: %w", t.name, err)
	}
	if answer.Item == nil {
		return nil, 0, nil
	}
	revision, err = strconv.ParseInt(answer.Item[revisionName].N, 10, 64)
	if err != nil || revision < 1 {
		return nil, 0, fmt.Errorf(
			"table %s: item %q has no revision; delete it, and the next comparison starts from the beginning", t.name, itemID,
		)
	}
	return []byte(answer.Item[documentName].S), revision, nil
}

// Save replaces the document of that revision, 0 if there is none; it has the next
// revision then. The error wraps ErrConflict if it has another one already
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html).
func (t *Table) Save(ctx context.Context, document []byte, revision int64) error {
	request := map[string]any{
		"TableName": t.name,
		"Item":      item{idName: {S: itemID}, revisionName: {N: strconv.FormatInt(revision+1, 10)}, documentName: {S: string(document)}},
	}
	if revision == 0 {
		request["ConditionExpression"] = "attribute_not_exists(" + idName + ")"
	} else {
		request["ConditionExpression"] = revisionName + " = :rev"
		request["ExpressionAttributeValues"] = item{":rev": {N: strconv.FormatInt(revision, 10)}}
	}
	_, attempts, err := t.retry(ctx, "PutItem", request)
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Code != "ConditionalCheckFailedException" {
		return err
	}
	if attempts > 1 {
		// An attempt before this one may have been done, and its answer lost.
		now, saved, loadErr := t.Load(ctx)
		if loadErr == nil && saved == revision+1 && bytes.Equal(now, document) {
			return nil
		}
	}
	return fmt.Errorf("table %s: %w", t.name, ErrConflict)
}

// Refusal is DynamoDB's answer to a request that it did not do.
type Refusal struct {
	Operation, Table string
	Status           int
	Code, Message    string
}

func (r *Refusal) Error() string {
	text := fmt.Sprintf("dynamodb:%s on table %s: %s: %s", r.Operation, r.Table, r.Code, r.Message)
	switch r.Code {
	case "AccessDeniedException":
		text += "; allow it to the function's role, or deploy"
	case "ResourceNotFoundException":
		text += "; deploy the stacks"
	}
	return text
}

// passes says that the same request may be done later.
func (r *Refusal) passes() bool {
	switch r.Code {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException":
		return true
	}
	return r.Status >= http.StatusInternalServerError
}

// retry sends a request until it is answered, a few times at most, and says how often
// it did.
func (t *Table) retry(ctx context.Context, operation string, request any) (answer []byte, attempts int, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, 0, err
	}
	backoff := retry.NewExponentialJitterBackoff(2 * time.Second)
	for attempts = 1; ; attempts++ {
		answer, err = t.try(ctx, operation, body)
		var refused *Refusal
		if err == nil || attempts == client.MaxAttempts || ctx.Err() != nil || errors.As(err, &refused) && !refused.passes() {
			return answer, attempts, err
		}
		delay, delayErr := backoff.BackoffDelay(attempts, err)
		if delayErr != nil || t.sleep(ctx, delay) != nil {
			return nil, attempts, err
		}
	}
}

func (t *Table) try(ctx context.Context, operation string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(
		ctx, t.credentials, request, hex.EncodeToString(hash[:]), "dynamodb", t.region, time.Now(),
	); err != nil {
		return nil, err
	}
	response, err := t.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("dynamodb:%s on table %s: %w", operation, t.name, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostBytes))
	if response.StatusCode == http.StatusOK {
		return answer, err
	}
	refused := &Refusal{Operation: operation, Table: t.name, Status: response.StatusCode, Code: http.StatusText(response.StatusCode)}
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // encoding/json takes Message too
	}
	if json.Unmarshal(answer, &said) == nil && said.Type != "" {
		refused.Code, refused.Message = said.Type[strings.LastIndexByte(said.Type, '#')+1:], strings.Join(strings.Fields(said.Message), " ")
	}
	return nil, refused
}
