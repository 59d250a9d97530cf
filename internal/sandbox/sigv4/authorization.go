package sigv4

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	scopeEnd   = "aws4_request"
	dateFormat = "20060102"
	timeFormat = "20060102T150405Z"
	maxExpires = 7 * 24 * time.Hour
)

// authorization is what a request says about its signature.
type authorization struct {
	accessKeyID   string
	date          string // of the credential scope
	region        string // empty of an asymmetric signature
	asymmetric    bool   // Signature Version 4A
	regionSet     string // of an asymmetric signature
	service       string
	signedHeaders []string // lower case, sorted
	signature     string
	token         string
	time          time.Time
	presigned     bool
	expires       time.Duration // of a presigned URL
}

func (a *authorization) scope() string {
	if a.asymmetric {
		return strings.Join([]string{a.date, a.service, scopeEnd}, "/")
	}
	return strings.Join([]string{a.date, a.region, a.service, scopeEnd}, "/")
}

// parseAuthorization reads the signature from the header or from the query.
func parseAuthorization(r *http.Request, raw rawRequest) (*authorization, *Error) {
	header := r.Header.Get("Authorization")
	inQuery := raw.parameter("X-Amz-Algorithm") != "" || raw.parameter("X-Amz-Signature") != "" || raw.parameter("X-Amz-Credential") != ""
	switch {
	case header != "" && inQuery:
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Service: scopeService(header),
			Message: "Only one auth mechanism allowed; " +
				"only the X-Amz-Algorithm query parameter or the Authorization header should be specified"}
	case header != "":
		return parseHeader(r, header)
	case inQuery:
		return parseQuery(raw)
	}
	return nil, &Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken",
		Message: "Request is missing Authentication Token"}
}

func parseHeader(r *http.Request, header string) (*authorization, *Error) {
	a := &authorization{service: scopeService(header), token: r.Header.Get("X-Amz-Security-Token")}
	name, rest, _ := strings.Cut(header, " ")
	if err := a.readAlgorithm(name); err != nil {
		return nil, err
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found || parts[key] != "" || value == "" {
			return nil, a.malformed("Authorization header has a part that is not key=value: " + strconv.Quote(part) + ".")
		}
		switch key {
		case "Credential", "SignedHeaders", "Signature":
			parts[key] = value
		default:
			return nil, a.malformed("Authorization header has an unknown part " + strconv.Quote(key) + ".")
		}
	}
	for _, key := range []string{"Credential", "SignedHeaders", "Signature"} {
		if parts[key] == "" {
			return nil, a.malformed("Authorization header requires '" + key + "' parameter.")
		}
	}
	if err := a.read(parts["Credential"], parts["SignedHeaders"], parts["Signature"]); err != nil {
		return nil, err
	}
	if err := a.readRegionSet(r.Header.Get("X-Amz-Region-Set")); err != nil {
		return nil, err
	}
	return a, a.readTime(r.Header)
}

// readAlgorithm takes one of the two algorithms.
func (a *authorization) readAlgorithm(name string) *Error {
	if a.asymmetric = name == asymmetric; !a.asymmetric && name != algorithm {
		return a.unsupported(name)
	}
	return nil
}

