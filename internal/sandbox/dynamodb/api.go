package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// The protocol is AWS JSON 1.0
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html).
const (
	targetPrefix = "DynamoDB_20120810."
	contentType  = "application/x-amz-json-1.0"
	maxBody      = 16 << 20
)

// What errors are called, each with where DynamoDB's protocol has it from.
const (
	conditionFailed  = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
	resourceNotFound = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
	validation       = "com.amazon.coral.validate#ValidationException"
	accessDenied     = "com.amazon.coral.service#AccessDeniedException"
	unknownOperation = "com.amazon.coral.service#UnknownOperationException"
	serialization    = "com.amazon.coral.service#SerializationException"
)

type apiError struct{ kind, message string }

func (e *apiError) Error() string { return e.kind + ": " + e.message }

func invalid(format string, args ...any) error {
	return &apiError{validation, fmt.Sprintf(format, args...)}
}

func denied(err error) error {
	var d *iam.DeniedError
	if errors.As(err, &d) {
		return &apiError{accessDenied, d.Answer()}
	}
	return err
}

// input is what all operations take together. What is here and has another value
// than the default, where only that is done, is refused by allowed.
type input struct {
	TableName                 string
	Key, Item                 attributes
	ConsistentRead            bool
	ConditionExpression       string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attributes

	ReturnValues, ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValuesOnConditionCheckFailure string
}

type operation struct {
	do    func(*Service, iam.Caller, string, input) (any, error)
	takes []string // members of the request
}

func operations() map[string]operation {
	return map[string]operation{
		"DescribeTable": {(*Service).describeTable, []string{"TableName"}},
		"GetItem":       {(*Service).getItem, []string{"TableName", "Key", "ConsistentRead", "ReturnConsumedCapacity"}},
		"PutItem": {(*Service).putItem, []string{
			"TableName", "Item", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
			"ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure",
		}},
	}
}

// ServeAPI answers a request that is already authenticated as caller, in the
// Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.serve(w, r, region, caller)
	status := http.StatusOK
	if err != nil {
		var e *apiError
		status = http.StatusBadRequest
		if !errors.As(err, &e) {
			e, status = &apiError{"com.amazonaws.dynamodb.v20120810#InternalServerError", err.Error()}, http.StatusInternalServerError
		}
		answer = map[string]string{"__type": e.kind, "message": e.message}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are maps and strings
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.Header().Set("x-amz-crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // clients compare it
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	op, ok := operations()[name]
	if !ok {
		return nil, &apiError{unknownOperation, fmt.Sprintf("The sandbox's DynamoDB has no operation %q; it has %s.",
			name, strings.Join(slices.Sorted(maps.Keys(operations())), ", "))}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{serialization, "Cannot read the request: " + err.Error()}
	}
	var members map[string]json.RawMessage
	var in input
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := errors.Join(json.Unmarshal(body, &members), decoder.Decode(&in)); err != nil {
		return nil, &apiError{serialization, "The sandbox's DynamoDB does not take it: " + err.Error()}
	}
	for member := range members {
		if !slices.Contains(op.takes, member) {
			return nil, invalid("The sandbox's %s has no %s; it has %s", name, member, strings.Join(op.takes, ", "))
		}
	}
	for member, have := range map[string]string{
		"ReturnValues": in.ReturnValues, "ReturnConsumedCapacity": in.ReturnConsumedCapacity,
		"ReturnItemCollectionMetrics":         in.ReturnItemCollectionMetrics,
		"ReturnValuesOnConditionCheckFailure": in.ReturnValuesOnConditionCheckFailure,
	} {
		if have != "" && have != "NONE" {
			return nil, invalid("The sandbox's DynamoDB has no %s %s; it has NONE", member, have)
		}
	}
	return op.do(s, caller, region, in)
}

// attributes are as the protocol writes them: {"id": {"S": "a"}}.
type attributes map[string]map[string]json.RawMessage

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,37})$`)

// read returns the values of a member of the request.
func (a attributes) read(member string) (item, error) {
	if a == nil {
		return nil, invalid("The parameter '%s' is required but was not present in the request", member)
	}
	read := item{}
	for name, typed := range a {
		if len(typed) != 1 {
			return nil, invalid("Supplied AttributeValue of %s has more than one datatypes set, "+
				"must contain exactly one of the supported datatypes", name)
		}
		for kind, raw := range typed {
			var text string
			switch {
			case kind != "S" && kind != "N":
				return nil, invalid("%s is of type %s; the sandbox's DynamoDB has the types S and N", name, kind)
			case json.Unmarshal(raw, &text) != nil:
				return nil, &apiError{serialization, fmt.Sprintf("The value of %s is not a string", name)}
			case kind == "N" && !wholeNumber.MatchString(text):
				return nil, invalid("%s is %q; the sandbox's DynamoDB has whole numbers", name, text)
			}
			read[name] = value{kind, text}
		}
	}
	return read, nil
}

func (i item) write() map[string]map[string]string {
	out := map[string]map[string]string{}
	for name, v := range i {
		out[name] = map[string]string{v.kind: v.text}
	}
	return out
}

var (
	attributeName = `(#?[A-Za-z][A-Za-z0-9_]*)`
	notExists     = regexp.MustCompile(`^\s*attribute_not_exists\s*\(\s*` + attributeName + `\s*\)\s*$`)
	equals        = regexp.MustCompile(`^\s*` + attributeName + `\s*=\s*(:[A-Za-z0-9_]+)\s*$`)
)

// condition reads the two conditions that the sandbox knows: that an attribute is
// not there, and that it has a value. As on AWS, names and values that no expression
// uses are refused.
func (in input) condition() (holds func(item) bool, err error) {
	names, values := maps.Clone(in.ExpressionAttributeNames), in.ExpressionAttributeValues
	attribute := func(name string) (string, error) {
		if !strings.HasPrefix(name, "#") {
			return name, nil
		}
		meant, ok := names[name]
		if !ok {
			return "", invalid("Invalid ConditionExpression: An expression attribute name used in the document path is not defined; "+
				"attribute name: %s", name)
		}
		delete(names, name)
		return meant, nil
	}
	used := 0
	switch {
	case in.ConditionExpression == "":
		holds = func(item) bool { return true }
	case notExists.MatchString(in.ConditionExpression):
		name, err := attribute(notExists.FindStringSubmatch(in.ConditionExpression)[1])
		if err != nil {
			return nil, err
		}
		holds = func(i item) bool { _, ok := i[name]; return !ok }
	case equals.MatchString(in.ConditionExpression):
		m := equals.FindStringSubmatch(in.ConditionExpression)
		name, err := attribute(m[1])
		if err != nil {
			return nil, err
		}
		typed, ok := values[m[2]]
		if !ok {
			return nil, invalid("Invalid ConditionExpression: An expression attribute value used in expression is not defined; "+
				"attribute value: %s", m[2])
		}
		want, err := attributes{m[2]: typed}.read("ExpressionAttributeValues")
		if err != nil {
			return nil, err
		}
		used = 1
		holds = func(i item) bool { have, exists := i[name]; return exists && have == want[m[2]] }
	default:
		return nil, invalid("Invalid ConditionExpression: the sandbox's DynamoDB does not know %q; "+
			"it knows attribute_not_exists(NAME) and NAME = :VALUE", in.ConditionExpression)
	}
	switch {
	case len(names) > 0:
		return nil, invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}",
			strings.Join(slices.Sorted(maps.Keys(names)), ", "))
	case len(values) > used:
		return nil, invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}",
			strings.Join(slices.Sorted(maps.Keys(values)), ", "))
	}
	return holds, nil
}
