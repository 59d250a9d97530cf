package s3

import (
	"net/http"
	"sync"

	"s3fanout/internal/sandbox/fault"
)

// cut is how a request's connection is closed without an answer. The client
// cannot tell one way from the other.
type cut int

const (
	cutNever  cut = iota
	cutBefore     // nothing has been done
	cutAfter      // everything has, its notification sent
)

func (s *Service) cut(region string) cut {
	switch {
	case !s.config.Faults.Strikes(region, fault.S3Cut):
		return cutNever
	case s.config.Faults.Toss():
		return cutBefore
	}
	return cutAfter
}

// before closes the connection if nothing is to be done.
func (c cut) before() {
	if c == cutBefore {
		panic(http.ErrAbortHandler) // net/http's way to close the connection
	}
}

// after returns the writer of an answer, which closes the connection in its
// place if the request is to be cut off then.
func (c cut) after(w http.ResponseWriter) http.ResponseWriter {
	if c != cutAfter {
		return w
	}
	return &observed{ResponseWriter: w, show: sync.OnceFunc(func() { panic(http.ErrAbortHandler) })}
}
