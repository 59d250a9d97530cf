package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/replicaset"
)

// initFlags are the command's own.
type initFlags struct {
	answers              initAnswers
	buckets              []string
	force, dryRun, check bool
}

func newInitCommand(a *app) *cobra.Command { return initCommand(a, findCDKApp) }

// initCommand is the command with the app that find finds.
func initCommand(a *app, find func() (cdkApp, error)) *cobra.Command {
	f := initFlags{answers: initAnswers{mode: firstWriteWins}}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Ask for name and Regions, and write cdk.json",
		Long: `Ask for the name, the Regions, existing buckets and the mode, show the price of
a month, and write the file that --config names. What you give as flags is not
asked. Without a terminal nothing is asked: give --name and --regions.`,
		Example: `  s3fanout init
  s3fanout init --name media --regions us-east-1,eu-west-1
  s3fanout init --name media --regions us-east-1,eu-west-1 \
    --bucket us-east-1=my-old-bucket --mode follow --dry-run`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cdk, err := find()
			if err != nil {
				return usageError{err}
			}
			return a.init(cmd.Context(), f, cdk, cmd.Flags().Changed)
		},
	}
	cmd.Flags().StringVar(&f.answers.name, "name", "", "prefix of every name that the set uses")
	cmd.Flags().StringSliceVar(&f.answers.regions, "regions", nil, "Regions of the set, two or more")
	cmd.Flags().StringArrayVar(&f.buckets, "bucket", nil, "existing bucket, as `REGION=NAME`; can be repeated")
	cmd.Flags().Var(&f.answers.mode, "mode", "what happens to later changes of a key")
	cmd.Flags().BoolVar(&f.answers.optIn, "allow-opt-in-regions", false, "let opt-in Regions be members")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace an existing file")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the file, write nothing")
	cmd.Flags().BoolVar(&f.check, "check", false, "check the existing buckets as adopt --check does")
	cmd.MarkFlagsMutuallyExclusive("check", "dry-run")
	return cmd
}

func (a *app) init(ctx context.Context, f initFlags, cdk cdkApp, answered func(flag string) bool) (err error) {
	if a.output != outputText {
		return usageError{errors.New("its result is the file; leave out --output")}
	}
	if _, err := os.Lstat(a.configPath); err == nil && !f.force && !f.dryRun {
		return usageError{fmt.Errorf("%s exists already; name another file with --config, or replace it with --force", a.configPath)}
	}
	if f.answers.buckets, err = parseBuckets(f.buckets); err != nil {
		return usageError{fmt.Errorf("--bucket %w", err)}
	}
	if a.asks() {
		err = a.askInit(ctx, &f.answers, answered)
	} else if !answered("name") || !answered("regions") {
		err = usageError{errors.New("there is no terminal to ask on; give --name and --regions")}
	}
	if err != nil {
		return err
	}
	set := f.answers.set()
	if err := set.Validate(); err != nil {
		return usageError{namingFlag(err)}
	}
	if f.check && len(set.Buckets) == 0 {
		return usageError{errors.New("--check checks existing buckets, and there are none; name one with --bucket REGION=NAME")}
	}
	content, err := cdk.file(f.answers)
	if err != nil {
		return err
	}
	if f.dryRun {
		_, err := a.stdout.Write(content)
		return err
	}
	if err := writeInitPrice(a.hinting(a.stdout), set, a.terminalWidth(a.stdout)); err != nil {
		return err
	}
	return a.finishInit(ctx, f, cdk, set, content)
}

// finishInit writes the file and says what comes next.
func (a *app) finishInit(ctx context.Context, f initFlags, cdk cdkApp, set replicaset.Config, content []byte) error {
	if a.asks() {
		if yes, err := a.confirm(ctx, "Write "+a.configPath+"?"); err != nil {
			return err
		} else if !yes {
			return errors.New("nothing was written")
		}
	}
	if err := writeNew(a.configPath, content, f.force); err != nil {
		return err
	}
	if err := writeInitNext(a.stdout, a.configPath, cdk.next(set, a.configPath)); err != nil {
		return err
	}
	if !f.check && len(set.Buckets) > 0 && a.asks() && hasCredentials(a.getenv) {
		yes, err := a.confirm(ctx, "Check the existing buckets now, with your AWS credentials?")
		if err != nil {
			return err
		}
		f.check = yes
	}
	if f.check {
		return a.adopt(ctx, adoptFlags{check: true})
	}
	return nil
}

// writeInitPrice writes the paragraph about the price.
func writeInitPrice(w io.Writer, set replicaset.Config, width int) error {
	_, err := fmt.Fprintln(w, wrapped(initPrice(set), min(cmp.Or(width, 80), 80), ""))
	return err
}

// writeInitNext writes the commands that come after init.
func writeInitNext(w io.Writer, path, next string) error {
	_, err := fmt.Fprintf(w, "\n%s is written. Next:\n\n%s", path, next)
	return err
}

// namingFlag has the error about an opt-in Region name the flag of init, and not
// the field of a file that is yet to be written.
func namingFlag(err error) error {
	if optIn, ok := errors.AsType[replicaset.OptInError](err); ok {
		return errors.New(optIn.Reason() + "; leave it out, or allow it with --allow-opt-in-regions and test that objects arrive")
	}
	return err
}

