// Package sinktest holds a ship.Sink against its contract. Every sink's tests
// run it against the real thing at the other end: a file, a pipe, a server.
package sinktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
)

// Subject is a fresh sink and what the tests need to know of its peer.
type Subject struct {
	Sink ship.Sink
	// Received returns the ids of the alerts that the peer has, in the order of
	// their arrival.
	Received func(t *testing.T) []string
	// Break makes the destination take nothing; Mend ends that. Both nil if
	// there is no way to break it.
	Break, Mend func(t *testing.T)
}

// Run runs the suite. Each test asks for a Subject of its own.
func Run(t *testing.T, make func(t *testing.T) Subject) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"whole batch in order", inOrder},
		{"empty batch", empty},
		{"alerts stay as they are", unchanged},
		{"alert that has no JSON", unencodable},
		{"ended context", endedContext},
		{"broken and mended", broken},
		{"reopen", reopen},
		{"close", closed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := make(t)
			t.Cleanup(func() {
				if err := s.Sink.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			tt.run(t, s)
		})
	}
}

// Alerts makes n alerts with the ids prefix-0, prefix-1 and so on.
func Alerts(prefix string, n int) []*alert.Alert {
	all := make([]*alert.Alert, n)
	for i := range all {
		at := time.Date(2026, 3, 4, 5, 6, 7, 123456789+i, time.UTC)
		all[i] = &alert.Alert{
			ID: fmt.Sprintf("%s-%d", prefix, i), Rule: "Shell under a server", Priority: "Warning",
			Output: fmt.Sprintf("Shell spawned by a server (alert=%s-%d cmd=sh -c 'a<b && c>d')", prefix, i),
			Source: "syscall", Tags: []string{"T1059", "execution"}, Time: at, Hostname: "node-1",
			OutputFields: map[string]any{"proc.name": "sh", "proc.pid": int64(100 + i), "fd.name": nil},
			RuleFile:     "rules/shell.yaml:3", Fingerprint: "f00d",
			Lineage: []alert.Ancestor{
				{PID: 102, Name: "sh", ExePath: "/usr/bin/dash", CmdLine: "sh -c id", Start: at},
				{PID: 88, Name: "nginx", ExePath: "/usr/sbin/nginx", Start: at},
			},
			Conditions: []alert.Condition{{Text: "proc.name = sh", Field: "proc.name", Value: "sh"}},
		}
	}
	return all
}

// IDs returns the ids of alerts.
func IDs(alerts []*alert.Alert) []string {
	ids := make([]string, len(alerts))
	for i, a := range alerts {
		ids[i] = a.ID
	}
	return ids
}

func send(t *testing.T, s Subject, batch []*alert.Alert) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return s.Sink.Send(ctx, batch)
}

func mustSend(t *testing.T, s Subject, batch []*alert.Alert) {
	t.Helper()
	if err := send(t, s, batch); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func wantReceived(t *testing.T, s Subject, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.Received(t)); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

func inOrder(t *testing.T, s Subject) {
	first, second := Alerts("a", 100), Alerts("b", 1)
	mustSend(t, s, first)
	mustSend(t, s, second)
	wantReceived(t, s, append(IDs(first), IDs(second)...)...)
}

func empty(t *testing.T, s Subject) {
	mustSend(t, s, nil)
	wantReceived(t, s)
}

func unchanged(t *testing.T, s Subject) {
	batch := Alerts("a", 3)
	order := slices.Clone(batch)
	before, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, batch)
	after, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || !slices.Equal(order, batch) {
		t.Error("Send changed the batch or an alert")
	}
	// A sink that kept the alerts would show it now.
	for i := range batch {
		batch[i] = nil
		order[i].ID = "changed by the test"
	}
	mustSend(t, s, Alerts("b", 1))
	wantReceived(t, s, "a-0", "a-1", "a-2", "b-0")
}

// unencodable: one alert that cannot be written must not hold up the others. A
// sink that does not write JSON may take it.
func unencodable(t *testing.T, s Subject) {
	batch := Alerts("a", 3)
	batch[1].OutputFields["bad"] = math.NaN()
	err := send(t, s, batch)
	if err == nil {
		wantReceived(t, s, "a-0", "a-1", "a-2")
		return
	}
	var e *outcome.Error
	if !errors.As(err, &e) || len(e.Retry) != 0 || len(e.Rejected) != 1 || e.Rejected[0].Index != 1 || e.Rejected[0].Reason == "" {
		t.Fatalf("Send: %#v, want the rejection of alert 1 alone", err)
	}
	wantReceived(t, s, "a-0", "a-2")
}

func endedContext(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := Alerts("a", 2)
	err := s.Sink.Send(ctx, batch)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Send with an ended context: %v, want %v", err, context.Canceled)
	}
	if e := outcome.Of(err, len(batch)); len(e.Retry) != 2 || len(e.Rejected) != 0 {
		t.Errorf("Send with an ended context: %+v, want all to be sent again", e)
	}
	mustSend(t, s, batch)
	wantReceived(t, s, "a-0", "a-1")
}

func broken(t *testing.T, s Subject) {
	if s.Break == nil {
		t.Skip("this destination cannot be broken")
	}
	mustSend(t, s, Alerts("a", 2))
	s.Break(t)
	batch := Alerts("b", 3)
	for range 2 {
		err := send(t, s, batch)
		if err == nil {
			t.Fatal("Send to a broken destination: no error")
		}
		e := outcome.Of(err, len(batch))
		if len(e.Rejected) != 0 || !slices.Equal(e.Retry, []int{0, 1, 2}) {
			t.Fatalf("Send to a broken destination: %+v, want all to be sent again", e)
		}
		if strings.TrimSpace(err.Error()) == "" {
			t.Error("the error says nothing")
		}
	}
	s.Mend(t)
	mustSend(t, s, batch)
	wantReceived(t, s, "a-0", "a-1", "b-0", "b-1", "b-2")
}

func reopen(t *testing.T, s Subject) {
	for i := range 3 {
		mustSend(t, s, Alerts(fmt.Sprint(i), 1))
		if err := s.Sink.Reopen(); err != nil {
			t.Fatalf("Reopen: %v", err)
		}
	}
	wantReceived(t, s, "0-0", "1-0", "2-0")
}

func closed(t *testing.T, s Subject) {
	mustSend(t, s, Alerts("a", 1))
	for range 2 {
		if err := s.Sink.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if err := send(t, s, Alerts("b", 1)); err == nil {
		t.Error("Send after Close: no error")
	}
	wantReceived(t, s, "a-0")
}
