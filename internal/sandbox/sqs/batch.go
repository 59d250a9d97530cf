package sqs

import (
	"errors"
	"fmt"
	"regexp"
)

const maxBatch = 10

// batchEntry is an entry of DeleteMessageBatch or ChangeMessageVisibilityBatch.
type batchEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

type batchSuccess struct {
	ID string `json:"Id"`
}

type batchFailure struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// batchAnswer has an entry for each of the request's, in one of the lists.
type batchAnswer struct {
	Successful []batchSuccess `json:"Successful,omitempty"`
	Failed     []batchFailure `json:"Failed,omitempty"`
}

func (s *Service) deleteMessageBatch(r request) (any, error) {
	return s.batch(r, "sqs:DeleteMessage", func(q *queue, e batchEntry) error {
		if e.VisibilityTimeout != nil {
			return invalidParameter("The sandbox's SQS does not support the parameter VisibilityTimeout here.")
		}
		return q.remove(e.ReceiptHandle)
	})
}

func (s *Service) changeMessageVisibilityBatch(r request) (any, error) {
	return s.batch(r, "sqs:ChangeMessageVisibility", func(q *queue, e batchEntry) error {
		if e.VisibilityTimeout == nil {
			return &Error{Status: 400, Code: "MissingParameter", Message: "The request must contain the parameter VisibilityTimeout."}
		}
		return s.changeVisibility(q, e.ReceiptHandle, *e.VisibilityTimeout)
	})
}

// batch does one thing to each entry. An entry's failure is reported beside
// the others' success; only a malformed batch fails as a whole.
func (s *Service) batch(r request, action string, do func(*queue, batchEntry) error) (any, error) {
	var in struct {
		QueueUrl string
		Entries  []batchEntry
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, action)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return nil, err
	}
	var answer batchAnswer
	for _, e := range in.Entries {
		err := do(q, e)
		if err == nil {
			answer.Successful = append(answer.Successful, batchSuccess{ID: e.ID})
			continue
		}
		f := batchFailure{ID: e.ID, Code: "InternalError", Message: err.Error()}
		var known *Error
		if errors.As(err, &known) {
			f = batchFailure{ID: e.ID, SenderFault: true, Code: known.ErrorCode(), Message: known.Message}
		}
		answer.Failed = append(answer.Failed, f)
	}
	s.touch(q)
	return answer, nil
}

func checkBatch(entries []batchEntry) error {
	const prefix = "AWS.SimpleQueueService."
	if len(entries) == 0 {
		return badRequest("EmptyBatchRequest", prefix+"EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatch {
		return badRequest("TooManyEntriesInBatchRequest", prefix+"TooManyEntriesInBatchRequest",
			fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries)))
	}
	valid, seen := regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`), map[string]bool{}
	for _, e := range entries {
		if !valid.MatchString(e.ID) {
			return badRequest("InvalidBatchEntryId", prefix+"InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[e.ID] {
			return badRequest("BatchEntryIdsNotDistinct", prefix+"BatchEntryIdsNotDistinct", fmt.Sprintf("Id %s repeated.", e.ID))
		}
		seen[e.ID] = true
	}
	return nil
}
