// Package e2e holds the end-to-end tests: the synthesized templates and the
// real function binary in a sandbox, driven by the real SDK clients. It has no
// code of its own.
//
// A test never waits for time to pass, only for the sandbox to come to rest.
package e2e
