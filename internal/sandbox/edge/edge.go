// Package edge leads clients to the sandbox who insist on hosts of AWS and on TLS:
// SDKs call an access point by its own host, whatever AWS_ENDPOINT_URL says.
//
// An Edge is a proxy on a loopback port for HTTPS_PROXY. It takes connections to
// the hosts that it knows and answers them itself, with certificates by an authority
// of the sandbox's own, for AWS_CA_BUNDLE. All others it refuses: nothing
// leaves this machine.
package edge

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Edge is a proxy that runs.
type Edge struct {
	authority *Authority
	knows     func(host string) bool

	listener net.Listener
	proxy    *http.Server // takes CONNECT
	inner    *http.Server // answers what comes in the tunnels
	tunnels  *tunnels
	done     sync.WaitGroup
}

// Start listens on a free loopback port until Close. The handler gets the requests
// to the hosts that knows says, with the host in Request.Host.
func Start(ctx context.Context, authority *Authority, knows func(host string) bool, handler http.Handler) (*Edge, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for clients of access points: %w", err)
	}
	e := &Edge{
		authority: authority, knows: knows, listener: listener,
		tunnels: &tunnels{address: listener.Addr(), arrived: make(chan net.Conn), closed: make(chan struct{})},
	}
	const patience = 10 * time.Second // for a request's header
	e.proxy = &http.Server{Handler: http.HandlerFunc(e.connect), ReadHeaderTimeout: patience}
	e.inner = &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	e.done.Go(func() { _ = e.proxy.Serve(listener) })  // ends with Close
	e.done.Go(func() { _ = e.inner.Serve(e.tunnels) }) // likewise
	return e, nil
}

// URL is what clients take as HTTPS_PROXY.
func (e *Edge) URL() string { return "http://" + e.listener.Addr().String() }

// Close ends all connections.
func (e *Edge) Close() error {
	err := errors.Join(e.proxy.Close(), e.inner.Close())
	e.done.Wait()
	return err
}

// connect opens a tunnel to a host that is known.
func (e *Edge) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || !e.knows(host) {
		text := fmt.Sprintf("the sandbox leads to its access points alone, by CONNECT and port 443, and not to %q", r.Host)
		http.Error(w, text, http.StatusForbidden)
		return
	}
	// A *http.Server's connection of HTTP/1.1 can be taken over.
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return
	}
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_ = conn.Close() // the client has gone away
		return
	}
	e.tunnels.add(tls.Server(&read{conn, buffered.Reader}, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != "" && hello.ServerName != host {
				return nil, fmt.Errorf("the tunnel leads to %s, not to %q", host, hello.ServerName)
			}
			return e.authority.certificateFor(host)
		},
	}))
}

// read is a connection of which something has been read already.
type read struct {
	net.Conn
	before *bufio.Reader
}

func (r *read) Read(p []byte) (int, error) { return r.before.Read(p) }

// tunnels are a listener that accepts what was tunnelled.
type tunnels struct {
	address net.Addr
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (t *tunnels) add(c net.Conn) {
	select {
	case t.arrived <- c:
	case <-t.closed:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-t.arrived:
		return c, nil
	case <-t.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.closed) })
	return nil
}

// Addr implements net.Listener.
func (t *tunnels) Addr() net.Addr { return t.address }
