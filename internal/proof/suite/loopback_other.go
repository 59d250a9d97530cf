//go:build !linux

package main

import (
	"context"
	"errors"
)

// confine refuses: only Linux has network namespaces.
func confine(context.Context) (done bool, err error) {
	return false, errors.New("the emulator is run on Linux alone, in a network namespace with nothing but the loopback interface")
}
