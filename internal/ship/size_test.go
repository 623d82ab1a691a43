package ship

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
)

func jsonLength(t testing.TB, v any) int {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Len() - 1 // without the newline
}

// FuzzText: the length of a string in JSON is what encoding/json writes.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "sh -c id", "\x00\x1b[31m\x7f", "a\"b\\c\n\r\t\b\f", "é\u2028\u2029\ufffd", "\xff\xc3", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := text(s), jsonLength(t, s)-2; got != want {
			t.Errorf("text(%q) is %d, want %d", s, got, want)
		}
	})
}

// A batch that is bounded by size must not be larger than that as JSON, whatever
// a watched program writes into its command line.
func TestSizeBoundsJSON(t *testing.T) {
	for _, word := range []string{"x", "\x01", "é", "\xff", "\"", "\u2028"} {
		for _, n := range []int{0, 10, 500} {
			t.Run(fmt.Sprintf("%q times %d", word, n), func(t *testing.T) {
				s := strings.Repeat(word, n)
				at := time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC)
				a := &alert.Alert{
					ID: strings.Repeat("0", 32), Output: s, Priority: "Informational", Rule: s, Source: "syscall", Time: at,
					Tags: []string{"T1059", s}, Hostname: "node-1", RuleFile: "rules/shell.yaml:3", Fingerprint: strings.Repeat("f", 32),
					OutputFields: map[string]any{"proc.cmdline": s, "proc.args": []string{s, s}, "proc.pid": int64(1) << 62, "fd.name": nil},
				}
				for range 30 {
					a.Lineage = append(a.Lineage, alert.Ancestor{PID: 1 << 22, Name: s, ExePath: s, CmdLine: s, UID: 1 << 31, Start: at})
					a.Conditions = append(a.Conditions, alert.Condition{Text: s, Field: "proc.cmdline", Value: s, Name: "resolved"})
				}
				if got, want := size(a), jsonLength(t, a); got < want || got > 2*want {
					t.Errorf("size is %d for %d bytes of JSON", got, want)
				}
			})
		}
	}
}
