package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goshawk-security/goshawk/internal/agent/config"
	"github.com/goshawk-security/goshawk/internal/rule"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // of the machine, or of a destination
	exitInput   = 2 // the command line, the configuration or a rule is wrong
)

// failure is an error of the machine. Every other error is one of the input.
type failure struct{ err error }

func (f failure) Error() string { return f.err.Error() }

func (f failure) Unwrap() error { return f.err }

// failed marks an error, if it is one, as the machine's.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}

// errSaid ends a command whose output says already what is wrong.
var errSaid = errors.New("said already")

// report prints an error, one line for each that it joins, and returns the exit
// code. A mistake in a file begins with its place, as compilers write it, so that
// editors can jump there.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code := exitInput
	var f failure
	if errors.As(err, &f) {
		code, err = exitFailure, f.err
	}
	if errors.Is(err, errSaid) {
		return code
	}
	mistakes := 0
	for _, e := range flatten(err) {
		if placed(e) {
			mistakes++
			fmt.Fprintln(stderr, e)
		} else {
			fmt.Fprintln(stderr, "goshawk:", strings.TrimSpace(e.Error()))
		}
	}
	switch {
	case mistakes == 1:
		fmt.Fprintln(stderr, "goshawk: 1 mistake; nothing was started")
	case mistakes > 1:
		fmt.Fprintf(stderr, "goshawk: %d mistakes; nothing was started\n", mistakes)
	}
	return code
}

// placed tells that the error begins with a file and a line.
func placed(err error) bool {
	var config *config.MistakeError
	var inRule *rule.Error
	return errors.As(err, &config) || errors.As(err, &inRule)
}

// flatten unpacks joined errors.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
