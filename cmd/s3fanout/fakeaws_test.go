package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// fakeAWS answers the requests of redrive for one account, with a queue for
// each Region. It is for the command line's own behaviour; how redrive treats
// queues and functions is tested with that package.
type fakeAWS struct {
	mu      sync.Mutex
	queues  map[string][]fakeLetter // by Region; nil: no queue
	sent    int                     // dead letters, ever
	broken  map[string]bool         // Regions whose function fails
	hangs   bool                    // functions never answer
	denied  string                  // operation that is refused
	invoked chan string             // Regions, in order
}

type fakeLetter struct {
	id, body string
	held     bool
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	region := parts[2]
	if parts[3] == "lambda" {
		f.invoke(w, r, region)
		return
	}
	if parts[3] == "sts" { // who asks waits until it gives up
		_, _ = io.Copy(io.Discard, r.Body)
		f.invoked <- region
		<-r.Context().Done()
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct {
		Entries []struct {
			ID                string `json:"Id"`
			ReceiptHandle     string
			VisibilityTimeout int
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")

	f.mu.Lock()
	defer f.mu.Unlock()
	letters, exists := f.queues[region]
	switch {
	case operation == f.denied:
		w.WriteHeader(http.StatusBadRequest)
		answer(w, `{"__type":"AccessDeniedException","message":"User is not authorized"}`)
	case !exists:
		w.WriteHeader(http.StatusBadRequest)
		answer(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`)
	case operation == "GetQueueUrl":
		answer(w, `{"QueueUrl":"http://%s/q"}`, r.Host)
	case operation == "GetQueueAttributes":
		answer(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:%s:111122223333:q","ApproximateNumberOfMessages":"%d"}}`, region, len(letters))
	case operation == "ReceiveMessage":
		for i := range letters {
			if !letters[i].held {
				letters[i].held = true
				body, _ := json.Marshal(letters[i].body)
				answer(w, `{"Messages":[{"MessageId":%q,"ReceiptHandle":%q,"Body":%s,"Attributes":{"SentTimestamp":"1795176000123"}}]}`,
					letters[i].id, letters[i].id, body)
				return
			}
		}
		answer(w, `{}`)
	case operation == "DeleteMessageBatch":
		var done []string
		for _, e := range in.Entries {
			letters = slices.DeleteFunc(letters, func(l fakeLetter) bool { return l.id == e.ReceiptHandle })
			done = append(done, fmt.Sprintf(`{"Id":%q}`, e.ID))
		}
		f.queues[region] = letters
		answer(w, `{"Successful":[%s]}`, strings.Join(done, ","))
	case operation == "ChangeMessageVisibilityBatch":
		for _, e := range in.Entries {
			for i := range letters {
				if letters[i].id == e.ReceiptHandle {
					letters[i].held = e.VisibilityTimeout > 0
				}
			}
		}
		answer(w, `{}`)
	default:
		http.Error(w, "unexpected operation "+operation, http.StatusNotImplemented)
	}
}

func (f *fakeAWS) invoke(w http.ResponseWriter, r *http.Request, region string) {
	// The server notices a client that has gone only once the body is read.
	_, _ = io.Copy(io.Discard, r.Body)
	f.mu.Lock()
	broken, hangs := f.broken[region], f.hangs
	f.mu.Unlock()
	f.invoked <- region
	if hangs {
		<-r.Context().Done()
		return
	}
	if broken {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer(w, `{"errorMessage":"copy s3://a/b to eu-west-1: AccessDenied","errorType":"ReplicationError"}`)
		return
	}
	answer(w, "null")
}

func answer(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// visible is how many dead letters anybody could receive in a Region.
func (f *fakeAWS) visible(region string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, l := range f.queues[region] {
		if !l.held {
			n++
		}
	}
	return n
}
