package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
)

// emulatorVersion is the version of ministack that the list of differences is
// about; tools/ministack.txt pins it.
const emulatorVersion = "1.5.33"

// emulatorAccount is the account that ministack plays.
const emulatorAccount = "000000000000"

// emulatorRun is ministack, run as a program of its own on the loopback
// interface, with its functions as processes.
type emulatorRun struct {
	cdk
	endpoint string
	cmd      *exec.Cmd
	ended    chan struct{} // closed when it has ended

	interfaces func() ([]net.Interface, error)
}

func (e *emulatorRun) describe() string { return "ministack " + emulatorVersion }

// start runs the emulator and bootstraps its Regions for the CDK. It is not run
// where anything but the loopback interface is to be reached.
func (e *emulatorRun) start(ctx context.Context) error {
	interfaces, err := e.interfaces()
	if err != nil {
		return err
	}
	if err := onlyLoopback(interfaces); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	e.endpoint = "http://127.0.0.1:" + port
	e.variables = []string{
		"AWS_ENDPOINT_URL=" + e.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=", "CI=1", "npm_config_offline=true",
	}
	e.cmd = exec.Command(e.o.emulator) //nolint:gosec,noctx // the operator names it; close ends it, after the teardown
	e.cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "AWS_ENDPOINT_URL="+e.endpoint, "TMPDIR="+e.o.dir)
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	ownGroup(e.cmd)
	if err := e.cmd.Start(); err != nil {
		return fmt.Errorf("start the emulator: %w; make emulators installs it", err)
	}
	e.ended = make(chan struct{})
	go func() {
		_ = e.cmd.Wait() // it gets a signal, or the log says why it ended
		close(e.ended)
	}()
	if err := e.ready(ctx); err != nil {
		return err
	}
	if err := e.synth(ctx); err != nil {
		return err
	}
	args := []string{"cdk", "bootstrap", "--no-notices"}
	for _, region := range e.o.set.Regions {
		args = append(args, "aws://"+emulatorAccount+"/"+region)
	}
	return must(ctx, e.env(), e.log, "npx", args...)
}

func (e *emulatorRun) ready(ctx context.Context) error {
	return poll(ctx, 100*time.Millisecond, 30*time.Second, func(ctx context.Context) (bool, string, error) {
		select {
		case <-e.ended:
			return false, "", fmt.Errorf("the emulator has ended; the log is %s", e.log.Name())
		default:
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.endpoint+"/_ministack/health", nil)
		if err != nil {
			return false, "", err
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false, err.Error(), nil //nolint:nilerr // not yet
		}
		return resp.StatusCode == http.StatusOK, resp.Status, resp.Body.Close()
	})
}

// deploy first sees that nothing is approved silently. What CloudFormation
// refuses here is taken out of the templates that the app has written.
func (e *emulatorRun) deploy(ctx context.Context) error {
	if err := e.deployUnapproved(ctx); err != nil {
		return err
	}
	n, err := withoutMetricMath(e.assembly())
	if err == nil && n == 0 {
		err = errors.New("the templates have no alarms on expressions any more; take metric-math off the list of differences")
	}
	if err != nil {
		return err
	}
	e.written = true
	return e.cdk.deploy(ctx)
}

// deliveries counts the events that functions were given, in the emulator's log.
func (e *emulatorRun) deliveries() (int, error) {
	log, err := os.ReadFile(e.log.Name())
	if err != nil {
		return 0, err
	}
	n := bytes.Count(log, []byte("SNS fanout → Lambda"))
	if n == 0 {
		return 0, errors.New("the emulator's log tells no delivery any more")
	}
	return n, nil
}

// close ends the emulator and whatever it has started.
func (e *emulatorRun) close() error {
	if e.cmd == nil || e.cmd.Process == nil {
		return nil
	}
	_ = endGroup(e.cmd, false) // it has gone if this fails
	select {
	case <-e.ended: // after the signal, whatever its exit code
	case <-time.After(10 * time.Second):
	}
	_ = endGroup(e.cmd, true)
	return endOthers()
}

func (e *emulatorRun) config(_ context.Context, region string) (aws.Config, error) {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(e.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	}, nil
}
