package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag in words of the command line. Those
// of pflag are its parsers'.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var without *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	var malformed *pflag.InvalidSyntaxError
	help := "see " + cmd.CommandPath() + " --help"
	if before := cmd.Flags().Args(); cmd.HasAvailableSubCommands() && len(before) > 0 {
		return unknownCommand(cmd, before[0], before[0]) // whose flags these are
	}
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf("unknown flag: -%s; %s", unknown.GetSpecifiedName(), help)
	case errors.As(err, &unknown):
		return suggestFlag(cmd, unknown)
	case errors.As(err, &without):
		return fmt.Errorf("--%s needs a value; %s", without.GetFlag().Name, help)
	case errors.As(err, &malformed):
		return fmt.Errorf("%q is not a flag; %s", malformed.GetSpecifiedFlag(), help)
	case errors.As(err, &wrong):
		return valueError(wrong)
	}
	return err
}

// valueError says what a flag's value has to be. A flag with a parser of its
// own says so itself.
func valueError(err *pflag.InvalidValueError) error {
	name, value, cause := err.GetFlag().Name, err.GetValue(), errors.Unwrap(err)
	has := ""
	switch err.GetFlag().Value.Type() {
	case "int", "int64":
		has = "a whole number, as in 10"
	case "float64":
		has = "a number, as in 20 or 0.5"
	case "bool":
		has = "true or false"
	case "duration":
		has = "a time, as in 90s, 5m or 12h"
	}
	switch {
	case errors.Is(cause, strconv.ErrRange):
		return fmt.Errorf("--%s %s: it is too large", name, value)
	case has == "" || strings.HasPrefix(cause.Error(), "it "):
		return fmt.Errorf("--%s %s: %w", name, quotedIfEmpty(value), cause)
	}
	return fmt.Errorf("--%s %s: it has to be %s", name, quotedIfEmpty(value), has)
}

func quotedIfEmpty(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

// suggestFlag says that there is no such flag, with what was probably meant.
func suggestFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	// Cobra knows near names of commands, by their spelling and their beginnings;
	// these stand for the flags.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	near := flags.SuggestionsFor(unknown.GetSpecifiedName())
	// Who begins a name means that one, and none that merely looks like it.
	begins := func(name string) bool { return strings.HasPrefix(name, unknown.GetSpecifiedName()) }
	if slices.ContainsFunc(near, begins) {
		near = slices.DeleteFunc(near, func(name string) bool { return !begins(name) })
	}
	if len(near) == 0 {
		return fmt.Errorf("unknown flag: --%s; see %s --help", unknown.GetSpecifiedName(), cmd.CommandPath())
	}
	return fmt.Errorf("unknown flag: --%s; did you mean --%s?", unknown.GetSpecifiedName(), strings.Join(near, " or --"))
}
