package alert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/event"
	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// refTo makes the reference that a rule would have: proc.env[HOME].
func refTo(t testing.TB, text string) rule.FieldRef {
	t.Helper()
	parsed := parseRef(text)
	f := field.New(field.Syscall()).Find(parsed.name)
	if f == nil {
		t.Fatalf("no field %s", parsed.name)
	}
	arg := field.Arg{Given: parsed.given, Name: parsed.arg}
	arg.Index, _ = parsed.index()
	return rule.FieldRef{Text: text, Name: parsed.name, Field: f, Arg: arg}
}

// secretEvent is an exec whose arguments and environment, and those of its
// ancestors, have secrets with blanks in them.
func secretEvent() *event.Event {
	image := func(parent *event.Image, args ...string) *event.Image {
		return &event.Image{
			PID: 7, Start: 9, Parent: parent, Comm: args[0], Argv: event.WordsOf(args...), CmdLine: strings.Join(args, " "), Execed: true,
			Env: event.WordsOf("HOME=/home/me", "DB_PASSWORD=hunter2 and more", "EMPTY_TOKEN=", "URL=https://me:hunter2@host/", "LAST=x"),
		}
	}
	old := image(nil, "curl", "-u", "me:hunter2 and more", "https://host/mysql")
	parent := image(old, "sh", "-c", "TOKEN='hunter2 and more' run --now")
	img := image(parent, "app", "--password", "hunter2 and more", "-v", "--db-token=hunter2 and more", "end")
	return &event.Event{Type: event.Execve, HasResult: true, PID: 7, TID: 7, Image: img, Process: &event.Process{PID: 7, Image: img}}
}

func TestItems(t *testing.T) {
	app := "--password *** -v --db-token=*** end"
	sh, curl := "sh -c TOKEN=*** run --now", "curl -u me:*** https://host/mysql"
	env := "HOME=/home/me DB_PASSWORD=*** EMPTY_TOKEN= URL=https://me:***@host/ LAST=x"
	tests := []struct{ field, want string }{
		{"proc.cmdline", "app " + app},
		{"proc.pcmdline", sh},
		{"proc.acmdline[2]", curl},
		{"proc.acmdline", sh + "<-" + curl},
		{"proc.args", app},
		{"proc.args[0]", "--password"},
		{"proc.args[1]", "***"},
		{"proc.args[3]", "--db-token=***"},
		{"proc.args[4]", "end"},
		{"proc.exeline", "app " + app},
		{"proc.env", env},
		{"proc.env[DB_PASSWORD]", "***"},
		{"proc.env[EMPTY_TOKEN]", ""},
		{"proc.env[URL]", "https://me:***@host/"},
		{"proc.env[HOME]", "/home/me"},
		{"evt.arg.args", app},
		{"evt.arg[env]", env},
		{"evt.arg[2]", app},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			ev, ref := secretEvent(), refTo(t, tt.field)
			r := newRule(t)
			r.Output = &rule.Template{Parts: []rule.Part{{Field: ref}}}
			a := newBuilder(t).New(ev, r, []Condition{{Field: tt.field, Value: ref.Get(ev).Any()}})
			if a.Output != tt.want {
				t.Errorf("output %q, want %q", a.Output, tt.want)
			}
			if diff := cmp.Diff(any(tt.want), a.OutputFields[tt.field]); diff != "" {
				t.Errorf("output field: -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(any(tt.want), a.Conditions[0].Value); diff != "" {
				t.Errorf("condition: -want +got:\n%s", diff)
			}
		})
	}
}

// TestNothingLeaks asks for every field of the catalogue.
func TestNothingLeaks(t *testing.T) {
	cat, b := field.New(field.Syscall()), newBuilder(t)
	for _, f := range cat.All() {
		for _, arg := range []string{"", "[0]", "[1]", "[2]", "[3]", "[args]", "[env]", "[DB_PASSWORD]", "[URL]"} {
			ev, ref := secretEvent(), refTo(t, f.Name+arg)
			if f.Arg == field.NoArg && ref.Arg.Given || f.Arg == field.RequiredKey && !ref.Arg.Given {
				continue
			}
			r := newRule(t)
			r.Output = &rule.Template{Parts: []rule.Part{{Field: ref}}}
			a := b.New(ev, r, []Condition{{Field: ref.Text, Value: ref.Get(ev).Any()}})
			if all := fmt.Sprint(*a); strings.Contains(all, "hunter2") || strings.Contains(all, "and more") {
				t.Errorf("%s: %s", ref.Text, all)
			}
		}
	}
}