// checkAnswers judges what is answered so far, and asks whether an opt-in Region
// may be a member.
func (a *app) checkAnswers(ctx context.Context, answers *initAnswers) error {
	err := answers.check()
	optIn, ok := errors.AsType[replicaset.OptInError](err)
	if !ok {
		return err
	}
	if _, err := fmt.Fprintln(a.stderr, wrapped(optIn.Reason()+".", a.terminalWidth(a.stderr), "  ")); err != nil {
		return err
	}
	yes, errAsked := a.confirm(ctx, "Let opt-in Regions be members, and test yourself that objects arrive?")
	if errAsked != nil {
		return errAsked
	}
	if !yes {
		return namingFlag(err)
	}
	answers.optIn = true
	return answers.check()
}

// checkFlags judges what flags have answered, which no question could correct.
func (a *app) checkFlags(ctx context.Context, answers *initAnswers, answered func(flag string) bool) error {
	known := *answers
	if !answered("regions") {
		known.regions, known.buckets = listOf(initQuestions()[0].fallback), nil
	}
	if err := a.checkAnswers(ctx, &known); err != nil {
		return usageError{err}
	}
	answers.optIn = known.optIn
	return nil
}

// askInit asks what no flag answers, and again after each answer that cannot be
// used.
func (a *app) askInit(ctx context.Context, answers *initAnswers, answered func(flag string) bool) error {
	if err := a.checkFlags(ctx, answers, answered); err != nil {
		return err
	}
	for i := 0; i < len(initQuestions()); i++ {
		q := initQuestions()[i]
		if answered(q.flag) {
			continue
		}
		typed, err := a.ask(ctx, q.text+" ["+q.fallback+"]:")
		switch {
		case err != nil:
			return err
		case typed == "":
			typed = q.fallback
		}
		next := *answers
		err = q.take(&next, typed)
		if err == nil {
			err = a.checkAnswers(ctx, &next)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if _, err := fmt.Fprintln(
				a.stderr, wrapped(strings.TrimPrefix(err.Error(), replicaset.ContextKey+"."), a.terminalWidth(a.stderr), "  "),
			); err != nil {
				return err
			}
			i-- // again
			continue
		}
		*answers = next
	}
	return nil
}

// initQuestion is what init asks.
type initQuestion struct {
	flag, text, fallback string
	take                 func(*initAnswers, string) error
}

const noBuckets = "none"

func initQuestions() []initQuestion {
	return []initQuestion{
		{"regions", "Regions, two or more, separated by commas", "us-east-1,eu-west-1", func(a *initAnswers, typed string) error {
			a.regions = listOf(typed)
			return nil
		}},
		{"name", "Name of the set, which prefixes the names of its buckets", "s3fanout", func(a *initAnswers, typed string) error {
			a.name = typed
			return nil
		}},
		{
			"bucket",
			"Existing buckets, as REGION=NAME, separated by commas",
			noBuckets,
			func(a *initAnswers, typed string) (err error) {
				if typed != noBuckets {
					a.buckets, err = parseBuckets(listOf(typed))
				}
				return err
			},
		},
		{
			"mode",
			"Mode: first-write-wins, or follow for later changes to travel too",
			string(firstWriteWins),
			func(a *initAnswers, typed string) error {
				return a.mode.Set(typed)
			},
		},
	}
}

// listOf splits what is separated by commas.
func listOf(typed string) []string {
	var list []string
	for word := range strings.SplitSeq(typed, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// parseBuckets reads REGION=NAME.
func parseBuckets(list []string) (map[string]string, error) {
	buckets := map[string]string{}
	for _, typed := range list {
		region, bucket, ok := strings.Cut(typed, "=")
		switch {
		case !ok || region == "" || bucket == "":
			return nil, fmt.Errorf("%q is not REGION=NAME, such as us-east-1=my-bucket", typed)
		case buckets[region] != "":
			return nil, fmt.Errorf("%q: %s has a bucket already, %s; leave one out", typed, region, buckets[region])
		}
		buckets[region] = bucket
	}
	if len(buckets) == 0 {
		return nil, nil
	}
	return buckets, nil
}

// initMode is the value of --mode.
type initMode string

const (
	firstWriteWins initMode = "first-write-wins"
	followMode     initMode = "follow"
)

// String is the flag's value, for cobra.
func (m *initMode) String() string { return string(*m) }

// Type names the flag's value in help.
func (m *initMode) Type() string { return "first-write-wins|follow" }

// Set accepts the known modes alone.
func (m *initMode) Set(s string) error {
	if v := initMode(s); slices.Contains([]initMode{firstWriteWins, followMode}, v) {
		*m = v
		return nil
	}
	return errors.New("it has to be first-write-wins or follow")
}

// initAnswers are what cdk.json shall say.
type initAnswers struct {
	name    string
	regions []string
	buckets map[string]string
	mode    initMode
	optIn   bool
}

// set is the configuration.
func (n initAnswers) set() replicaset.Config {
	set := replicaset.Config{Name: n.name, Regions: n.regions, Buckets: n.buckets, OptInRegions: n.optIn}
	if n.mode == followMode {
		set.Follow = replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}
	}
	return set
}

// check judges what is answered so far: without a name as with one that always
// does.
func (n initAnswers) check() error {
	if n.name == "" {
		n.name = "a"
	}
	return n.set().Validate()
}

// writeNew writes a file that is not there, or with replace any.
func writeNew(path string, content []byte, replace bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if replace {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644) //nolint:gosec // the configuration is for everybody who deploys
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return usageError{fmt.Errorf("%s has just been made by somebody else; look at it, or replace it with --force", path)}
		}
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = f.Write(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
