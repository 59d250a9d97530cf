package main

import "github.com/spf13/cobra"

func newDoctorCommand(_ *app) *cobra.Command { return &cobra.Command{Use: "doctor", Hidden: true} }
