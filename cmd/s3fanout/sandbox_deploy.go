package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/printable"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/table"
)

func newSandboxDeployCommand(a *app) *cobra.Command {
	var templates, endpoint string
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy other templates to a running sandbox",
		Long:  `Deploy other templates to a running sandbox, while uploads go on.`,
		Example: `  s3fanout sandbox deploy --templates cdk.out
  s3fanout sandbox deploy --templates cdk.out --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if templates == "" {
				return usageError{errors.New("--templates is missing: name the directory that `cdk synth` has written, such as cdk.out")}
			}
			dir, err := filepath.Abs(templates)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(dir, "manifest.json")); errors.Is(err, fs.ErrNotExist) {
				return usageError{
					fmt.Errorf(
						"--templates %s: it has no manifest.json; name the directory that `cdk synth` has written, such as cdk.out",
						templates,
					),
				}
			}
			if endpoint, err = a.sandboxEndpoint(endpoint); err != nil {
				return err
			}
			stop := a.newProgress().working("deploying")
			changes, err := sendDeploy(cmd.Context(), endpoint, dir)
			stop()
			if err != nil {
				return err
			}
			return a.printChanges(changes)
		},
	}
	cmd.Flags().StringVar(&templates, "templates", "", "`directory` that cdk synth has written")
	cmd.Flags().StringVar(&endpoint, "endpoint", "", "the sandbox's `address` (default: $AWS_ENDPOINT_URL)")
	return cmd
}

// sandboxEndpoint is the address of a running sandbox, by a flag or the
// environment.
func (a *app) sandboxEndpoint(flag string) (string, error) {
	if flag == "" {
		flag = a.getenv("AWS_ENDPOINT_URL")
	}
	if flag == "" {
		return "", usageError{errors.New("no sandbox is named: set AWS_ENDPOINT_URL, or use --endpoint")}
	}
	if u, err := url.Parse(flag); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usageError{fmt.Errorf("the endpoint %q is not a URL such as http://127.0.0.1:4566", flag)}
	}
	return strings.TrimSuffix(flag, "/"), nil
}

// sendDeploy has a sandbox deploy the templates in a directory. Ending ctx does
// not stop it.
func sendDeploy(ctx context.Context, endpoint, dir string) (changes sandbox.Changes, err error) {
	// A deployment takes its time: so first whether there is a sandbox.
	if _, err := sendFault(ctx, endpoint, fault.Fault{}, false); err != nil {
		return changes, err
	}
	body, err := json.Marshal(map[string]string{"templates": dir})
	if err != nil {
		return changes, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/_sandbox/deploy", bytes.NewReader(body))
	if err != nil {
		return changes, usageError{fmt.Errorf("the sandbox's address %q: %w", endpoint, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return changes, classified{errors.New("interrupted; the sandbox continues the deployment"), errInterrupted}
		}
		return changes, noSandbox(endpoint, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return changes, fmt.Errorf("read the sandbox's answer: %w", err)
	}
	var refusal struct {
		Error   string
		Changes sandbox.Changes
	}
	switch {
	case resp.StatusCode == http.StatusOK && json.Unmarshal(answer, &changes) == nil:
		return changes, nil
	case json.Unmarshal(answer, &refusal) != nil || refusal.Error == "":
		return changes, fmt.Errorf("%s answered %s, which is not a sandbox; check the address", endpoint, resp.Status)
	case resp.StatusCode == http.StatusConflict:
		return changes, fmt.Errorf("%s; nothing was changed", refusal.Error)
	}
	rolledBack := ""
	if len(refusal.Changes.RolledBack) > 0 {
		rolledBack = "the stack that failed is rolled back, "
	}
	return changes, fmt.Errorf("%s; %sthe stacks before it are done: remove the cause and repeat the command", refusal.Error, rolledBack)
}

func (a *app) printChanges(c sandbox.Changes) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, c)
	}
	return writeChangesText(a.stdout, c, a.terminalWidth(a.stdout))
}

// writeChangesText writes a table with a row for each change.
func writeChangesText(w io.Writer, c sandbox.Changes, width int) error {
	t := table.Table{
		Columns: []table.Column{
			{Title: "CHANGE"}, {Title: "REGION"}, {Title: "TYPE"}, {Title: "RESOURCE", Cut: table.CutEnd},
		},
		Width: width,
	}
	for _, part := range []struct {
		word string
		list []sandbox.Change
	}{
		// What was rolled back comes with an error.
		{"made", c.Made}, {"updated", c.Updated}, {"deleted", c.Deleted}, {"retained", c.Retained},
	} {
		for _, x := range part.list {
			name := x.LogicalID
			if len(x.Properties) > 0 {
				name += ": " + strings.Join(x.Properties, ", ")
			}
			t.Rows = append(t.Rows, table.Row{Cells: []string{part.word, x.Region, x.Type, printable.Quote(name)}})
		}
	}
	if len(t.Rows) == 0 {
		_, err := fmt.Fprintln(w, "Nothing to change.")
		return err
	}
	_, err := t.WriteTo(w)
	return err
}
