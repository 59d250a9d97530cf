package sqs

import (
	"crypto/md5" //nolint:gosec // SQS's protocol says MD5
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attribute is a message attribute. DataType is String, Number or Binary,
// with an optional label after a dot; BinaryValue counts for Binary only.
type Attribute struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue,omitempty"`
	BinaryValue []byte `json:"BinaryValue,omitempty"`
}

// StringAttribute returns an attribute of type String.
func StringAttribute(value string) Attribute {
	return Attribute{DataType: "String", StringValue: value}
}

// NumberAttribute returns an attribute of type Number.
func NumberAttribute(value string) Attribute {
	return Attribute{DataType: "Number", StringValue: value}
}

func (a Attribute) binary() bool {
	return a.DataType == "Binary" || strings.HasPrefix(a.DataType, "Binary.")
}

const maxAttributes = 10

// validateMessage checks body and attributes against SQS's rules
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
func validateMessage(body string, attributes map[string]Attribute, limit int) error {
	if body == "" {
		return &Error{Status: 400, Code: "MissingParameter", Message: "The request must contain the parameter MessageBody."}
	}
	if !allowedText(body) {
		return badRequest(
			"InvalidMessageContents",
			"InvalidMessageContents",
			"Invalid characters found. Valid unicode characters are "+
				"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
		)
	}
	if len(attributes) > maxAttributes {
		return invalidParameter(
			fmt.Sprintf("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes),
		)
	}
	name, kind := regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`), regexp.MustCompile(`^(String|Number|Binary)(\..+)?$`)
	for n, a := range attributes {
		switch {
		case !name.MatchString(n):
			return invalidParameter(fmt.Sprintf("Invalid name %q of a message attribute.", n))
		case !kind.MatchString(a.DataType):
			return invalidParameter("The type of message attribute '" + n + "' is invalid. " +
				"You must use only the following supported type prefixes: Binary, Number, String.")
		case a.binary() && len(a.BinaryValue) == 0, !a.binary() && a.StringValue == "":
			return invalidParameter(
				fmt.Sprintf(
					"The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.",
					n, a.DataType,
				),
			)
		case !allowedText(a.StringValue):
			return invalidParameter(fmt.Sprintf("The value of message attribute '%s' has invalid characters.", n))
		}
	}
	if messageSize(body, attributes) > limit {
		return invalidParameter(fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit))
	}
	return nil
}

// messageSize is a message's size in bytes as SQS counts it, attributes
// included.
func messageSize(body string, attributes map[string]Attribute) int {
	size := len(body)
	for name, a := range attributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return size
}

// allowedText tells whether a string has only the characters that SQS takes.
func allowedText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // SQS's protocol says MD5
	return hex.EncodeToString(sum[:])
}

// attributesMD5 is the digest over attributes sorted by name, every part with
// its length before it; "" if there are none (see "Calculating the MD5 message digest" on
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html).
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	const stringValue, binaryValue = 1, 2 // transport type byte
	var b []byte
	part := func(p string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // bounded by the message size
		b = append(b, p...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		part(name)
		part(a.DataType)
		if a.binary() {
			b = append(b, binaryValue)
			part(string(a.BinaryValue))
		} else {
			b = append(b, stringValue)
			part(a.StringValue)
		}
	}
	sum := md5.Sum(b) //nolint:gosec // SQS's protocol says MD5
	return hex.EncodeToString(sum[:])
}

// selectAttributes returns the attributes that a receiver's names ask for:
// exact names, "prefix.*", "All" or ".*".
func selectAttributes(attributes map[string]Attribute, names []string) map[string]Attribute {
	selected := map[string]Attribute{}
	for name, a := range attributes {
		if slices.ContainsFunc(names, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, "*")
			return want == name || want == "All" || want == ".*" ||
				isPrefix && strings.HasSuffix(prefix, ".") && strings.HasPrefix(name, strings.TrimSuffix(prefix, "."))
		}) {
			selected[name] = a
		}
	}
	return selected
}
