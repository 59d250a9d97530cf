package account

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"s3fanout/internal/sandbox/iam"
)

func stsAPI() api {
	return api{
		name: "STS", namespace: "https://sts.amazonaws.com/doc/2011-06-15/", version: "2011-06-15",
		operations: map[string]operation{
			"AssumeRole": {[]string{
				"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "SourceIdentity", "Tags.member", "TransitiveTagKeys.member",
			}, (*Service).assumeRole},
			"GetCallerIdentity": {nil, (*Service).getCallerIdentity},
		},
	}
}

// getCallerIdentity needs no permission.
func (s *Service) getCallerIdentity(caller iam.Caller, _ url.Values) (any, error) {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{caller.ARN, caller.PrincipalID, caller.AccountID}, nil
}

// Rules of AssumeRole's parameters
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]*$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]*$`)
)

const (
	minDuration     = 900 // seconds
	maxDuration     = 43200
	defaultDuration = 3600
	chainedDuration = 3600 // at most, for a caller that is itself a role's session
)

// constraint words a parameter that breaks a rule as STS does.
func constraint(value, name, rule string) *Error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, name, rule)
}

func (s *Service) assumeRole(caller iam.Caller, form url.Values) (any, error) {
	role, name, external, identity := form.Get("RoleArn"), form.Get("RoleSessionName"), form.Get("ExternalId"), form.Get("SourceIdentity")
	switch {
	case len(role) < 20:
		return nil, constraint(role, "roleArn", "have length greater than or equal to 20")
	case !roleARN.MatchString(role):
		return nil, invalid("%s is invalid", role)
	case !form.Has("RoleSessionName"):
		return nil, invalid(
			"1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
		)
	case !sessionName.MatchString(name):
		return nil, constraint(name, "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)
	case len(name) < 2:
		return nil, constraint(name, "roleSessionName", "have length greater than or equal to 2")
	case len(name) > 64:
		return nil, constraint(name, "roleSessionName", "have length less than or equal to 64")
	case form.Has("ExternalId") && (len(external) < 2 || len(external) > 1224 || !externalID.MatchString(external)):
		return nil, constraint(external, "externalId", `have 2 to 1224 characters of the pattern [\w+=,.@:\/-]*`)
	case form.Has("SourceIdentity") && (len(identity) < 2 || len(identity) > 64 || !sessionName.MatchString(identity)):
		return nil, constraint(identity, "sourceIdentity", `have 2 to 64 characters of the pattern [\w+=,.@-]*`)
	}
	tagged, handsOn, err := sessionTags(form)
	if err != nil {
		return nil, err
	}
	seconds, err := duration(form)
	if err != nil {
		return nil, err
	}
	if caller.Role != nil && seconds > chainedDuration {
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	credentials, session, err := s.store.AssumeRole(iam.Session{
		Caller: caller, RoleARN: role, Name: name, ExternalID: external, Duration: time.Duration(seconds) * time.Second,
		SourceIdentity: identity, Tagged: tagged, HandsOnTags: handsOn,
	}, s.now())
	if errors.Is(err, iam.ErrSessionTooLong) {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if err != nil {
		return nil, denied(err)
	}
	var result assumedRole
	result.Credentials.AccessKeyID = credentials.AccessKeyID
	result.Credentials.SecretAccessKey = credentials.SecretAccessKey
	result.Credentials.SessionToken = credentials.SessionToken
	result.Credentials.Expiration = credentials.Expiration.Format(time.RFC3339)
	result.User.ARN, result.User.ID = session.ARN, session.PrincipalID
	result.SourceIdentity = session.SourceIdentity
	return result, nil
}

type assumedRole struct {
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	User struct {
		ARN string `xml:"Arn"`
		ID  string `xml:"AssumedRoleId"`
	} `xml:"AssumedRoleUser"`
	SourceIdentity string `xml:",omitempty"`
}

// maxTags is how many tags a session can be given.
const maxTags = 50

// sessionTags reads Tags.member.1.Key and so on, and TransitiveTagKeys.member.1.
func sessionTags(form url.Values) (tagged, handsOn bool, err error) {
	tags := map[string]string{}
	for i := 1; form.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		key, value := form.Get(fmt.Sprintf("Tags.member.%d.Key", i)), form.Get(fmt.Sprintf("Tags.member.%d.Value", i))
		switch _, twice := tags[key]; {
		case key == "" || len(key) > 128 || len(value) > 256:
			return false, false, constraint(key, "tags", "have a key of 1 to 128 characters and a value of at most 256")
		case twice:
			return false, false, invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		case len(tags) == maxTags:
			return false, false, constraint("tags", "tags", fmt.Sprintf("have length less than or equal to %d", maxTags))
		}
		tags[key] = value
	}
	for i := 1; form.Has(fmt.Sprintf("TransitiveTagKeys.member.%d", i)); i++ {
		key := form.Get(fmt.Sprintf("TransitiveTagKeys.member.%d", i))
		if _, ok := tags[key]; !ok {
			return false, false, invalid("The specified transitive tag key must be included in the requested tags.")
		}
		handsOn = true
	}
	return len(tags) > 0, handsOn, nil
}

func duration(form url.Values) (seconds int, err error) {
	text := form.Get("DurationSeconds")
	if text == "" {
		return defaultDuration, nil
	}
	seconds, err = strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, &Error{Status: http.StatusBadRequest, Code: "MalformedInput", Message: "DurationSeconds is not a number."}
	case seconds < minDuration:
		return 0, constraint(text, "durationSeconds", "have value greater than or equal to 900")
	case seconds > maxDuration:
		return 0, constraint(text, "durationSeconds", "have value less than or equal to 43200")
	}
	return seconds, nil
}
