package loader

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goshawk-security/goshawk/internal/rule"
)

// repeat joins n texts.
func repeat(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

// hostileRule are the keys that a rule needs, but for its condition.
const hostileRule = "  desc: D\n  output: O\n  priority: Info\n"

// oneRule needs a macro m; longCondition is its condition, made long.
var (
	oneRule       = withCondition("evt.type = open and m")
	longCondition = "evt.type = open and (" + strings.Repeat("proc.name = x or ", 20_000) + "m)"
)

// hostileFile is made to cost much.
type hostileFile struct {
	name, text string
	want       string // in the first error; "" for none
}

// hostileFiles are those that define much.
var hostileFiles = []hostileFile{
	{"macros that double", "- macro: m0\n  condition: evt.type = open\n" +
		repeat(200, func(i int) string { return fmt.Sprintf("- macro: m%d\n  condition: m%d or not m%d\n", i+1, i, i) }) +
		withCondition("m200"), ""},
	{"lists that double", "- list: l0\n  items: [a]\n" +
		repeat(200, func(i int) string { return fmt.Sprintf("- list: l%d\n  items: [l%d, l%d, x%d]\n", i+1, i, i, i) }) +
		withCondition("evt.type = open and proc.name in (l200, l199)"), ""},
	{"lists that grow", "- list: l0\n  items: [" + strings.Repeat("a, ", 20_000) + "a]\n" +
		repeat(60, func(i int) string {
			return fmt.Sprintf("- list: l%d\n  items: [l%d, %s]\n", i+1, i, repeat(500, func(j int) string { return fmt.Sprintf("x%d_%d,", i, j) }))
		}), "lists stand for more than 500000 values"},
	{"long chain of macros", "- macro: m0\n  condition: evt.type = open\n" +
		repeat(5_000, func(i int) string { return fmt.Sprintf("- macro: m%d\n  condition: m%d\n", i+1, i) }) + withCondition("m5000"),
		"macros are nested more than 250 deep"},
	{"long chain of lists", "- list: l0\n  items: [a]\n" +
		repeat(5_000, func(i int) string { return fmt.Sprintf("- list: l%d\n  items: [l%d]\n", i+1, i) }),
		"lists are nested more than 250 deep"},
	{"alias bomb", "- list: l\n  items: &a0 [x, y]\n" +
		repeat(60, func(i int) string { return fmt.Sprintf("- list: l%d\n  items: &a%d [*a%d, *a%d]\n", i, i+1, i, i) }),
		"items must be a list of texts"},
	{"one long text named often", "- macro: m\n  condition: &c " + strings.Replace(longCondition, "m)", "evt.failed = true)", 1) + "\n" +
		repeat(5_000, func(i int) string { return fmt.Sprintf("- macro: m%d\n  condition: *c\n", i) }),
		"the aliases of this file stand for too much text"},
	{"one long list named often", "- list: m\n  items: &c [" + strings.Repeat("a, ", 20_000) + "a]\n" +
		repeat(1_000, func(i int) string { return fmt.Sprintf("- list: m%d\n  items: *c\n", i) }),
		"the aliases of this file stand for too much text"},
	{"one list in many conditions", "- macro: m\n  condition: evt.failed = true\n- list: l\n  items: [" + repeat(20_000, func(i int) string { return fmt.Sprintf("a%d,", i) }) + "]\n" +
		repeat(3_000, func(i int) string {
			return fmt.Sprintf("- rule: R%d\n  condition: evt.type = open and proc.name in (l)\n%s", i, hostileRule)
		}), ""},
	{"one list beside a value in many conditions", "- list: l\n  items: [" + repeat(20_000, func(i int) string { return fmt.Sprintf("a%d,", i) }) + "]\n" +
		repeat(3_000, func(i int) string {
			return fmt.Sprintf("- rule: R%d\n  condition: evt.type = open and proc.name in (l, x)\n%s", i, hostileRule)
		}), "lists stand for more than 500000 values"},
	{"all on one line", "[" + repeat(5_000, func(i int) string {
		return fmt.Sprintf("{macro: m%d, condition: 'evt.type = open and proc.name = \"é\"'},", i)
	}) + "]", ""},
	{"unknown names", repeat(2_000, func(i int) string { return fmt.Sprintf("- macro: known_%d\n  condition: evt.type = open\n", i) }) +
		repeat(2_000, func(i int) string {
			return fmt.Sprintf("- rule: R%d\n  condition: evt.type = open and unknwon_%d and proc.nam_%d = x\n%s", i, i, i, hostileRule)
		}), "unknown macro"},
	{"a long condition", strings.Replace(oneRule, "m\n", longCondition+"\n", 1) + "- macro: m\n  condition: evt.failed = true\n", ""},
	{"many parentheses", withCondition(strings.Repeat("(", 1_000_000)), "nested more than 250 deep"},
	{"many brackets", strings.Repeat("[", 1_000_000), "exceeded max depth"},
	{"many blocks", strings.Repeat("- ", 500_000), "exceeded max depth"},
	{"many documents", strings.Repeat("---\n", 20_000), ""},
	{"many anchors", "- list: l\n  items: [" + repeat(10_000, func(i int) string { return fmt.Sprintf("&a%d x%d,", i, i) }) + "]\n", ""},
	{"many comments", strings.Repeat("# c\n", 200_000) + oneRule + "- macro: m\n  condition: evt.failed = true\n", ""},
	{"a long name", "- macro: " + strings.Repeat("m", 200_000) + "\n  condition: " + strings.Repeat("n", 200_000) + "\n", ""},
	{"escapes", "- macro: m\n  condition: \"" + strings.Repeat(`\x20\t`, 200_000) + "evt.type = open\"\n", ""},
	{"percent signs", "- rule: R\n  desc: D\n  priority: Info\n  condition: evt.type = open\n  output: '" + strings.Repeat("%", 300_001) + "'\n", "output has a % without a field"},
	{"brackets in an output", "- rule: R\n  desc: D\n  priority: Info\n  condition: evt.type = open\n  output: '" + strings.Repeat("%evt.arg[x", 20_000) + "'\n", "needs an argument"},
}

// TestHostile: what is made to cost much costs little. The limits are far above
// what is needed, so that a busy machine passes, and far below what a product of
// two lengths would take.
func TestHostile(t *testing.T) {
	for _, tt := range slices.Concat(hostileFiles, hostileChanges) {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := cpuTime(t)
			_, err := loadTexts(tt.text)
			took := cpuTime(t) - start
			runtime.ReadMemStats(&after)
			first := ""
			if all := rule.Errors(err); len(all) > 0 {
				first = all[0].Error()
			}
			if tt.want == "" && err != nil || !strings.Contains(first, tt.want) {
				t.Errorf("got %.300s, want %s", first, tt.want)
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d KiB took %v and %d MiB", len(tt.text)>>10, took.Round(time.Millisecond), allocated)
			// Far above what it takes, and below what is not linear: time of the
			// processor, since the machine may be busy with other things.
			if took > 60*time.Second {
				t.Errorf("took %v", took)
			}
			if allocated > 1500 {
				t.Errorf("allocated %d MiB", allocated)
			}
		})
	}
}

// cpuTime is what the process used of the processors.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
