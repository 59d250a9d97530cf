package main

import "github.com/spf13/cobra"

func newStatusCommand(_ *app) *cobra.Command { return &cobra.Command{Use: "status", Hidden: true} }
