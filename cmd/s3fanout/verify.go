package main

import "github.com/spf13/cobra"

func newVerifyCommand(_ *app) *cobra.Command { return &cobra.Command{Use: "verify", Hidden: true} }
