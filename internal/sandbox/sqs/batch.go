package sqs

import (
	"errors"
	"fmt"
	"regexp"
)

const maxBatch = 10

// batchEntry begins each entry of a batch.
type batchEntry struct {
	ID string `json:"Id"`
}

func (e batchEntry) id() string { return e.ID }

// batchSuccess is what an entry gets that has nothing else to tell.
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
type batchAnswer[S any] struct {
	Successful []S            `json:"Successful,omitempty"`
	Failed     []batchFailure `json:"Failed,omitempty"`
}

func (s *Service) deleteMessageBatch(r request) (any, error) {
	type entry struct {
		batchEntry
		ReceiptHandle string
	}
	return batch(s, r, "sqs:DeleteMessage", nil, func(q *queue, e entry) (batchSuccess, error) {
		return batchSuccess(e.batchEntry), q.remove(e.ReceiptHandle)
	})
}

func (s *Service) changeMessageVisibilityBatch(r request) (any, error) {
	type entry struct {
		batchEntry
		ReceiptHandle     string
		VisibilityTimeout *int
	}
	return batch(s, r, "sqs:ChangeMessageVisibility", nil, func(q *queue, e entry) (done batchSuccess, err error) {
		if e.VisibilityTimeout == nil {
			return done, &Error{Status: 400, Code: "MissingParameter", Message: "The request must contain the parameter VisibilityTimeout."}
		}
		return batchSuccess(e.batchEntry), s.changeVisibility(q, e.ReceiptHandle, *e.VisibilityTimeout)
	})
}

// sendEntry is an entry of SendMessageBatch.
type sendEntry struct {
	batchEntry
	messageInput
}

func (s *Service) sendMessageBatch(r request) (any, error) {
	type sent struct {
		batchSuccess
		messageSent
	}
	return batch(s, r, "sqs:SendMessage", checkBatchSize, func(q *queue, e sendEntry) (sent, error) {
		m, err := s.sendInput(q, r.caller, e.messageInput)
		return sent{batchSuccess(e.batchEntry), m}, err
	})
}

// checkBatchSize checks that the messages together are no longer than one may
// be (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
func checkBatchSize(entries []sendEntry) error {
	size := 0
	for _, e := range entries {
		size += messageSize(e.MessageBody, e.MessageAttributes)
	}
	if size > maxMessageSize {
		return badRequest("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
			fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, size))
	}
	return nil
}

// batch does one thing to each entry. An entry's failure is reported beside
// the others' success; only a malformed batch, or one that check refuses, fails
// as a whole.
func batch[E interface{ id() string }, S any](
	s *Service, r request, action string, check func([]E) error, do func(*queue, E) (S, error),
) (any, error) {
	var in struct {
		QueueUrl string
		Entries  []E
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
	if check != nil {
		if err := check(in.Entries); err != nil {
			return nil, err
		}
	}
	var answer batchAnswer[S]
	for _, e := range in.Entries {
		done, err := do(q, e)
		if err == nil {
			answer.Successful = append(answer.Successful, done)
			continue
		}
		f := batchFailure{ID: e.id(), Code: "InternalError", Message: err.Error()}
		var known *Error
		if errors.As(err, &known) {
			f = batchFailure{ID: e.id(), SenderFault: true, Code: known.ErrorCode(), Message: known.Message}
		}
		answer.Failed = append(answer.Failed, f)
	}
	s.touch(q)
	return answer, nil
}

func checkBatch[E interface{ id() string }](entries []E) error {
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
		if !valid.MatchString(e.id()) {
			return badRequest("InvalidBatchEntryId", prefix+"InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[e.id()] {
			return badRequest("BatchEntryIdsNotDistinct", prefix+"BatchEntryIdsNotDistinct", fmt.Sprintf("Id %s repeated.", e.id()))
		}
		seen[e.id()] = true
	}
	return nil
}
