// Package dynamodb is the sandbox's Amazon DynamoDB: tables on demand with one key
// of type S, whose items are read and put by that key, each request authorized by
// the caller's policies.
//
// It has what a checkpoint with compare-and-set needs: GetItem, PutItem with one of
// two conditions, and DescribeTable. Attributes are of types S and N. Whatever else
// DynamoDB has is refused by name, so that nothing works here and not there.
package dynamodb

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// value is an attribute's value: its type, S or N, and the text.
type value struct{ kind, text string }

type item map[string]value

type table struct {
	name, arn, key string
	made           time.Time
	items          map[string]item // by the key's text
}

// Service holds the tables of all Regions of one account. Methods may be called
// concurrently.
type Service struct {
	partition, accountID string

	mu     sync.Mutex
	tables map[string]*table // by ARN
}

// New returns a service without tables.
func New(partition, accountID string) *Service {
	return &Service{partition: partition, accountID: accountID, tables: map[string]*table{}}
}

// CreateTable makes a table whose items have a key of type S under a name.
func (s *Service) CreateTable(region, name, key string) (arn string, err error) {
	arn = s.arn(region, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[arn] != nil {
		return "", fmt.Errorf("table %s exists already in %s", name, region)
	}
	s.tables[arn] = &table{name: name, arn: arn, key: key, made: time.Now(), items: map[string]item{}}
	return arn, nil
}

// DeleteTable deletes a table with all items; one that is gone is no error.
func (s *Service) DeleteTable(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, s.arn(region, name))
}

func (s *Service) arn(region, name string) string {
	return "arn:" + s.partition + ":dynamodb:" + region + ":" + s.accountID + ":table/" + name
}

// find authorizes an action on a table and returns it, with the lock held by the
// caller. As on AWS, a caller who may not use a table does not learn whether it exists.
func (s *Service) find(caller iam.Caller, region, name, action string) (*table, error) {
	arn := s.arn(region, name)
	if err := iam.Authorize(iam.Request{Caller: caller, Action: "dynamodb:" + action, Resource: arn}); err != nil {
		return nil, denied(err)
	}
	t := s.tables[arn]
	if t == nil {
		return nil, &apiError{resourceNotFound, "Requested resource not found"}
	}
	return t, nil
}

func (s *Service) getItem(caller iam.Caller, region string, in input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(caller, region, in.TableName, "GetItem")
	if err != nil {
		return nil, err
	}
	key, err := in.Key.read("Key")
	if err != nil {
		return nil, err
	}
	if k, ok := key[t.key]; !ok || k.kind != "S" || len(key) != 1 {
		return nil, invalid("The provided key element does not match the schema")
	}
	found, ok := t.items[key[t.key].text]
	if !ok {
		return struct{}{}, nil
	}
	return map[string]any{"Item": found.write()}, nil
}

func (s *Service) putItem(caller iam.Caller, region string, in input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(caller, region, in.TableName, "PutItem")
	if err != nil {
		return nil, err
	}
	put, err := in.Item.read("Item")
	if err != nil {
		return nil, err
	}
	key, ok := put[t.key]
	switch {
	case !ok:
		return nil, invalid("One or more parameter values were invalid: Missing the key %s in the item", t.key)
	case key.kind != "S":
		return nil, invalid("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s", t.key, key.kind)
	case key.text == "":
		return nil, invalid("One or more parameter values are not valid. "+
			"The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", t.key)
	case put.size() > maxItem:
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	holds, err := in.condition()
	if err != nil {
		return nil, err
	}
	if !holds(t.items[key.text]) {
		return nil, &apiError{conditionFailed, "The conditional request failed"}
	}
	t.items[key.text] = maps.Clone(put)
	return struct{}{}, nil
}

func (s *Service) describeTable(caller iam.Caller, region string, in input) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(caller, region, in.TableName, "DescribeTable")
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": map[string]any{
		"TableName": t.name, "TableArn": t.arn, "TableStatus": "ACTIVE",
		"CreationDateTime": float64(t.made.Unix()), "ItemCount": len(t.items),
		"AttributeDefinitions": []any{map[string]string{"AttributeName": t.key, "AttributeType": "S"}},
		"KeySchema":            []any{map[string]string{"AttributeName": t.key, "KeyType": "HASH"}},
		"BillingModeSummary":   map[string]string{"BillingMode": "PAY_PER_REQUEST"},
	}}, nil
}

// maxItem is DynamoDB's limit, names included
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const maxItem = 400 << 10

func (i item) size() (n int) {
	for name, v := range i {
		n += len(name) + len(v.text)
	}
	return n
}
