package account

import (
	"errors"
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
			"AssumeRole":        {[]string{"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"}, (*Service).assumeRole},
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
	role, name, external := form.Get("RoleArn"), form.Get("RoleSessionName"), form.Get("ExternalId")
	switch {
	case len(role) < 20:
		return nil, constraint(role, "roleArn", "have length greater than or equal to 20")
	case !roleARN.MatchString(role):
		return nil, invalid("%s is invalid", role)
	case !form.Has("RoleSessionName"):
		return nil, invalid("1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null")
	case !sessionName.MatchString(name):
		return nil, constraint(name, "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)
	case len(name) < 2:
		return nil, constraint(name, "roleSessionName", "have length greater than or equal to 2")
	case len(name) > 64:
		return nil, constraint(name, "roleSessionName", "have length less than or equal to 64")
	case form.Has("ExternalId") && (len(external) < 2 || len(external) > 1224 || !externalID.MatchString(external)):
		return nil, constraint(external, "externalId", `have 2 to 1224 characters of the pattern [\w+=,.@:\/-]*`)
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
