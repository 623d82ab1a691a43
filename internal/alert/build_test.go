package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
)

var update = flag.Bool("update", false, "write the golden files anew")

var testNode = Node{Hostname: "node-1", BootID: "00000000-1111-2222-3333-444444444444"}

func newBuilder(t testing.TB) *Builder {
	return NewBuilder(field.New(field.Syscall()), testNode, newMasker(t))
}

// newRule makes a rule whose output is the fields, separated by blanks.
func newRule(t testing.TB, fields ...string) *rule.Rule {
	t.Helper()
	cat := field.New(field.Syscall())
	tmpl := &rule.Template{}
	for _, name := range fields {
		f := cat.Find(name)
		if f == nil {
			t.Fatalf("no field %s", name)
		}
		tmpl.Text += " %" + name
		tmpl.Parts = append(tmpl.Parts, rule.Part{Text: " "},
			rule.Part{Field: rule.FieldRef{Text: name, Name: name, Field: f}})
	}
	return &rule.Rule{
		Pos: rule.Pos{File: "rules/test.yaml", Line: 7, Col: 3}, Name: "Read a secret", Output: tmpl,
		Desc:     "A secret was read\n   by somebody.\n",
		Priority: rule.PriorityWarning, Source: "syscall", Tags: []string{"mitre_credential_access", "T1003"},
	}
}

// newEvent makes the open of a file by a process with two ancestors.
func newEvent(name string) *event.Event {
	sshd := &event.Image{PID: 10, Start: 1_000_000_000, Comm: "sshd", ExePath: "/usr/sbin/sshd", CmdLine: "sshd -D", Argv: event.WordsOf("sshd", "-D"), Execed: true}
	bash := &event.Image{PID: 20, Start: 2_000_000_000, Parent: sshd, Comm: "bash", ExePath: "/bin/bash", CmdLine: "bash", Argv: event.WordsOf("-bash"), Creds: event.Creds{UID: 1000, EUID: 1000}, Execed: true}
	cat := &event.Image{
		PID: 30, Start: 3_000_000_000, Parent: bash, Comm: "app", ExePath: "/usr/bin/app", Cwd: "/home/me", Execed: true,
		Argv: event.WordsOf("app", "--password", "two words", "-v"), CmdLine: "app --password two words -v",
		Creds: event.Creds{UID: 1000, EUID: 0, LoginUID: 1000},
	}
	return &event.Event{
		Type: event.Openat, CPU: 1, Seq: 42, Time: 4_000_000_123, BootOffset: 1_700_000_000_000_000_000,
		TID: 30, PID: 30, Start: 3_000_000_000, ExecID: 5, HasResult: true, Result: 3,
		Path: event.Path{
			Resolved: event.Components{Bytes: []byte(name + "/etc/"), Valid: true},
			Given:    []byte("/etc/" + name), HasGiven: true,
		},
		Process:   &event.Process{PID: 30, Start: 3_000_000_000, ParentPID: 20, Image: cat},
		Image:     cat,
		Container: &event.Container{FullID: strings.Repeat("0123456789abcdef", 4), Runtime: "containerd", PodUID: "8dbc5577-d0e2-4706-8787-57d52c03ddf2"},
		Accounts:  accounts{},
	}
}

type accounts struct{}

func (accounts) User(uid uint32) (event.Account, bool) {
	return event.Account{Name: fmt.Sprintf("user%d", uid)}, true
}
func (accounts) Group(gid uint32) (string, bool) { return "", false }

func TestGolden(t *testing.T) {
	r := newRule(t, "user.name", "fd.name", "proc.cmdline", "fd.sip")
	host := newEvent("shadow")
	host.Container = nil
	bare := &event.Event{Type: event.Connect, Image: &event.Image{PID: 4}, Process: &event.Process{PID: 4}, PID: 4}
	bareRule := newRule(t, "fd.name")
	bareRule.Tags, bareRule.Source = nil, ""
	tests := []struct {
		name       string
		ev         *event.Event
		rule       *rule.Rule
		conditions []Condition
	}{
		{"open", newEvent("shadow"), r, []Condition{
			{Text: "fd.name = /etc/shadow", Field: "fd.name", Value: "/etc/shadow", Name: "resolved"},
			{Text: "proc.cmdline contains password", Field: "proc.cmdline", Value: "app --password two words -v"},
			{Text: "fd.num > 2", Field: "fd.num", Value: int64(3)},
		}},
		{"host", host, r, nil},
		{"hostile", newEvent("\x1b[2J\nx\xff\u202ey"), r, nil},
		{"bare", bare, bareRule, nil},
	}
	b := newBuilder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.MarshalIndent(b.New(tt.ev, tt.rule, tt.conditions), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := filepath.Join("testdata", tt.name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if bytes.Contains(got, []byte("two words")) {
				t.Error("a secret is in the alert")
			}
		})
	}
}

