package lambda

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts processes from one operating system thread that lives as
// long as the service. On Linux a child dies with the thread that started it, and Go
// ends threads when it sees fit.
type starter struct {
	requests chan startRequest
	stop     func()
}

type startRequest struct {
	cmd  *exec.Cmd
	done chan error
}

func newStarter() *starter {
	requests, ended := make(chan startRequest), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for r := range requests {
			r.done <- r.cmd.Start()
		}
	}()
	return &starter{requests: requests, stop: sync.OnceFunc(func() {
		close(requests)
		<-ended
	})}
}

// start starts a process. It must not be called after stop.
func (s *starter) start(cmd *exec.Cmd) error {
	r := startRequest{cmd: cmd, done: make(chan error, 1)}
	s.requests <- r
	return <-r.done
}
