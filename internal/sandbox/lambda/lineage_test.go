package lambda

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// selfInvoking starts an endpoint where the function may invoke itself, until
// so many calls have been made.
func (w *world) selfInvoking(t *testing.T, arn string, calls int) (url string) {
	t.Helper()
	w.allow(t, "lambda:InvokeFunction", arn)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		access, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
		_, caller, ok := w.store.Lookup(access)
		if calls--; !ok || calls < 0 {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		w.ServeAPI(rw, r, region, caller)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFunctionThatInvokesItselfIsStopped(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	w.invokeAsync(t, arn, order{Do: "again", URL: w.selfInvoking(t, arn, 100)})
	w.settle(t)
	if got := w.counted(); got.Invocations != 16 || got.Errors != 0 || got.Recursions != 1 {
		t.Errorf("counters = %+v, want 16 invocations and one that was stopped", got)
	}
	letters := w.letters(t)
	if len(letters) != 1 || !strings.Contains(letters[0].Body, `"condition":"RecursiveInvocation","approximateInvokeCount":0`) {
		t.Errorf("letters = %+v, want the event that was stopped", letters)
	}
}

func TestFunctionThatMayInvokesItselfOn(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, func(c *FunctionConfig) { c.RecursiveLoop = "Allow" })
	const calls = 20
	if err := w.SetEventInvokeConfig(arn, EventInvokeConfig{MaximumRetryAttempts: new(int)}); err != nil {
		t.Fatal(err)
	}
	w.invokeAsync(t, arn, order{Do: "again", URL: w.selfInvoking(t, arn, calls)})
	w.settle(t)
	if got := w.counted(); got.Invocations != calls+1 || got.Recursions != 0 {
		t.Errorf("counters = %+v, want %d invocations, the last of which was forbidden to go on", got, calls+1)
	}
}

func TestSynchronousRecursionIsRefused(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	f, err := w.Service.function(arn)
	if err != nil {
		t.Fatal(err)
	}
	header := "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=" + f.lineageID() + ":16"
	client := awslambda.New(w.client(t, w.admin()).Options(), func(o *awslambda.Options) {
		o.HTTPClient = headerClient{traceHeader, header}
	})
	_, err = client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &arn, Payload: payload(order{Do: "report"})})
	var stopped *types.RecursiveInvocationException
	if !errors.As(err, &stopped) {
		t.Errorf("got %v, want RecursiveInvocationException", err)
	}
	if got := w.counted(); got.Invocations != 0 || got.Recursions != 1 {
		t.Errorf("counters = %+v, want none that ran and one that was stopped", got)
	}
}

// headerClient adds a header to every request.
type headerClient struct{ name, value string }

func (c headerClient) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set(c.name, c.value)
	return http.DefaultClient.Do(r)
}

func TestLineage(t *testing.T) {
	f, g := &function{arn: "arn:f"}, &function{arn: "arn:g"}
	chain := parseLineage("").after(f).after(g).after(f)
	for header, want := range map[string]map[string]int{
		"Root=1-2-3;" + chain.String():                                     {f.lineageID(): 2, g.lineageID(): 1},
		"Root%3D1-2-3%3BLineage%3D" + f.lineageID() + "%3A7":               {f.lineageID(): 7},
		"Root=1-2-3;Parent=4;Sampled=0":                                    {},
		"Lineage=" + f.lineageID() + ":many;Lineage=;Lineage=x:-1;Lineage": {},
	} {
		got := parseLineage(header).counts
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", header, got, want)
		}
		for function, n := range want {
			if got[function] != n {
				t.Errorf("%s: %v, want %v", header, got, want)
			}
		}
	}
}
