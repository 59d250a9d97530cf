package replicator

import (
	"fmt"
	"net/http"
)

// InvokeError is a refused invocation, or one whose function failed.
type InvokeError struct {
	Status        int // of the HTTP answer
	Code, Message string
}

// Error is one line.
func (e *InvokeError) Error() string {
	return fmt.Sprintf("%s: %s (status %d)", e.Code, e.Message, e.Status)
}

// Retryable reports whether another attempt can help.
func (e *InvokeError) Retryable() bool {
	return e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
}
