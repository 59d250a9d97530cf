package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// flagValue is a flag's value. A flag that is empty, as by a shell's variable that is
// not set, does not mean what one means that is left out.
type flagValue struct{ flag, value string }

// checkNotEmpty refuses flags that are set and empty. changed says which are set.
func checkNotEmpty(changed func(flag string) bool, flags ...flagValue) error {
	for _, f := range flags {
		if changed(f.flag) && f.value == "" {
			return usageError{fmt.Errorf("--%s is empty; name one, or leave it out", f.flag)}
		}
	}
	return nil
}

// checkPrefix refuses what no key can begin with.
func checkPrefix(prefix string) error {
	switch {
	case !utf8.ValidString(prefix):
		return usageError{errors.New("--prefix is not UTF-8, as all keys are")}
	case len(prefix) > maxKey:
		return usageError{fmt.Errorf("--prefix has %d bytes; a key of S3 has %d at most", len(prefix), maxKey)}
	}
	return nil
}

// chooseKeys refuses values of --key and --prefix that no key can be or begin
// with, and names each key once.
func chooseKeys(keys *[]string, prefix string) error {
	if len(*keys) > 0 && prefix != "" {
		return keyAndPrefix()
	}
	var distinct []string
	for _, key := range *keys {
		switch {
		case key == "":
			return usageError{errors.New("--key is empty; name one, or leave it out")}
		case len(key) > maxKey:
			return keyTooLong(key)
		}
		if err := checkKey(key); err != nil {
			return err
		}
		if !slices.Contains(distinct, key) {
			distinct = append(distinct, key)
		}
	}
	*keys = distinct
	return checkPrefix(prefix)
}

func keyAndPrefix() error {
	return usageError{errors.New("--key and --prefix exclude each other; give one")}
}

// names is a flag that takes names, separated by commas, and can be repeated.
// Pflag's own reads the first line only of a value with several.
type names struct {
	into    *[]string
	changed bool
}

// namesVar adds such a flag. The values that are there already are the default.
func namesVar(flags *pflag.FlagSet, into *[]string, name, usage string) {
	flags.Var(&names{into: into}, name, usage)
}

// String is the flag's value, for cobra.
func (n *names) String() string {
	if n.into == nil {
		return ""
	}
	return strings.Join(*n.into, ",")
}

// Type names the flag's value in help.
func (n *names) Type() string { return "strings" }

// Set adds names. One that is empty is none, but the flag was given.
func (n *names) Set(value string) error {
	if !n.changed {
		*n.into, n.changed = []string{}, true
	}
	if value != "" {
		*n.into = append(*n.into, strings.Split(value, ",")...)
	}
	return nil
}
