package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPid holds to account who is stopped: never a process that has only the id of ours.
func TestPid(t *testing.T) {
	n, err := At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(n.Dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	own, err := birth(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ended.Wait() }() // a zombie until then

	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"runs", fmt.Sprintf("%d %s\n", os.Getpid(), own), true},
		{"another with its id", fmt.Sprintf("%d 1%s\n", os.Getpid(), own), false},
		{"cut", fmt.Sprintf("%d", os.Getpid()), false},
		{"empty", "", false},
		{"no number", "x y\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(n.pidFile("it"), []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, got := n.pid("it"); got != tt.want {
				t.Errorf("runs: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestStopNothing: what was never started is stopped without harm, and a directory that
// is the whole machine is not taken for a cluster's.
func TestStopNothing(t *testing.T) {
	n, err := At(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	if n.Running() {
		t.Error("it runs")
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := n.Inside(t.Context(), "true"); err == nil {
		t.Error("a command ran in no room")
	}
	if err := (&Node{Dir: "/"}).Stop(t.Context()); err == nil {
		t.Error("the whole machine was stopped")
	}
}
