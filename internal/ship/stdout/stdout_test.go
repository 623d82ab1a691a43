package stdout_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/alert"
	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
	"github.com/goshawk-security/goshawk/internal/ship/stdout"
)

// pipe is standard output as far as the sink can see: it takes limit bytes and
// then fails; a negative limit means no limit.
type pipe struct {
	bytes.Buffer
	limit int
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.limit < 0 || len(b) <= p.limit {
		if p.limit >= 0 {
			p.limit -= len(b)
		}
		return p.Buffer.Write(b)
	}
	n, _ := p.Buffer.Write(b[:p.limit])
	p.limit = 0
	return n, errors.New("pipe is broken")
}

func TestContract(t *testing.T) {
	textID := regexp.MustCompile(`alert=(\S+)`)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			sinktest.Run(t, func(*testing.T) sinktest.Subject {
				p := &pipe{limit: -1}
				return sinktest.Subject{
					Sink: stdout.New(stdout.Config{Format: format}, p),
					Received: func(t *testing.T) []string {
						if format == "json" {
							return jsonIDs(t, p.String())
						}
						var ids []string
						for _, m := range textID.FindAllStringSubmatch(p.String(), -1) {
							ids = append(ids, m[1])
						}
						return ids
					},
					Break: func(*testing.T) { p.limit = 0 },
					Mend:  func(*testing.T) { p.limit = -1 },
				}
			})
		})
	}
}

func jsonIDs(t *testing.T, out string) []string {
	t.Helper()
	var ids []string
	for line := range strings.Lines(out) {
		var a alert.Alert
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

// A write that is cut in the middle of a line: the whole lines count, the rest
// comes again on lines of its own.
func TestShortWrite(t *testing.T) {
	batch := sinktest.Alerts("a", 3)
	first, err := json.Marshal(batch[0])
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{limit: len(first) + 20}
	s := stdout.New(stdout.Config{Format: "json"}, p)
	res := outcome.Of(s.Send(t.Context(), batch), 3)
	if res == nil || !cmp.Equal(res.Retry, []int{1, 2}) {
		t.Fatalf("Send: %+v, want alerts 1 and 2 again", res)
	}
	p.limit = -1
	if err := s.Send(t.Context(), batch[1:]); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(p.String(), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4:\n%s", len(lines), p.String())
	}
	whole := lines[0] + "\n" + lines[2] + "\n" + lines[3]
	if diff := cmp.Diff([]string{"a-0", "a-1", "a-2"}, jsonIDs(t, whole)); diff != "" {
		t.Errorf("whole lines (-want +got):\n%s", diff)
	}
}

func TestText(t *testing.T) {
	a := sinktest.Alerts("a", 1)[0]
	var b bytes.Buffer
	if err := stdout.New(stdout.Config{}, &b).Send(t.Context(), []*alert.Alert{a}); err != nil {
		t.Fatal(err)
	}
	if want := a.Text() + "\n"; b.String() != want {
		t.Errorf("got %q\nwant %q", b.String(), want)
	}
}

// Colour on a real terminal, and nowhere else.
func TestColour(t *testing.T) {
	a := sinktest.Alerts("a", 1)[0]
	clock := a.Time.Local().Format("15:04:05.000000000")
	coloured := fmt.Sprintf("%s: \x1b[33mWarning\x1b[0m %s\r\n\x1b[2m    sh(102) ← nginx(88)\x1b[0m\r\n", clock, a.Output)
	plain := strings.ReplaceAll(a.Text(), "\n", "\r\n") + "\r\n"
	for _, tt := range []struct {
		name, noColour, term, format, want string
	}{
		{"terminal", "", "xterm", "text", coloured},
		{"NO_COLOR", "1", "xterm", "text", plain},
		{"dumb terminal", "", "dumb", "text", plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColour)
			t.Setenv("TERM", tt.term)
			master, slave := openTerminal(t)
			if err := stdout.New(stdout.Config{Format: tt.format}, slave).Send(t.Context(), []*alert.Alert{a}); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(tt.want))
			if _, err := io.ReadFull(master, got); err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a pseudo terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the pseudo terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("ask for the pseudo terminal's name: %v", err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open the pseudo terminal's other end: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct{ format, want string }{
		{"", ""}, {"text", ""}, {"json", ""},
		{"xml", `format: unknown format "xml": use text or json`},
	} {
		got := ""
		if err := (&stdout.Config{Format: tt.format}).Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("format %q: %q, want %q", tt.format, got, tt.want)
		}
	}
}

// A reader that leaves blocks the sink and says so; it is no error to try later.
func TestReaderLeaves(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := stdout.New(stdout.Config{}, w)
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("b", 2)), 2)
		if res == nil || !res.Blocked || !res.Gone || len(res.Retry) != 2 || res.After <= 0 {
			t.Fatalf("Send without a reader: %+v, want it blocked and all again", res)
		}
		if want := "nobody reads standard output any more: broken pipe"; res.Error() != want {
			t.Errorf("error is %q, want %q", res, want)
		}
	}
}
