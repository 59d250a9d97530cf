package main

import "github.com/spf13/cobra"

func newBackfillCommand(_ *app) *cobra.Command { return &cobra.Command{Use: "backfill", Hidden: true} }