// TestKeys holds that what reads Falco's JSON finds its keys.
func TestKeys(t *testing.T) {
	data, err := json.Marshal(newBuilder(t).New(newEvent("shadow"), newRule(t, "fd.name"), nil))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"output", "priority", "rule", "source", "tags", "time", "hostname", "output_fields"} {
		if got[key] == nil {
			t.Errorf("no key %s in %s", key, data)
		}
	}
}

func TestStandardFields(t *testing.T) {
	cat := field.New(field.Syscall())
	for _, name := range standardFields {
		if cat.Find(name) == nil {
			t.Errorf("the catalogue has no field %s", name)
		}
	}
}

func TestIdentity(t *testing.T) {
	b, r := newBuilder(t), newRule(t, "fd.name")
	base := b.New(newEvent("shadow"), r, nil)
	if again := b.New(newEvent("shadow"), r, nil); again.ID != base.ID || again.Fingerprint != base.Fingerprint {
		t.Error("the same event and rule give another alert")
	}
	other := newRule(t, "fd.name")
	other.Name = "Another"
	tests := []struct {
		name             string
		change           func(ev *event.Event)
		rule             *rule.Rule
		sameID, samePrnt bool
	}{
		{"next event", func(ev *event.Event) { ev.Seq++ }, r, false, true},
		{"another CPU", func(ev *event.Event) { ev.CPU++ }, r, false, true},
		{"the other ring", func(ev *event.Event) { ev.Type = event.Execve }, r, false, true},
		{"another rule", func(*event.Event) {}, other, false, false},
		{"another container", func(ev *event.Event) { ev.Container = &event.Container{FullID: "x"} }, r, true, false},
		{"the host", func(ev *event.Event) { ev.Container = nil }, r, true, false},
		{"another executable", func(ev *event.Event) { ev.Image = ev.Image.Parent }, r, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := newEvent("shadow")
			tt.change(ev)
			a := b.New(ev, tt.rule, nil)
			if (a.ID == base.ID) != tt.sameID || (a.Fingerprint == base.Fingerprint) != tt.samePrnt {
				t.Errorf("id the same: %v, fingerprint the same: %v", a.ID == base.ID, a.Fingerprint == base.Fingerprint)
			}
		})
	}
}

func TestLineageBounded(t *testing.T) {
	ev := newEvent("shadow")
	for i := range uint32(100) {
		img := *ev.Image
		img.PID, img.Parent = 1000+i, ev.Image
		ev.Image = &img
	}
	a := newBuilder(t).New(ev, newRule(t, "fd.name"), nil)
	if len(a.Lineage) != 1+maxAncestors || a.Lineage[0].PID != 1099 || a.Lineage[16].PID != 1083 {
		t.Errorf("%d in the lineage, from %+v", len(a.Lineage), a.Lineage[0])
	}
}

// TestOwnsWhatItHolds overwrites the event's bytes after the alert was made.
func TestOwnsWhatItHolds(t *testing.T) {
	ev := newEvent("shadow")
	a := newBuilder(t).New(ev, newRule(t, "fd.name", "fd.nameraw"), nil)
	before, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{ev.Path.Resolved.Bytes, ev.Path.Given} {
		for i := range b {
			b[i] = 'X'
		}
	}
	ev.Reset()
	ev.Path.Given, ev.Path.HasGiven = bytes.Repeat([]byte("/Y"), 50), true
	_ = ev.Name() // into the buffer that is kept
	after, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the alert changed with the event:\n%s", diff)
	}
}

// FuzzBuild makes alerts of names that hold anything: the output is one printable
// line, and everything is valid UTF-8.
func FuzzBuild(f *testing.F) {
	f.Add("shadow")
	f.Add("\x1b]0;x\x07\r\n\u2028\xc3\x28 --password x")
	b, r := newBuilder(f), newRule(f, "fd.name", "proc.name", "proc.cmdline", "proc.exepath")
	f.Fuzz(func(t *testing.T, s string) {
		ev := newEvent(strings.ReplaceAll(s, "/", ""))
		img := *ev.Image
		img.Comm, img.ExePath, img.CmdLine, img.Argv = s, s, s, event.WordsOf(strings.Split(s, " ")...)
		ev.Image = &img
		a := b.New(ev, r, []Condition{{Text: "x", Value: s}})
		for _, c := range a.Output {
			if !unicode.IsPrint(c) {
				t.Errorf("%U is in the output %q", c, a.Output)
			}
		}
		texts := []string{a.Output, a.Lineage[0].Name, a.Lineage[0].ExePath, a.Lineage[0].CmdLine, a.Conditions[0].Value.(string)}
		for _, v := range a.OutputFields {
			if s, ok := v.(string); ok {
				texts = append(texts, s)
			}
		}
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Errorf("%q is not UTF-8", text)
			}
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
	})
}