// A condition with an ancestor that is not numbered has the one it was true for.
func TestConditionOfAnyAncestor(t *testing.T) {
	ev := secretEvent()
	a := newBuilder(t).New(ev, newRule(t), []Condition{{Field: "proc.acmdline", Value: ev.Image.Parent.Parent.CmdLine}})
	if got, want := a.Conditions[0].Value, "curl -u me:*** https://host/mysql"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Arguments beyond what is kept of the line are masked by those before them.
func TestArgumentBeyondTheLine(t *testing.T) {
	ev := secretEvent()
	long := strings.Repeat("x", 2*maxText)
	ev.Image.Argv = event.WordsOf("curl", long, "--password", "hunter2 and more", "-u", "me:hunter2", "end")
	ev.Image.Comm, ev.Image.CmdLine = "curl", ev.Image.Argv.Joined()
	for n, want := range []string{long[:maxText-64], "--password", "***", "-u", "me:***", "end"} {
		ref := refTo(t, fmt.Sprintf("proc.args[%d]", n))
		r := newRule(t)
		r.Output = &rule.Template{Parts: []rule.Part{{Field: ref}}}
		if got := newBuilder(t).New(ev, r, nil).Output; got != want && (n > 0 || !strings.HasPrefix(got, want) || len(got) > maxText+len(cutMark)) {
			t.Errorf("%s: %.80q, want %.80q", ref.Text, got, want)
		}
	}
}

// A rule's own text can say that a secret follows.
func TestOutputAsks(t *testing.T) {
	tests := []struct {
		before string
		want   bool
	}{
		{"password=", true}, {"x password = ", true}, {`{"token": "`, true}, {"token: ", true}, {"--token ", true},
		{"token ", false}, {"key=", false}, {"file=", false}, {"", false},
	}
	for _, tt := range tests {
		r := newRule(t)
		r.Output = &rule.Template{Parts: []rule.Part{{Text: tt.before}, {Field: refTo(t, "proc.name")}}}
		got := newBuilder(t).New(secretEvent(), r, nil).Output
		if hidden := strings.HasSuffix(got, masked); hidden != tt.want {
			t.Errorf("%q: output %q", tt.before, got)
		}
	}
}

// TestTransformed: what a transformer makes of a secret does not look like one any
// more, so that it is not shown at all; the rest is.
func TestTransformed(t *testing.T) {
	const file = `- rule: R
  desc: D
  condition: evt.type = execve and toupper(proc.cmdline) contains HUNTER and tolower(proc.name) = app
  output: a %toupper(proc.cmdline) b %concat(proc.name, "/", proc.pname) c %len(proc.cmdline) d %tolower(basename(proc.env[DB_PASSWORD]))
  priority: Info
`
	set, err := loader.Texts([]rule.File{{Name: "r.yaml", Text: file}}, field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	ev, r := secretEvent(), set.Rules[0]
	conditions := []Condition{
		{Field: "toupper(proc.cmdline)", Value: "APP --PASSWORD HUNTER2 AND MORE"},
		{Field: "concat(proc.name, evt.arg.args)", Value: "app-HUNTER2"},
		{Field: "tolower(proc.name)", Value: "app"},
	}
	a := newBuilder(t).New(ev, r, conditions)
	if got, want := a.Output, "a *** b app/sh c 66 d ***"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
	var values []any
	for _, c := range a.Conditions {
		values = append(values, c.Value)
	}
	if diff := cmp.Diff([]any{"***", "***", "app"}, values); diff != "" {
		t.Errorf("conditions: -want +got:\n%s", diff)
	}
	if all := strings.ToLower(fmt.Sprint(*a)); strings.Contains(all, "hunter2") {
		t.Error(all)
	}
}
