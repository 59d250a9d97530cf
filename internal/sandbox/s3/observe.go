package s3

import (
	"net/http"
	"sync"
)

// Call is a request that has arrived. It is shown twice: before it is
// authorized or does anything, and when all that it does is done but its
// answer has not been sent.
type Call struct {
	Region    string
	CallerARN string
	Operation string
	Bucket    string
	Key       string
	Done      bool // the second time
}

// observed shows the call before its answer goes out. If that is not wanted,
// the connection breaks off instead.
type observed struct {
	http.ResponseWriter
	show func()
}

func (s *Service) observe(w http.ResponseWriter, c Call) http.ResponseWriter {
	if s.config.OnCall == nil {
		return w
	}
	show := func(c Call) {
		if s.config.OnCall(c) != nil {
			panic(http.ErrAbortHandler) // net/http's way to close the connection
		}
	}
	show(c)
	c.Done = true
	return &observed{ResponseWriter: w, show: sync.OnceFunc(func() { show(c) })}
}

// WriteHeader begins the answer.
func (o *observed) WriteHeader(status int) {
	o.show()
	o.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if nothing has.
func (o *observed) Write(b []byte) (int, error) {
	o.show()
	return o.ResponseWriter.Write(b)
}
