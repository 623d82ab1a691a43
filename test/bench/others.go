package main

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf/link"
)

// countObservers counts the programs that others have attached to raw
// tracepoints: what another agent does.
func countObservers() (n int, err error) {
	var it link.Iterator
	defer it.Close()
	for it.Next() {
		// A link that cannot be read is one that has just ended.
		if info, err := it.Link.Info(); err == nil && info.Type == link.RawTracepointType {
			n++
		}
	}
	if err := it.Err(); err != nil {
		return n, fmt.Errorf("list attached programs: %w", err)
	}
	return n, nil
}

// warnOfObservers says that the figures are not what they seem.
func warnOfObservers(out io.Writer) error {
	n, err := countObservers()
	if err != nil {
		return err
	}
	if n > 0 {
		fmt.Fprintf(out, "WARNING: %d programs of others are attached to tracepoints, so another agent runs here:\n"+
			"  \"no program\" is not that, and another program costs less than the first. Stop it and repeat.\n", n)
	}
	return nil
}
