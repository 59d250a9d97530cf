package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

// maxCopySize is the largest object that CopyObject takes, and the largest
// part (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxCopySize = 5 << 30

// engine is the real server: one a Region, over one directory, each on a
// socket of its own.
type engine struct {
	store      *store
	posix      *posix.Posix
	served     chan struct{}
	sockets    string
	workingDir string
	repaired   repairs // of what an earlier process left

	mu         sync.RWMutex
	servers    []*s3api.S3ApiServer
	transports map[string]*http.Transport // by Region
}

func startEngine(ctx context.Context, c Config) (_ *engine, err error) {
	e := &engine{served: make(chan struct{}, len(c.Regions)), transports: map[string]*http.Transport{}}
	if e.workingDir, err = os.Getwd(); err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if err := e.openStore(c.Dir, canonicalID(c.AccountID), c.noAttributes); err != nil {
		return nil, fmt.Errorf("open object directory %s: %w", c.Dir, err)
	}
	if e.repaired, err = e.store.repair(); err != nil {
		return nil, fmt.Errorf("open object directory %s: %w", c.Dir, err)
	}
	// Not below Dir: a socket's path is limited to about 100 bytes.
	if e.sockets, err = os.MkdirTemp("", "s3f"); err != nil {
		return nil, fmt.Errorf("make a directory for sockets: %w", err)
	}
	for _, region := range c.Regions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.startServer(region, accounts{c.Store}); err != nil {
			return nil, fmt.Errorf("start S3 of %s: %w", region, err)
		}
	}
	return e, nil
}

func (e *engine) openStore(dir, owner string, noAttributes bool) error {
	objects, versions, sidecar := filepath.Join(dir, "objects"), filepath.Join(dir, "versions"), filepath.Join(dir, "metadata")
	earlier, err := os.ReadDir(objects)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, d := range []string{objects, versions, sidecar} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	options := posix.PosixOpts{
		VersioningDir:       versions,
		CopyObjectThreshold: maxCopySize,
		// This process is the only one that writes there.
		ForceNoObjLockFile: true,
	}
	var metadata meta.MetadataStorer = attributes{}
	var files meta.MetadataStorer
	if noAttributes || !hasAttributes(dir) {
		if len(earlier) > 0 {
			return errors.New("its file system keeps no extended attributes, without which objects that were there before cannot be trusted; name another one")
		}
		options.SideCarDir = sidecar
		s, err := meta.NewSideCar(sidecar)
		if err != nil {
			return err
		}
		metadata, files = s, s
	}
	p, err := newPosix(objects, metadata, options)
	if err != nil {
		return err
	}
	e.posix = p
	e.store = newStore(p, metadata, files, versions, owner)
	return nil
}

// newPosix opens the directory. The server prints to the standard output
// while it does so, which belongs to the command's results.
func newPosix(dir string, m meta.MetadataStorer, o posix.PosixOpts) (*posix.Posix, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }() // nothing is kept there
	stdout := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = stdout }()
	return posix.New(dir, m, o)
}

// hasAttributes tries whether the file system keeps extended attributes.
func hasAttributes(dir string) bool {
	f, err := os.CreateTemp(dir, ".probe")
	if err != nil {
		return false
	}
	var x meta.XattrMeta
	err = x.StoreAttribute(f, "", "", "probe", make([]byte, 1024))
	return errors.Join(err, f.Close(), os.Remove(f.Name())) == nil
}

func (e *engine) startServer(region string, a accounts) error {
	socket := filepath.Join(e.sockets, region)
	ready := make(chan struct{})
	// Nobody has the root credentials: callers are identities of the sandbox.
	root := middlewares.RootUserConfig{Access: "root-" + rand.Text(), Secret: rand.Text()}
	server, err := s3api.New(e.store, root, region, a, nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithDisableACL(), s3api.WithHostStyle(virtualDomain),
		s3api.WithConcurrencyLimiter(100_000, 100_000),
		s3api.WithOnListen(func() { close(ready) }))
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() {
		err := server.ServeMultiPort([]string{socket})
		stopped <- err
		e.served <- struct{}{}
	}()
	e.mu.Lock()
	e.servers = append(e.servers, server)
	e.mu.Unlock()
	select {
	case <-ready:
	case err := <-stopped:
		return errors.Join(errors.New("the server stopped at once"), err)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableCompression:  true, // bytes pass as they are
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Minute,
	}
	e.mu.Lock()
	e.transports[region] = transport
	e.mu.Unlock()
	return answers(transport)
}

// transport leads to a Region's server.
func (e *engine) transport(region string) *http.Transport {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.transports[region]
}

// answers waits for a server's first answer, whatever it says. A server that is
// told to stop between listening and serving never does.
func answers(transport *http.Transport) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+virtualDomain+"/", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("wait for the server's first answer: %w", err)
	}
	return resp.Body.Close()
}

// close may be called on an engine that did not start completely.
func (e *engine) close() error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var errs []error
	for _, t := range e.transports {
		t.CloseIdleConnections()
	}
	for _, s := range e.servers {
		errs = append(errs, s.ShutDown())
	}
	for range e.servers {
		<-e.served // that its socket was closed
	}
	if e.posix != nil {
		e.posix.Shutdown()
		errs = append(errs, os.Chdir(e.workingDir))
	}
	if e.sockets != "" {
		errs = append(errs, os.RemoveAll(e.sockets))
	}
	return errors.Join(errs...)
}
