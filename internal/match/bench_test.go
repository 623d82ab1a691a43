package match

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
	"github.com/goshawk-security/goshawk/rules"
)

// benchRules makes n rules of the shapes that rule files have. The first is
// made true by one event of mix.
func benchRules(tb testing.TB, n int) []*rule.Rule {
	tb.Helper()
	var b strings.Builder
	b.WriteString(`
- list: shells
  items: [bash, sh, dash, zsh, ksh, fish, csh, tcsh, ash]
- list: packagers
  items: [dpkg, apt, apt-get, rpm, dnf, yum, apk, pacman, snapd]
- macro: opened_to_read
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.num >= 0
- macro: opened_to_write
  condition: evt.type in (open, openat, openat2, creat) and evt.is_open_write = true and fd.num >= 0
- macro: spawned
  condition: evt.type in (execve, execveat) and evt.failed = false
- macro: outbound
  condition: evt.type = connect and fd.typechar in (4, 6) and fd.net != "127.0.0.0/8"
- macro: packager
  condition: proc.name in (packagers) or proc.aname in (packagers)
`)
	b.WriteString(item("r0", "opened_to_read and fd.name = /etc/shadow and not packager and not proc.name in (sshd, login, su)"))
	shapes := []string{
		"opened_to_read and fd.name in (/root/secret%d, /etc/secret%[1]d) and not packager",
		"opened_to_read and fd.name pmatch (/home/*/.ssh%d, /root/.ssh%[1]d) and not proc.name in (sshd, ssh)",
		"opened_to_write and fd.name startswith /etc/dir%d/ and not packager and not proc.pname = systemd",
		"opened_to_write and evt.arg.flags contains O_TRUNC and fd.directory = /var/log%d",
		"spawned and proc.name in (shells) and proc.pname in (server%d, nginx%[1]d) and not proc.tty != 0",
		"spawned and proc.args contains secret%d and proc.aname[2] exists and not proc.env exists",
		"spawned and fd.types intersects (ipv4, ipv6) and proc.stdin.name glob \"*:%d\"",
		"outbound and fd.sport in (%d, 4444) and not proc.name in (curl, wget)",
		"outbound and fd.snet in (\"192.0.%d.0/24\", \"198.51.100.0/24\") and not user.uid = 0",
		"evt.type in (unlink, unlinkat, rename, renameat, renameat2) and fs.path.name startswith /var/log/x%d and not packager",
	}
	for i := 1; i < n; i++ {
		b.WriteString(item(fmt.Sprint("r", i), fmt.Sprintf(shapes[i%len(shapes)], i%250)))
	}
	return load(tb, b.String())
}

// mix are the events of a busy machine: mostly opens, then execs and connects.
// The last one makes a rule true.
func mix() []*event.Event {
	building := image("cc1", "gcc", "sh", "make", "bash", "sshd", "systemd")
	bash := image("bash", "sshd", "sshd", "systemd")
	list := []*event.Event{executed(building), executed(bash), connectedTo("93.184.216.34:443", bash), connectedTo("10.0.0.1:53", building)}
	for i := range 20 {
		list = append(list, opened(0, fmt.Sprintf("/usr/include/linux/header%d.h", i), "", building),
			opened(1|0o100, fmt.Sprintf("/home/user/build/object%d.o", i), fmt.Sprintf("/home/user/build/object%d.o", i), building))
	}
	return append(list, opened(0, "/etc/shadow", "/etc/shadow", bash))
}

// allRules are the shipped rules and the public ones beside the project.
func allRules(tb testing.TB) []*rule.Rule {
	tb.Helper()
	files, _ := filepath.Glob("../../../shared/falco-rules/*.yaml")
	if len(files) == 0 {
		tb.Skip("the public rules are not beside the project: ../shared/falco-rules")
	}
	own, err := loader.FS(rules.FS, ".", field.New(field.Syscall()))
	if err != nil {
		tb.Fatal(err)
	}
	public, err := loader.Files(files, field.New(field.Syscall()))
	if err != nil {
		tb.Fatal(err)
	}
	list := slices.Concat(own.Rules, public.Rules)
	for _, r := range list {
		r.Enabled = r.Source == "syscall"
	}
	return list
}

// BenchmarkMatch includes making the names of each event, as the agent does
// for every new one. The events are those of a busy machine, of which no rule is
// true.
func BenchmarkMatch(b *testing.B) {
	run := func(name string, list func(testing.TB) []*rule.Rule, match func(*testing.B, []*rule.Rule) func(*event.Event)) {
		b.Run(name, func(b *testing.B) {
			one := match(b, list(b))
			events := quiet(b)
			fresh := make([]event.Event, len(events))
			for i := range events {
				fresh[i] = *events[i]
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				ev := &fresh[i]
				renew(ev, events[i])
				one(ev)
				if i++; i == len(events) {
					i = 0
				}
			}
		})
	}
	matcher := func(b *testing.B, list []*rule.Rule) func(*event.Event) {
		m := compile(b, list).NewMatcher()
		return func(ev *event.Event) { m.Match(ev) }
	}
	plain := func(b *testing.B, list []*rule.Rule) func(*event.Event) {
		return func(ev *event.Event) {
			for _, r := range list {
				if r.Enabled && slices.Contains(r.Types, ev.Type) {
					oracle(r.Condition, ev)
				}
			}
		}
	}
	run("rules=public+own", allRules, matcher)
	run("oracle", allRules, plain)
	for _, n := range []int{25, 100, 1000} {
		run(fmt.Sprint("rules=", n), func(tb testing.TB) []*rule.Rule { return benchRules(tb, n) }, matcher)
	}
	run("hit", func(tb testing.TB) []*rule.Rule { return load(tb, item("r", "evt.type in (openat, execve, connect)")) }, matcher)
}

// quiet are the events that are matched: none makes a rule true, but for the
// benchmark of hits.
func quiet(testing.TB) []*event.Event {
	events := mix()
	return events[:len(events)-1]
}

// BenchmarkCompile makes a set and its matcher of all rules.
func BenchmarkCompile(b *testing.B) {
	list := allRules(b)
	for b.Loop() {
		compile(b, list).NewMatcher()
	}
}

// renew makes ev as it comes from the decoder: its names are not yet made, its
// buffer is kept.
func renew(ev, from *event.Event) {
	ev.Reset()
	ev.Type, ev.PID, ev.TID, ev.Result, ev.HasResult = from.Type, from.PID, from.TID, from.Result, from.HasResult
	ev.Args, ev.Path, ev.File, ev.Socket, ev.Image = from.Args, from.Path, from.File, from.Socket, from.Image
	ev.Task.PID = from.Task.PID
}

// An event that matches nothing costs no allocation.
func TestNoAllocations(t *testing.T) {
	m := compile(t, benchRules(t, 200)).NewMatcher()
	events := mix()
	events = events[:len(events)-1]
	fresh := make([]event.Event, len(events))
	all := func() {
		for i := range events {
			renew(&fresh[i], events[i])
			if hits := m.Match(&fresh[i]); len(hits) > 0 {
				t.Fatalf("%s: %s", hits[0].Rule.Name, hits[0].Rule.Condition)
			}
		}
	}
	for range 2 * patience {
		all() // buffers grow once
	}
	if n := testing.AllocsPerRun(20, all); n != 0 {
		t.Errorf("%v allocations for %d events, want 0", n, len(events))
	}
}
