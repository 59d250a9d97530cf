package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"s3fanout/internal/table"
)

// TestHelpFitsTheTerminal reads the help of every command.
func TestHelpFitsTheTerminal(t *testing.T) {
	commands := 0
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		commands++
		var b bytes.Buffer
		c.SetOut(&b)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 {
				t.Errorf("%s: %d columns: %q", c.CommandPath(), table.Width(line), line)
			}
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(newRootCommand(&app{}))
	if commands < 6 {
		t.Errorf("saw %d commands", commands)
	}
}
