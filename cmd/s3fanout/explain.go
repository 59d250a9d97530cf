package main

import "github.com/spf13/cobra"

func newExplainCommand(_ *app) *cobra.Command { return &cobra.Command{Use: "explain", Hidden: true} }
