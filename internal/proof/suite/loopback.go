package main

import (
	"fmt"
	"net"
)

// onlyLoopback checks that this process has no other network than the loopback
// interface: an emulator that others wrote is not run where it could reach
// anything else.
func onlyLoopback(interfaces []net.Interface) error {
	up := false
	for _, i := range interfaces {
		switch {
		case i.Flags&net.FlagLoopback != 0:
			up = i.Flags&net.FlagUp != 0
		case i.Flags&net.FlagUp != 0:
			return fmt.Errorf(
				"the network interface %s could be used; the emulator runs where there is the loopback interface alone",
				i.Name,
			)
		}
	}
	if !up {
		return fmt.Errorf("the loopback interface is not up")
	}
	return nil
}
