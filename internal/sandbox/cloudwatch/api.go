package cloudwatch

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

const (
	operationPrefix = "/service/GraniteServiceVersion20100801/operation/"
	protocol        = "rpc-v2-cbor"
	maxBody         = 1 << 20
	maxQueries      = 500
	epochSeconds    = 1 // CBOR's tag of a time
)

// Error is an error as CloudWatch answers it.
type Error struct {
	Status  int // HTTP status
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// ServeAPI answers a request that is already authenticated as caller, in the
// Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.serve(w, r, region, caller)
	if err != nil {
		WriteError(w, err)
		return
	}
	write(w, http.StatusOK, answer)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (cbor.Value, error) {
	name, ok := strings.CutPrefix(r.URL.Path, operationPrefix)
	if !ok || r.Header.Get("Smithy-Protocol") != protocol {
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: "The sandbox's CloudWatch speaks the Smithy RPC v2 CBOR protocol alone, as the SDKs of today do."}
	}
	resource, on := "*", ""
	switch name {
	case "GetMetricData":
	case "DescribeAlarms":
		resource = s.alarmARN(region, "*") // whatever the request asks for
		on = " on resource: " + resource
	default:
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: fmt.Sprintf("The sandbox's CloudWatch has no operation %q; it has GetMetricData and DescribeAlarms.", name)}
	}
	err := iam.Authorize(iam.Request{Caller: caller, Action: "cloudwatch:" + name, Resource: resource})
	if d := (*iam.DeniedError)(nil); errors.As(err, &d) {
		return nil, &Error{Status: http.StatusForbidden, Code: "AccessDenied",
			Message: fmt.Sprintf("User: %s is not authorized to perform: %s%s because %s", d.Caller, d.Action, on, d.Reason)}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, invalid("The request cannot be read: %v", err)
	}
	input, err := cbor.Decode(body)
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	if name == "DescribeAlarms" {
		return s.describeAlarms(r.Context(), region, input)
	}
	return s.getMetricData(region, input)
}

// WriteError answers with an error; one that is no *Error is an internal one.
func WriteError(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalServiceError", Message: err.Error()}
	}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.Header().Set("x-amzn-query-error", e.Code+";"+fault)
	write(w, e.Status, cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + e.Code), "message": cbor.String(e.Message)})
}

func write(w http.ResponseWriter, status int, v cbor.Value) {
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", protocol)
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(v)) //nolint:gosec // CBOR is no page; the client has gone if this fails
}

// query is one of a request's questions.
type query struct {
	id, label string
	metric    Metric
	statistic statistic
	period    time.Duration
	unit      string
	silent    bool // ReturnData is false
}

func (s *Service) getMetricData(region string, input cbor.Value) (cbor.Value, error) {
	in := reader{}
	m := in.object("the request", input, "MetricDataQueries", "StartTime", "EndTime", "ScanBy")
	start, end := in.time(m, "StartTime"), in.time(m, "EndTime")
	ascending := in.text(m, "ScanBy") == "TimestampAscending"
	queries := in.queries(m)
	if in.err != nil {
		return nil, in.err
	}
	if !start.Before(end) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	if err := s.readLogs(region); err != nil {
		return nil, err
	}
	results := cbor.List{}
	for _, q := range queries {
		if q.silent {
			continue
		}
		var points []point
		if begin, ok := window(start, s.cfg.Now(), q.period); ok {
			points = summarize(s.between(region, q.metric, q.unit, begin, end), begin, q.period, q.statistic)
		}
		if ascending {
			slices.Reverse(points)
		}
		times, values := cbor.List{}, cbor.List{}
		for _, p := range points {
			times = append(times, &cbor.Tag{ID: epochSeconds, Value: cbor.Float64(p.time.Unix())})
			values = append(values, cbor.Float64(p.value))
		}
		results = append(results, cbor.Map{
			"Id": cbor.String(q.id), "Label": cbor.String(q.label), "StatusCode": cbor.String("Complete"),
			"Timestamps": times, "Values": values,
		})
	}
	return cbor.Map{"MetricDataResults": results, "Messages": cbor.List{}}, nil
}

// reader reads a request's members. It keeps the first error, and refuses
// members that the sandbox does not know.
type reader struct{ err error }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = invalid(format, args...)
	}
}

