package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// Report holds every figure of a run: what -json writes.
type Report struct {
	Machine Machine   `json:"machine"`
	Time    time.Time `json:"time"`
	Cost    []Cost    `json:"cost,omitempty"`
	Rate    *Rate     `json:"rate,omitempty"`
	Idle    *Idle     `json:"idle,omitempty"`
	Go      []GoBench `json:"go,omitempty"`
	Targets []Target  `json:"targets,omitempty"`
}

// Machine says where the figures are from.
type Machine struct {
	CPUs   int    `json:"cpus"`
	Model  string `json:"model"`
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
}

// String writes one line.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores (%s), Linux %s, %s", m.CPUs, m.Model, m.Kernel, m.Arch)
}

// Target is a figure that Goshawk promises, beside what was measured.
type Target struct {
	Name   string  `json:"name"`
	Figure float64 `json:"figure"`
	Limit  float64 `json:"limit"` // the most that the figure may be
	Unit   string  `json:"unit"`
	Met    bool    `json:"met"`
}

// target notes a figure that must not be above limit.
func (r *Report) target(name string, figure, limit float64, unit string) {
	r.Targets = append(r.Targets, Target{name, figure, limit, unit, figure <= limit})
}

func (r *Report) printTargets(out io.Writer) {
	if len(r.Targets) == 0 {
		return
	}
	fmt.Fprintln(out, "\nTargets")
	t := table(out)
	fmt.Fprintln(t, "\tmeasured\tat most\t\t")
	for _, x := range r.Targets {
		verdict := "met"
		if !x.Met {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s %s\t%s\t\n", x.Name, number(x.Figure), x.Unit, number(x.Limit), x.Unit, verdict)
	}
	_ = t.Flush() // as with every print to standard output
}

// table aligns columns that end in tabs.
func table(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
}

// number writes a figure with as many digits as it deserves.
func number(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Arch: runtime.GOARCH, Model: "unknown", Kernel: "unknown"}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		// The part behind the numbers names a build, not what it can do.
		m.Kernel, _, _ = strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
	}
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return m
	}
	defer f.Close() // read only
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			m.Model = strings.TrimSpace(value)
			break
		}
	}
	return m
}
