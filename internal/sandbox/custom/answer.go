package custom

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Limits of an answer
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
const (
	maxAnswer     = 4096
	maxPhysicalID = 1024
)

// Answer is what a function said of the resource when it succeeded.
type Answer struct {
	PhysicalID string
	Attributes map[string]string // for Fn::GetAtt: the strings, numbers and booleans of Data
}

// readAnswer reads the answer to a request. The error is a *FailedError.
func readAnswer(raw []byte, r Request, id string) (Answer, error) {
	fail := func(physicalID, format string, args ...any) (Answer, error) {
		return Answer{}, &FailedError{
			Asked:      true,
			PhysicalID: physicalID,
			Reason:     fmt.Sprintf(format, args...) + " (RequestId: " + id + ")",
		}
	}
	if len(raw) > maxAnswer {
		return fail("", "Response object is too long.")
	}
	var a struct {
		Status             string
		Reason             string
		PhysicalResourceID string `json:"PhysicalResourceId"`
		StackID            string `json:"StackId"`
		RequestID          string `json:"RequestId"`
		LogicalResourceID  string `json:"LogicalResourceId"`
		NoEcho             bool   // nothing here shows attributes
		Data               map[string]any
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&a); err != nil {
		return fail("", "Invalid response object: %v", err)
	}
	for _, copied := range []struct{ name, got, want string }{
		{"StackId", a.StackID, r.StackID}, {"RequestId", a.RequestID, id}, {"LogicalResourceId", a.LogicalResourceID, r.LogicalID},
	} {
		if copied.got != copied.want {
			return fail("", "Invalid response object: %s %q is not the request's", copied.name, copied.got)
		}
	}
	switch {
	case a.PhysicalResourceID == "" || len(a.PhysicalResourceID) > maxPhysicalID:
		return fail("", "Invalid PhysicalResourceId")
	case a.Status == "FAILED" && a.Reason == "":
		return fail(a.PhysicalResourceID, "Invalid response object: Reason is missing")
	case a.Status == "FAILED":
		return fail(a.PhysicalResourceID, "Received response status [FAILED] from custom resource. Message returned: %s", a.Reason)
	case a.Status != "SUCCESS":
		return fail(a.PhysicalResourceID, "Invalid response object: Status %q is neither SUCCESS nor FAILED", a.Status)
	}
	answer := Answer{PhysicalID: a.PhysicalResourceID, Attributes: map[string]string{}}
	for name, value := range a.Data {
		switch value := value.(type) {
		case string:
			answer.Attributes[name] = value
		case json.Number, bool:
			answer.Attributes[name] = fmt.Sprint(value)
		}
	}
	return answer, nil
}
