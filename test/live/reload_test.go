package live

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// countedRules are rules that agree on one rule and differ in what else they look at,
// so that each reload switches types of events, a hook and environments on and off.
// %[1]s is the file that is counted.
var countedRules = []string{
	``,
	`
- rule: Test connects
  desc: Test.
  condition: evt.type in (connect, bind, listen) and fd.name = nowhere
  output: connected %%fd.name
  priority: Notice
`,
	`
- rule: Test environment
  desc: Test.
  condition: evt.type in (unlink, unlinkat, rename) and proc.env[GOSHAWK_NOWHERE] = x
  output: removed %%fs.path.name
  priority: Notice
`,
	`
- rule: Test others
  desc: Test.
  condition: evt.type in (dup, dup2, dup3, mkdir, chmod, fchmod) and proc.name = nowhere
  output: other
  priority: Notice
`,
}

const countedRule = `
- rule: Test counted
  desc: The file was opened.
  condition: evt.type in (open, openat) and fd.name = %[1]s
  output: opened %%fd.name flags=%%evt.arg.flags
  priority: Notice
`

// TestReloads: of a known number of calls that a program makes while the rules are
// loaded again 100 times, each gives exactly one alert.
func TestReloads(t *testing.T) {
	const reloads, batch = 100, 10 // calls: below what the destination takes, so that none is shed
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	counted := filepath.Join(dir, "counted")
	write(t, counted, "x")
	a := start(t, fmt.Sprintf(countedRule, counted))
	program := startCaller(t, counted, batch)
	for i := range reloads {
		text := countedRule + countedRules[(i+1)%len(countedRules)] + fmt.Sprintf("# %d\n", i)
		next := filepath.Join(dir, "next")
		write(t, next, fmt.Sprintf(text, counted)) // renamed over, so that none is read in part
		if err := os.Rename(next, a.rules); err != nil {
			t.Fatal(err)
		}
		// Three of four are asked for, since the watch waits for a file to be quiet.
		if i%4 != 0 {
			a.cmd.Process.Signal(syscall.SIGHUP)
		}
		a.waitReloads(t, i+1)
	}
	calls := program.stop(t)
	metrics := a.page(t, "/metrics")
	alerts := a.stop(t)

	ids, seen := map[string]bool{}, 0
	for _, alert := range alerts {
		if alert.Rule == "Goshawk lost events" {
			t.Errorf("lost: %s", alert.Output)
		}
		if alert.Rule != "Test counted" || alert.OutputFields["fd.name"] != counted {
			continue
		}
		if ids[alert.ID] {
			t.Errorf("id %s twice", alert.ID)
		}
		ids[alert.ID] = true
		seen++
	}
	t.Logf("%d calls, %d alerts, %d reloads", calls, seen, reloads)
	if seen != calls {
		t.Errorf("%d calls gave %d alerts", calls, seen)
	}
	if calls < reloads*batch {
		t.Errorf("only %d calls: there was no load", calls)
	}
	for _, name := range []string{"goshawk_events_lost_total", "goshawk_alerts_shed_total"} {
		for _, m := range regexp.MustCompile(`(?m)^`+name+`\{.*\} (\S+)$`).FindAllStringSubmatch(metrics, -1) {
			if m[1] != "0" {
				t.Errorf("%s", m[0])
			}
		}
	}
	if want := `goshawk_rules_reloads_total{result="failure"} 0`; !strings.Contains(metrics, want) {
		t.Errorf("metrics have no line %s", want)
	}
}

// caller is a program that opens a file again and again and counts it.
type caller struct {
	cmd *exec.Cmd
	out *bufio.Reader
	in  interface{ Close() error }
}

// startCaller starts one that makes its calls in batches, with a pause in between,
// until its standard input ends.
func startCaller(t *testing.T, path string, batch int) *caller {
	t.Helper()
	script := fmt.Sprintf(`my $n = 0; my $name = %q; my $r = "";
		do { for (1..%d) { open(my $f, "<", $name) or die; $n++ }
		     vec($r = "", 0, 1) = 1 } until select(my $ready = $r, undef, undef, 0.01);
		print "$n\n"`, path, batch)
	c := &caller{cmd: exec.Command("perl", "-e", script)}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	return c
}

// stop ends the program and returns how many calls it made.
func (c *caller) stop(t *testing.T) int {
	t.Helper()
	c.in.Close()
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waitReloads waits until so many reloads were successful.
func (a *agent) waitReloads(t *testing.T, n int) {
	t.Helper()
	want := fmt.Sprintf("goshawk_rules_reloads_total{result=\"success\"} %d\n", n)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(a.page(t, "/metrics"), want) {
			return
		}
	}
	t.Fatalf("reload %d did not come; log:\n%s", n, a.log)
}

// page reads a page of the agent.
func (a *agent) page(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(a.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
