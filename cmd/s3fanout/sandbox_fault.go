package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/sandbox/fault"
)

func newSandboxFaultCommand(a *app) *cobra.Command {
	var f fault.Fault
	var kind, endpoint string
	var clock time.Duration
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Make a running sandbox fail, and end the fault",
		Long: `Make a running sandbox fail, or with --rate 0 end the fault; without --kind,
list the active faults. Kinds: s3-unavailable, s3-slowdown, s3-cut,
s3-bandwidth, s3-no-conditions, s3-conflict, s3-clock, s3-no-principal,
s3-unannounced, lambda-crash, duplicate-delivery, delay.`,
		Example: `  s3fanout sandbox fault --region eu-west-1 --kind s3-unavailable --rate 1
  s3fanout sandbox fault --region eu-west-1 --kind delay --rate 1 --count 1
  s3fanout sandbox fault --region eu-west-1 --kind s3-bandwidth --rate 1 \
    --bytes-per-second 10000000
  s3fanout sandbox fault --region eu-west-1 --kind s3-unavailable --rate 0
  s3fanout sandbox fault`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.Kind, f.ClockMillis = fault.Kind(kind), clock.Milliseconds()
			set := kind != ""
			if set != (f.Region != "") || set != cmd.Flags().Changed("rate") {
				return usageError{errors.New("--region, --kind and --rate go together; give all three, or none to list")}
			}
			endpoint, err := a.sandboxEndpoint(endpoint)
			if err != nil {
				return err
			}
			active, err := sendFault(cmd.Context(), endpoint, f, set)
			if err != nil {
				return err
			}
			return a.printFaults(active)
		},
	}
	cmd.Flags().StringVar(&f.Region, "region", "", "the fault's `region`")
	cmd.Flags().StringVar(&kind, "kind", "", "`kind` of fault, see above")
	cmd.Flags().Float64Var(&f.Rate, "rate", 0, "how often it happens: 0 never, 1 always")
	cmd.Flags().Int64Var(&f.BytesPerSecond, "bytes-per-second", 0, "for s3-bandwidth: limit of a request")
	cmd.Flags().DurationVar(&clock, "clock", 0, "for s3-clock: how far ahead, such as 3s or -10m")
	cmd.Flags().IntVar(&f.Count, "count", 0, "end it after this many times; 0: never")
	cmd.Flags().StringVar(&endpoint, "endpoint", "", "the sandbox's `address` (default: $AWS_ENDPOINT_URL)")
	return cmd
}

// sendFault sets a fault, or only asks, and returns the faults that are on.
func sendFault(ctx context.Context, endpoint string, f fault.Fault, set bool) ([]fault.Fault, error) {
	ctx, cancel := context.WithTimeout(ctx, sandboxTime)
	defer cancel()
	method, body := http.MethodGet, []byte(nil)
	if set {
		var err error
		if body, err = json.Marshal(f); err != nil {
			return nil, err
		}
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, endpoint+"/_sandbox/faults", bytes.NewReader(body))
	if err != nil {
		return nil, usageError{fmt.Errorf("the sandbox's address %q: %w", endpoint, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, noSandbox(endpoint, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the sandbox's answer: %w", err)
	}
	if resp.StatusCode == http.StatusBadRequest {
		var refusal struct{ Error string }
		if json.Unmarshal(answer, &refusal) == nil && refusal.Error != "" {
			return nil, usageError{errors.New(refusal.Error)}
		}
	}
	var active []fault.Fault
	if resp.StatusCode != http.StatusOK || json.Unmarshal(answer, &active) != nil {
		return nil, fmt.Errorf("%s answered %s, which is not a sandbox; check the address", endpoint, resp.Status)
	}
	return active, nil
}

// sandboxTime bounds a request that a sandbox answers at once.
const sandboxTime = 10 * time.Second

// noSandbox says that nobody answered, without net/http's words.
func noSandbox(endpoint string, err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		if request.Timeout() {
			return fmt.Errorf("no sandbox answers at %s within %s; check the address, or start one with s3fanout sandbox",
				endpoint, sandboxTime)
		}
		err = request.Err
	}
	return fmt.Errorf("no sandbox answers at %s (%w); start one with s3fanout sandbox", endpoint, err)
}

func (a *app) printFaults(active []fault.Fault) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, active)
	}
	if len(active) == 0 {
		_, err := fmt.Fprintln(a.stdout, "No fault is active.")
		return err
	}
	for _, f := range active {
		left := ""
		if f.BytesPerSecond > 0 {
			left = fmt.Sprintf("  %d bytes/s", f.BytesPerSecond)
		}
		if f.ClockMillis != 0 {
			left = "  " + (time.Duration(f.ClockMillis) * time.Millisecond).String()
		}
		if f.Count > 0 {
			left += fmt.Sprintf("  %d more", f.Count)
		}
		if _, err := fmt.Fprintf(a.stdout, "%-16s %-18s rate %g%s\n", f.Region, f.Kind, f.Rate, left); err != nil {
			return err
		}
	}
	return nil
}
