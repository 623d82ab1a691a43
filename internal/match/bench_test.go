package match

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// BenchmarkMatch replays what was recorded of a build, of package installations and
// of a web server, but for the events that make a rule true. ns/event is what the
// matcher takes, with making the event's names, as for every new one; ns/op has also
// the copying of the event.
func BenchmarkMatch(b *testing.B) {
	all := allRules(b)
	events := quiet(b, all)
	run := func(name string, one func(*event.Event), round func()) {
		b.Run(name, func(b *testing.B) {
			var few [64]event.Event
			var spent time.Duration
			b.ReportAllocs()
			next, i := 0, len(few)
			var start time.Time
			for b.Loop() {
				if i == len(few) {
					for i = range few { // what follows finds them as the decoder leaves them
						few[i] = *events[next]
						if next++; next == len(events) {
							next = 0
							round()
						}
					}
					i, start = 0, time.Now()
				}
				one(&few[i])
				if i++; i == len(few) {
					spent += time.Since(start)
				}
			}
			b.ReportMetric(float64(spent)/float64(b.N/len(few)*len(few)), "ns/event")
		})
	}
	matcher := func(name string, list []*rule.Rule) {
		m := compile(b, list).NewMatcher()
		run(name, func(ev *event.Event) { m.Match(ev) }, func() {
			for i := range m.images.slots { // each program is seen for the first time
				m.images.slots[i].image = nil
			}
		})
	}
	run("names", func(ev *event.Event) { ev.Names() }, func() {})
	matcher("rules=public+own", all)
	for _, n := range []int{25, 100, 1000} {
		matcher(fmt.Sprint("rules=", n), benchRules(b, n))
	}
	run("oracle", func(ev *event.Event) {
		for _, r := range all {
			if r.Enabled && slices.Contains(r.Types, ev.Type) {
				oracle(r.Condition, ev)
			}
		}
	}, func() {})
}

// quiet returns the recorded events that make no rule true, with room for their
// names.
func quiet(tb testing.TB, rules []*rule.Rule) []*event.Event {
	tb.Helper()
	room := make([]byte, 0, 1<<16)
	m := compile(tb, append(benchRules(tb, 1000), rules...)).NewMatcher()
	var list []*event.Event
	for _, name := range recordings {
		for _, ev := range recorded(tb, name) {
			used := *ev
			if len(m.Match(&used)) == 0 {
				ev.Scratch(func([]byte) []byte { return room })
				list = append(list, ev)
			}
		}
	}
	return list
}

// BenchmarkHit is an event that makes one rule of many true.
func BenchmarkHit(b *testing.B) {
	events := mix()
	ev := events[len(events)-1]
	m := compile(b, benchRules(b, 100)).NewMatcher()
	fresh := *ev
	b.ReportAllocs()
	for b.Loop() {
		renew(&fresh, ev)
		if len(m.Match(&fresh)) == 0 {
			b.Fatal("no hit")
		}
	}
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
