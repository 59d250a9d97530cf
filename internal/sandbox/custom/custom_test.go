package custom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const token = "arn:aws:lambda:us-east-1:123456789012:function:f"

func request(properties string) Request {
	return Request{
		Type: Create, Region: "us-east-1", StackID: "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1-2", LogicalID: "Thing",
		ResourceType: "Custom::Thing", Properties: json.RawMessage(`{"ServiceToken":"` + token + `"` + properties + `}`),
	}
}

// event is what a function gets.
type event struct{ RequestType, ResponseURL, StackId, RequestId, LogicalResourceId string }

// asked sends a request to a function that puts its answer to the URL as
// answer says, and returns what CloudFormation makes of it.
func asked(t *testing.T, answer func(e event) *http.Request) (Answer, []int, error) {
	t.Helper()
	var s *Service
	var status []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	defer server.Close()
	s = New(Config{
		BaseURL: server.URL + "/_sandbox/answers/", Timeout: 50 * time.Millisecond,
		Invoke: func(_ context.Context, functionARN string, payload []byte) error {
			if functionARN != token {
				t.Errorf("asked %s, want %s", functionARN, token)
			}
			var e event
			if err := json.Unmarshal(payload, &e); err != nil {
				return err
			}
			resp, err := server.Client().Do(answer(e))
			if err != nil {
				return err
			}
			status = append(status, resp.StatusCode)
			return resp.Body.Close()
		},
	})
	got, err := s.Send(t.Context(), request(""))
	return got, status, err
}

func put(t *testing.T, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// valid is an answer whose members can be changed.
func valid(e event, change map[string]any) string {
	all := map[string]any{
		"Status": "SUCCESS", "PhysicalResourceId": "p", "StackId": e.StackId, "RequestId": e.RequestId,
		"LogicalResourceId": e.LogicalResourceId,
		"NoEcho":            true, "Data": map[string]any{"Text": "t", "Number": 7, "Flag": true, "List": []int{1}},
	}
	for name, v := range change {
		if all[name] = v; v == nil {
			delete(all, name)
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name       string
		body       func(e event) string
		want       string // of the error
		physicalID string // of a failure
	}{
		{"success", func(e event) string { return valid(e, nil) }, "", ""},
		{"4 KiB", func(e event) string { return padded(valid(e, nil), 4096) }, "", ""},
		{"a byte more", func(e event) string { return padded(valid(e, nil), 4097) }, "Response object is too long.", ""},
		{"failed", func(e event) string { return valid(e, map[string]any{"Status": "FAILED", "Reason": "no"}) },
			"Message returned: no (RequestId: ", "p"},
		{"failed without a reason", func(e event) string { return valid(e, map[string]any{"Status": "FAILED"}) }, "Reason is missing", "p"},
		{"another status", func(e event) string { return valid(e, map[string]any{"Status": "success"}) },
			`Status "success" is neither`, "p"},
		{"no physical id", func(e event) string { return valid(e, map[string]any{"PhysicalResourceId": nil}) },
			"Invalid PhysicalResourceId", ""},
		{"a long physical id", func(e event) string {
			return valid(e, map[string]any{"PhysicalResourceId": strings.Repeat("p", 1025)})
		}, "Invalid PhysicalResourceId", ""},
		{"another stack", func(e event) string { return valid(e, map[string]any{"StackId": "x"}) }, `StackId "x" is not the request's`, ""},
		{"another request", func(e event) string { return valid(e, map[string]any{"RequestId": "x"}) },
			`RequestId "x" is not the request's`, ""},
		{"another resource", func(e event) string { return valid(e, map[string]any{"LogicalResourceId": "x"}) },
			`LogicalResourceId "x" is not`, ""},
		{"no JSON", func(event) string { return "done" }, "Invalid response object: ", ""},
		{"nothing", func(event) string { return "" }, "Invalid response object: ", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, status, err := asked(t, func(e event) *http.Request { return put(t, e.ResponseURL, tt.body(e)) })
			if fmt.Sprint(status) != "[200]" {
				t.Errorf("the URL answers %v; it takes what is signed, whatever it says", status)
			}
			var failed *FailedError
			switch {
			case tt.want == "" && err == nil:
				want := (map[string]string{"Text": "t", "Number": "7", "Flag": "true"})
				if got.PhysicalID != "p" || fmt.Sprint(got.Attributes) != fmt.Sprint(want) {
					t.Errorf("answer %+v, want p with %v", got, want)
				}
			case !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.want) || failed.PhysicalID != tt.physicalID || !failed.Asked:
				t.Errorf("%+v, want %q of resource %q", err, tt.want, tt.physicalID)
			}
		})
	}
}