// readTime takes the time of signing from X-Amz-Date or, without it, from Date.
func (a *authorization) readTime(header http.Header) *Error {
	text := header.Get("X-Amz-Date")
	if text == "" {
		text = header.Get("Date")
		if t, err := http.ParseTime(text); err == nil {
			a.time = t.UTC()
			return nil
		}
	}
	var err error
	if a.time, err = time.Parse(timeFormat, text); err != nil {
		if a.service == "s3" {
			return a.fail(http.StatusForbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
		}
		return a.malformed("Date must be in ISO-8601 'basic format'. Got " + strconv.Quote(text) + ".")
	}
	return nil
}

func parseQuery(raw rawRequest) (*authorization, *Error) {
	a := &authorization{
		presigned: true,
		service:   scopeService("Credential=" + raw.parameter("X-Amz-Credential")),
		token:     raw.parameter("X-Amz-Security-Token"),
		expires:   maxSkew, // where the service does not ask for a time
	}
	seen := map[string]bool{}
	for _, p := range raw.parameters {
		if strings.HasPrefix(p.name, "X-Amz-") && seen[p.name] {
			return nil, a.malformed(p.name + " must not be there twice.")
		}
		seen[p.name] = true
	}
	required := []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"}
	if a.service == "s3" {
		required = append(required, "X-Amz-Expires")
	}
	for _, name := range required {
		if raw.parameter(name) == "" {
			return nil, a.malformed("Query-string authentication version 4 requires the " + strings.Join(required, ", ") + " parameters.")
		}
	}
	if err := a.readAlgorithm(raw.parameter("X-Amz-Algorithm")); err != nil {
		return nil, err
	}
	if err := a.readRegionSet(raw.parameter("X-Amz-Region-Set")); err != nil {
		return nil, err
	}
	if err := a.read(
		raw.parameter("X-Amz-Credential"), raw.parameter("X-Amz-SignedHeaders"), raw.parameter("X-Amz-Signature"),
	); err != nil {
		return nil, err
	}
	var err error
	if a.time, err = time.Parse(timeFormat, raw.parameter("X-Amz-Date")); err != nil {
		return nil, a.malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\".")
	}
	if text := raw.parameter("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return nil, a.malformed("X-Amz-Expires should be a number.")
		case seconds < 0:
			return nil, a.malformed("X-Amz-Expires must be non-negative.")
		case seconds > int(maxExpires/time.Second):
			return nil, a.malformed("X-Amz-Expires must be less than a week (in seconds); " +
				"that is, the given X-Amz-Expires must be less than 604800 seconds.")
		}
		a.expires = time.Duration(seconds) * time.Second
	}
	return a, nil
}

var (
	scopePattern = regexp.MustCompile(`Credential=[^,\s]*/[0-9]{8}/(?:[^/,\s]*/)?([a-z0-9-]+)/[^/,\s]*(?:[,\s]|$)`)
	datePattern  = regexp.MustCompile(`^[0-9]{8}$`)
	namePattern  = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// scopeService finds the service in an Authorization header that may be wrong
// otherwise, so that the refusal can be written in its format; "" if it cannot.
func scopeService(header string) string {
	if m := scopePattern.FindStringSubmatch(header); m != nil {
		return m[1]
	}
	return ""
}

// read takes the three parts that header and query have in common.
func (a *authorization) read(credential, signedHeaders, signature string) *Error {
	parts := strings.Split(credential, "/")
	if a.asymmetric {
		if len(parts) != 4 {
			return a.malformed("Credential must have exactly 4 slash-delimited elements, e.g. keyid/date/service/aws4_request, got " +
				strconv.Quote(credential) + ".")
		}
		parts = slices.Insert(parts, 2, "any") // its scope names no Region
	}
	if len(parts) != 5 || parts[0] == "" || !datePattern.MatchString(parts[1]) ||
		!namePattern.MatchString(parts[2]) || !namePattern.MatchString(parts[3]) || parts[4] != scopeEnd {
		return a.malformed("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request, got " +
			strconv.Quote(credential) + ".")
	}
	a.accessKeyID, a.date, a.region, a.service = parts[0], parts[1], parts[2], parts[3]
	if a.asymmetric {
		a.region = ""
	}
	a.signedHeaders = strings.Split(signedHeaders, ";")
	sorted := slices.Clone(a.signedHeaders)
	slices.Sort(sorted)
	if !slices.Equal(sorted, a.signedHeaders) || len(slices.Compact(sorted)) != len(a.signedHeaders) ||
		signedHeaders != strings.ToLower(signedHeaders) || sorted[0] == "" {
		return a.malformed("SignedHeaders must be lower case names in order, got " + strconv.Quote(signedHeaders) + ".")
	}
	if form := map[bool]*regexp.Regexp{false: hexHash, true: derSignature}[a.asymmetric]; !form.MatchString(signature) {
		return a.mismatch()
	}
	a.signature = signature
	return nil
}