func (r *reader) object(what string, v cbor.Value, known ...string) cbor.Map {
	m, ok := v.(cbor.Map)
	if !ok {
		r.fail("%s is not a structure.", what)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if _, null := m[name].(*cbor.Nil); !null && !slices.Contains(known, name) {
			r.fail("The sandbox's CloudWatch does not support the parameter %s of %s.", name, what)
		}
	}
	return m
}

func (r *reader) text(m cbor.Map, name string) string {
	switch v := m[name].(type) {
	case nil, *cbor.Nil:
	case cbor.String:
		return string(v)
	default:
		r.fail("The parameter %s is not a string.", name)
	}
	return ""
}

func (r *reader) time(m cbor.Map, name string) time.Time {
	t, err := cbor.AsTime(m[name])
	if m[name] == nil || err != nil {
		r.fail("The parameter %s is required, and a time.", name)
	}
	return t.UTC()
}

func (r *reader) list(m cbor.Map, name string) cbor.List {
	l, ok := m[name].(cbor.List)
	if !ok && m[name] != nil {
		r.fail("The parameter %s is not a list.", name)
	}
	return l
}

func (r *reader) texts(m cbor.Map, name string) (list []string) {
	for _, item := range r.list(m, name) {
		list = append(list, r.text(cbor.Map{name: item}, name))
	}
	return list
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

func validQueryID(id string) bool { return len(id) <= mostNameBytes && queryID.MatchString(id) }

func (r *reader) queries(m cbor.Map) []query {
	list := r.list(m, "MetricDataQueries")
	if len(list) == 0 || len(list) > maxQueries {
		r.fail("The parameter MetricDataQueries must have 1 to %d members.", maxQueries)
	}
	var queries []query
	for _, item := range list {
		q := r.query(item)
		if slices.ContainsFunc(queries, func(o query) bool { return o.id == q.id }) {
			r.fail("The values for parameter id in MetricDataQueries are not unique: %q.", q.id)
		}
		queries = append(queries, q)
	}
	return queries
}

func (r *reader) query(v cbor.Value) query {
	m := r.object("MetricDataQueries", v, "Id", "Label", "ReturnData", "MetricStat", "Expression")
	q := query{id: r.text(m, "Id"), label: r.text(m, "Label")}
	if !validQueryID(q.id) {
		r.fail("The value %q for parameter Id does not begin with a lower-case letter, "+
			"or has others than letters, digits and underscores.", q.id)
	}
	if e := r.text(m, "Expression"); e != "" {
		r.fail("The sandbox's CloudWatch does not evaluate expressions, as %q; ask for each metric by MetricStat.", e)
	}
	if b, ok := m["ReturnData"].(cbor.Bool); ok {
		q.silent = !bool(b)
	}
	stat := r.object("MetricStat", m["MetricStat"], "Metric", "Period", "Stat", "Unit")
	metric := r.object("Metric", stat["Metric"], "Namespace", "MetricName", "Dimensions")
	q.unit = r.text(stat, "Unit")
	q.metric = Metric{r.text(metric, "Namespace"), r.text(metric, "MetricName"), map[string]string{}}
	for _, d := range r.list(metric, "Dimensions") {
		dimension := r.object("Dimensions", d, "Name", "Value")
		q.metric.Dimensions[r.text(dimension, "Name")] = r.text(dimension, "Value")
	}
	if q.metric.Namespace == "" || q.metric.Name == "" {
		r.fail("The parameters Namespace and MetricName are required.")
	}
	if q.label == "" {
		q.label = q.metric.Name
	}
	q.period = r.period(stat)
	var err error
	if q.statistic, err = parseStatistic(r.text(stat, "Stat")); err != nil {
		r.fail("The sandbox's CloudWatch does not have the statistic %q; %v.", r.text(stat, "Stat"), err)
	}
	return q
}

// period reads a period: 1, 5, 10, 20 or 30 seconds, or whole minutes.
func (r *reader) period(m cbor.Map) time.Duration {
	seconds, err := int32(0), errors.New("missing")
	if m["Period"] != nil {
		seconds, err = cbor.AsInt32(m["Period"])
	}
	if err != nil || seconds < 1 || seconds%60 != 0 && !slices.Contains([]int32{1, 5, 10, 20, 30}, seconds) {
		r.fail("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds.")
		return time.Minute
	}
	return time.Duration(seconds) * time.Second
}
