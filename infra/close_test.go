//go:build !race

package infra

import "github.com/aws/jsii-runtime-go"

// closeRuntime ends Node and removes what jsii unpacked.
func closeRuntime() { jsii.Close() }