func padded(text string, size int) string { return text + strings.Repeat(" ", size-len(text)) }

// What the URL is not signed for is refused, and no answer.
func TestURLIsSigned(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *http.Request)
	}{
		{"another method", func(r *http.Request) { r.Method = http.MethodPost }},
		{"a content type", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
		{"another signature", func(r *http.Request) { r.URL.RawQuery += "0" }},
		{"no signature", func(r *http.Request) { r.URL.RawQuery = "" }},
		{"longer", func(r *http.Request) { r.URL.RawQuery = "Expires=9" + strings.TrimPrefix(r.URL.RawQuery, "Expires=") }},
		{"another request", func(r *http.Request) { r.URL.Path += "0"; r.URL.RawPath = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, status, err := asked(t, func(e event) *http.Request {
				r := put(t, e.ResponseURL, valid(e, nil))
				tt.change(r)
				return r
			})
			if fmt.Sprint(status) != "[403]" {
				t.Errorf("the URL answers %v, want 403", status)
			}
			failed := (*FailedError)(nil)
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), "did not receive a response") || failed.PhysicalID != "" {
				t.Errorf("%v, want that there was no answer", err)
			}
		})
	}
}

// The template's time-out holds, AWS's hour where it says nothing, and the
// shorter one of the configuration.
func TestTimeouts(t *testing.T) {
	for _, tt := range []struct {
		properties string
		configured time.Duration
		want       time.Duration
	}{
		{"", 0, time.Hour},
		{`,"ServiceTimeout":90`, 0, 90 * time.Second},
		{`,"ServiceTimeout":"90"`, time.Minute, time.Minute},
		{`,"ServiceTimeout":"90"`, time.Hour, 90 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Config{Invoke: func(context.Context, string, []byte) error { return nil }, Timeout: tt.configured})
			begun := time.Now()
			_, err := s.Send(t.Context(), request(tt.properties))
			if got := time.Since(begun); err == nil || got != tt.want {
				t.Errorf("%s with %v: %v after %v, want %v", tt.properties, tt.configured, err, got, tt.want)
			}
		})
	}
}

func TestIsType(t *testing.T) {
	for name, want := range map[string]bool{
		"AWS::CloudFormation::CustomResource": true, "Custom::Thing": true, "Custom::a_B@c-1": true,
		"Custom::" + strings.Repeat("x", 60): true,
		"Custom::":                           false, "Custom::a::b": false, "Custom::" + strings.Repeat("x", 61): false,
		"AWS::S3::Bucket":            false,
		"AWS::CloudFormation::Stack": false,
	} {
		if got := IsType(name); got != want {
			t.Errorf("IsType(%q) = %v", name, got)
		}
	}
}

// A function that cannot be asked is an error at once.
func TestNobodyToAsk(t *testing.T) {
	s := New(Config{Invoke: func(context.Context, string, []byte) error { return errors.New("no such function") }})
	_, err := s.Send(t.Context(), request(""))
	if failed := (*FailedError)(nil); !errors.As(err, &failed) || failed.Asked || failed.Reason != "no such function" {
		t.Errorf("%+v, want that nobody was asked", err)
	}
}
