package iam

import "testing"

func TestConditions(t *testing.T) {
	forTopic := Caller{Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::media", SourceAccount: account}
	noSource := Caller{Service: "s3.amazonaws.com"}
	tls, plain := map[string]string{"aws:SecureTransport": "true"}, map[string]string{"AWS:securetransport": "false"}
	for _, tt := range []struct {
		name      string
		condition string
		caller    Caller
		context   map[string]string
		want      bool
	}{
		{"none", `{}`, forTopic, nil, true},
		{"equal", `{"StringEquals":{"aws:SourceAccount":"123456789012"}}`, forTopic, nil, true},
		{"equal, key in another case", `{"StringEquals":{"AWS:sourceaccount":"123456789012"}}`, forTopic, nil, true},
		{"equal, other value", `{"StringEquals":{"aws:SourceAccount":"210987654321"}}`, forTopic, nil, false},
		{"equal takes no wildcard", `{"StringEquals":{"aws:SourceAccount":"1234*"}}`, forTopic, nil, false},
		{"equal, one of a list", `{"StringEquals":{"aws:SourceAccount":["1","123456789012"]}}`, forTopic, nil, true},
		{"equal, absent", `{"StringEquals":{"aws:SourceAccount":"123456789012"}}`, noSource, nil, false},
		{"equal if exists, absent", `{"StringEqualsIfExists":{"aws:SourceAccount":"123456789012"}}`, noSource, nil, true},
		{"equal if exists, other value", `{"StringEqualsIfExists":{"aws:SourceAccount":"1"}}`, forTopic, nil, false},
		{"not equal", `{"StringNotEquals":{"aws:SourceAccount":"1"}}`, forTopic, nil, true},
		{"not equal to any of a list", `{"StringNotEquals":{"aws:SourceAccount":["1","123456789012"]}}`, forTopic, nil, false},
		{"not equal, absent", `{"StringNotEquals":{"aws:SourceAccount":"1"}}`, noSource, nil, true},
		{"equal in any case", `{"StringEqualsIgnoreCase":{"aws:PrincipalServiceName":"S3.Amazonaws.com"}}`, forTopic, nil, true},
		{"case counts", `{"StringEquals":{"aws:PrincipalServiceName":"S3.amazonaws.com"}}`, forTopic, nil, false},
		{"not equal in any case", `{"StringNotEqualsIgnoreCase":{"aws:PrincipalServiceName":"S3.amazonaws.com"}}`, forTopic, nil, false},
		{"like", `{"StringLike":{"aws:SourceArn":"arn:aws:s3:*dia"}}`, forTopic, nil, true},
		{"not like", `{"StringNotLike":{"aws:SourceArn":"*media"}}`, forTopic, nil, false},
		{"ARN equals", `{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::media"}}`, forTopic, nil, true},
		{"ARN equals takes wildcards", `{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::med*"}}`, forTopic, nil, true},
		{"ARN like", `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:media"}}`, forTopic, nil, true},
		{"ARN like, star stays in its part", `{"ArnLike":{"aws:SourceArn":"arn:aws:*:::::media"}}`, forTopic, nil, false},
		{"ARN like, absent", `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::media"}}`, noSource, nil, false},
		{"ARN not like", `{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::media"}}`, forTopic, nil, false},
		{"ARN not equal, absent", `{"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::media"}}`, noSource, nil, true},
		{"bool, text", `{"Bool":{"aws:SecureTransport":"false"}}`, forTopic, plain, true},
		{"bool, value", `{"Bool":{"aws:SecureTransport":false}}`, forTopic, plain, true},
		{"bool, other", `{"Bool":{"aws:SecureTransport":"false"}}`, forTopic, tls, false},
		{"bool, absent", `{"Bool":{"aws:SecureTransport":"false"}}`, forTopic, nil, false},
		{"bool if exists, absent", `{"BoolIfExists":{"aws:SecureTransport":"false"}}`, forTopic, nil, true},
		{"a service", `{"Bool":{"aws:PrincipalIsAWSService":"true"}}`, forTopic, nil, true},
		{"null, present", `{"Null":{"aws:SourceArn":"true"}}`, forTopic, nil, false},
		{"null, absent", `{"Null":{"aws:SourceArn":"true"}}`, noSource, nil, true},
		{"not null, present", `{"Null":{"aws:SourceArn":"false"}}`, forTopic, nil, true},
		{"number", `{"NumericEquals":{"aws:SourceAccount":123456789012}}`, forTopic, nil, true},
		{"number less", `{"NumericLessThan":{"aws:SourceAccount":"123456789012"}}`, forTopic, nil, false},
		{"number less or equal", `{"NumericLessThanEquals":{"aws:SourceAccount":"123456789012"}}`, forTopic, nil, true},
		{"number greater", `{"NumericGreaterThan":{"aws:SourceAccount":"1"}}`, forTopic, nil, true},
		{"number greater or equal", `{"NumericGreaterThanEquals":{"aws:SourceAccount":"123456789013"}}`, forTopic, nil, false},
		{"number of text", `{"NumericGreaterThan":{"aws:SourceArn":"1"}}`, forTopic, nil, false},
		{"number not equal", `{"NumericNotEquals":{"aws:SourceAccount":1}}`, forTopic, nil, true},
		{"all keys have to hold", `{"StringEquals":{"aws:SourceAccount":"123456789012","aws:SourceArn":"x"}}`, forTopic, nil, false},
		{"all operators have to hold", `{"StringEquals":{"aws:SourceAccount":"123456789012"},"Null":{"aws:SourceArn":"true"}}`, forTopic,
			nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t,
				`{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"`+topicARN+
					`","Condition":`+tt.condition+`}}`)
			got := Authorize(Request{
				Caller: tt.caller, Action: "sns:Publish", Resource: topicARN, ResourcePolicy: d, Context: tt.context,
			}) == nil
			if got != tt.want {
				t.Errorf("allowed = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConditionKeysOfARoleSession(t *testing.T) {
	c := newRole(t, "")
	for name, tt := range map[string]struct {
		key, value string
		want       bool
	}{
		"the role's ARN":           {"aws:PrincipalArn", c.Role.ARN, true},
		"not the session's ARN":    {"aws:PrincipalArn", c.ARN, false},
		"the account":              {"aws:PrincipalAccount", account, true},
		"the role's id":            {"aws:userid", c.Role.ID + ":fn", true},
		"no source":                {"aws:SourceAccount", account, false},
		"not a service":            {"aws:PrincipalIsAWSService", "false", true},
		"no name of a service":     {"aws:PrincipalServiceName", "", false},
		"what the service told us": {"aws:SecureTransport", "true", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t,
				`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"`+tt.key+`":"`+
					tt.value+`"}}}}`)
			got := Authorize(Request{Caller: c, Action: "s3:GetObject", Resource: objectARN, ResourcePolicy: d,
				Context: map[string]string{"aws:SecureTransport": "true"}}) == nil
			if got != tt.want {
				t.Errorf("allowed = %v, want %v", got, tt.want)
			}
		})
	}
}

// What a client sends must not stand in for what is known of the caller.
func TestContextCannotNameTheCaller(t *testing.T) {
	d := parse(t, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",`+
		`"Condition":{"StringEquals":{"aws:PrincipalAccount":"1"}}}}`)
	r := Request{Caller: newRole(t, ""), Action: "s3:GetObject", Resource: objectARN, ResourcePolicy: d,
		Context: map[string]string{"aws:PrincipalAccount": "1"}}
	if err := Authorize(r); err == nil {
		t.Error("the context overrides the caller's own keys")
	}
}
