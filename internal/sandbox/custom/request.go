package custom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// customType is what may follow in the name of a custom resource's type.
var customType = regexp.MustCompile(`^Custom::[A-Za-z0-9_@-]{1,60}$`)

// IsType tells whether a resource type is that of a custom resource.
func IsType(resourceType string) bool {
	return resourceType == "AWS::CloudFormation::CustomResource" || customType.MatchString(resourceType)
}

// The types of requests.
const (
	Create = "Create"
	Update = "Update"
	Delete = "Delete"
)

// Request is what a function is asked to do with a resource. PhysicalID and
// OldProperties are as the type of request needs them.
type Request struct {
	Type         string // Create, Update or Delete
	Region       string // of the stack
	StackID      string
	LogicalID    string
	ResourceType string
	PhysicalID   string

	Properties    json.RawMessage // all of the template's, ServiceToken included
	OldProperties json.RawMessage
}

// event is the document that the function gets
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html).
func (r Request) event(id, token, responseURL string) ([]byte, error) {
	properties, err := inStrings(r.Properties)
	if err != nil {
		return nil, err
	}
	old, err := inStrings(r.OldProperties)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		RequestType           string
		ServiceToken          string
		ResponseURL           string
		StackID               string `json:"StackId"`
		RequestID             string `json:"RequestId"`
		LogicalResourceID     string `json:"LogicalResourceId"`
		PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
		ResourceType          string
		ResourceProperties    json.RawMessage
		OldResourceProperties json.RawMessage `json:",omitempty"`
	}{r.Type, token, responseURL, r.StackID, id, r.LogicalID, r.PhysicalID, r.ResourceType, properties, old})
}

// inStrings writes a document's numbers and booleans as strings, as
// CloudFormation does wherever they stand.
func inStrings(raw json.RawMessage) (json.RawMessage, error) {
	if raw == nil {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	var text func(v any) any
	text = func(v any) any {
		switch v := v.(type) {
		case json.Number:
			return v.String()
		case bool:
			return strconv.FormatBool(v)
		case []any:
			for i := range v {
				v[i] = text(v[i])
			}
		case map[string]any:
			for name := range v {
				v[name] = text(v[name])
			}
		}
		return v
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text(v)); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// options are the properties that CloudFormation itself reads.
type options struct {
	token   string
	timeout time.Duration
}

func readOptions(properties json.RawMessage) (o options, err error) {
	text, err := inStrings(properties)
	if err != nil {
		return o, err
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return o, fmt.Errorf("properties: %w", err)
	}
	if o.token, _ = all["ServiceToken"].(string); o.token == "" {
		return o, errors.New("property ServiceToken: name the function that answers, by its ARN")
	}
	o.timeout = MaxTimeout
	if value, ok := all["ServiceTimeout"]; ok {
		number, _ := value.(string)
		seconds, err := strconv.Atoi(number)
		if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > MaxTimeout {
			return o, fmt.Errorf("property ServiceTimeout: %v is not a whole number of seconds from 1 to 3600", value)
		}
		o.timeout = time.Duration(seconds) * time.Second
	}
	return o, nil
}

// checkToken takes functions of the stack's Region alone.
func (o options) checkToken(region string) error {
	token, err := arn.Parse(o.token)
	switch {
	case err != nil || token.Service != "lambda":
		return fmt.Errorf("property ServiceToken: %q is not the ARN of a function; the sandbox sends requests to functions alone", o.token)
	case token.Region != region:
		return fmt.Errorf("property ServiceToken: the function %s is not in the stack's Region %s", o.token, region)
	}
	return nil
}
