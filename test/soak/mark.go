package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/test/bench/daemon"
)

// markCall is a call that next to nobody makes, so that all of its losses are
// ours. It fails: the file is not there. Kernels before 6.6 do not know it, which
// is a failure like any other.
const markCall, markType = unix.SYS_FCHMODAT2, "fchmodat2"

// markInterval is the time between two marked calls.
const markInterval = 100 * time.Millisecond

const markRule = "Marked call of the soak test"

// marker makes calls with a number each, and knows how many.
type marker struct {
	prefix string
	made   int
	errs   []error
}

func newMarker() *marker {
	return &marker{prefix: fmt.Sprintf("/goshawk-soak/%d/", os.Getpid())}
}

// rule is a rule file with one rule that fires for each marked call.
func (m *marker) rule() string {
	return fmt.Sprintf(`- rule: %s
  desc: A call that the soak test makes and counts.
  condition: evt.type = %s and fs.path.nameraw startswith %s
  output: Marked call (name=%%fs.path.nameraw)
  priority: DEBUG
  tags: [soak]
`, markRule, markType, m.prefix)
}

// run makes marked calls until the context ends.
func (m *marker) run(ctx context.Context) {
	tick := time.NewTicker(markInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.call(); err != nil {
				m.errs = append(m.errs, err)
				return
			}
		}
	}
}

func (m *marker) call() error {
	path, err := unix.BytePtrFromString(m.prefix + strconv.Itoa(m.made))
	if err != nil {
		return err
	}
	const here = unix.AT_FDCWD
	_, _, errno := unix.Syscall6(markCall, uintptr(here&(1<<64-1)), uintptr(unsafe.Pointer(path)), 0o600, 0, 0, 0)
	m.made++
	if errno != unix.ENOENT && errno != unix.ENOSYS {
		return fmt.Errorf("marked call: %w, where a file that is not there was expected", errno)
	}
	return nil
}

// account is what became of the marked calls, by the agent's own counters.
type account struct {
	made     uint64
	received uint64 // made the rule true
	foreign  uint64 // calls of the same type that others made
	lost     uint64 // of the type, or of no known type
	errs     []error
}

func (m *marker) account(before, after daemon.Metrics) account {
	added := func(name string, labels ...string) uint64 {
		return uint64(after.Sum(name, labels...) - before.Sum(name, labels...))
	}
	all := added("goshawk_events_total", `type="`+markType+`"`)
	received := added("goshawk_rule_matches_total", `rule="`+markRule+`"`)
	return account{
		made: uint64(m.made), received: received, foreign: all - min(all, received),
		lost: added("goshawk_events_lost_total", `type="`+markType+`"`) + added("goshawk_events_lost_total", `type="any"`),
		errs: m.errs,
	}
}

// check tells what does not add up. Where others made such calls, too, losses may
// be theirs, and then they are an upper bound.
func (a account) check() error {
	if len(a.errs) > 0 {
		return errors.Join(a.errs...)
	}
	missing := int64(a.made) - int64(a.received)
	if missing < 0 || missing > int64(a.lost) || missing < int64(a.lost) && a.foreign == 0 {
		return fmt.Errorf("%d marked calls, but %d received + %d lost: %d are not accounted for",
			a.made, a.received, a.lost, missing-int64(a.lost))
	}
	return nil
}

// alerts is what the file destination holds.
type alerts struct {
	marked  map[int]int        // how often each marked call was reported
	others  map[string]*firing // by rule
	garbage int                // lines that are no alert
}

// maxFirst bounds what is printed of an alert, in bytes.
const maxFirst = 300

// firing is a rule that fired for something that was not marked.
type firing struct {
	count int
	first string // the beginning of its output
}

// readAlerts reads the file that the agent wrote its alerts to.
func readAlerts(path string, m *marker) (*alerts, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	defer f.Close() // read only
	a := &alerts{marked: map[int]int{}, others: map[string]*firing{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		a.add(lines.Bytes(), m.prefix)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return a, nil
}

func (a *alerts) add(line []byte, prefix string) {
	var one struct {
		Rule   string         `json:"rule"`
		Output string         `json:"output"`
		Fields map[string]any `json:"output_fields"`
	}
	if json.Unmarshal(line, &one) != nil || one.Rule == "" {
		a.garbage++
		return
	}
	if one.Rule != markRule {
		if a.others[one.Rule] == nil {
			a.others[one.Rule] = &firing{first: one.Output[:min(len(one.Output), maxFirst)]}
		}
		a.others[one.Rule].count++
		return
	}
	name, _ := one.Fields["fs.path.nameraw"].(string)
	n, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
	if err != nil {
		a.garbage++
		return
	}
	a.marked[n]++
}

// check tells which of the calls 0 … made-1 were not reported exactly once. As
// many as were lost in the kernel may be missing.
func (a *alerts) check(made, lost uint64) error {
	var missing, twice, unknown uint64
	for n := range int(made) {
		switch a.marked[n] {
		case 0:
			missing++
		case 1:
		default:
			twice++
		}
	}
	for n := range a.marked {
		if n < 0 || uint64(n) >= made {
			unknown++
		}
	}
	if missing > lost || twice > 0 || unknown > 0 || a.garbage > 0 {
		return fmt.Errorf("of %d expected alerts %d are missing (%d events were lost), %d came more than once; %d were never made, %d lines are no alert",
			made, missing, lost, twice, unknown, a.garbage)
	}
	return nil
}
