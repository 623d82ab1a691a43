package loader

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// BenchmarkLoad loads files of the size and shape that people write.
func BenchmarkLoad(b *testing.B) {
	for _, rules := range []int{50, 500} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			text := ruleFile(rules)
			fsys := fstest.MapFS{"a.yaml": {Data: []byte(text)}}
			cat := catalogue()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				set, err := FS(fsys, "a.yaml", cat)
				if err != nil || len(set.Rules) != rules || len(set.Rules[0].Types) == 0 {
					b.Fatalf("loaded %d rules: %v", len(set.Rules), err)
				}
			}
		})
	}
}

// ruleFile writes a file with n rules, and as many macros and lists.
func ruleFile(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "- list: programs_%d\n  items: [%s]\n\n", i, strings.Repeat(fmt.Sprintf("program-%d, ", i), 10)+"other")
		fmt.Fprintf(&b, "- macro: writes_%d\n  condition: >\n    (evt.type in (open, openat, openat2) and evt.is_open_write = true\n    and fd.name startswith /etc/%d)\n\n", i, i)
		fmt.Fprintf(&b, "- rule: Rule %d\n  desc: >\n    What the rule is about, in a sentence or two.\n  condition: >\n"+
			"    writes_%d and not proc.name in (programs_%d)\n    and not (proc.aname[2] = \"sshd\" or proc.env[HOME] startswith /root)\n"+
			"    and proc.duration < 5s\n  output: A file was written (file=%%fd.name by=%%proc.name parent=%%proc.aname[1])\n"+
			"  priority: WARNING\n  tags: [host, container, T1543]\n\n", i, i, i)
	}
	return b.String()
}

// BenchmarkSources loads the rule sets of many namespaces.
func BenchmarkSources(b *testing.B) {
	for _, sets := range []int{100, 1000} {
		b.Run(fmt.Sprintf("sets=%d", sets), func(b *testing.B) {
			files := fstest.MapFS{"a.yaml": {Data: []byte(ruleFile(60))}}
			var sources []Source
			for i := range sets {
				sources = append(sources, Source{Namespace: fmt.Sprintf("team-%d", i), Name: "rules", Text: tenantFile(5)})
			}
			cat := catalogue()
			b.ReportAllocs()
			for b.Loop() {
				set, results, err := Load(Config{Shipped: files, Sources: sources, Catalogue: cat})
				if err != nil || len(set.Rules) != 60+5*sets || results[0].Narrowed != 1 {
					b.Fatalf("loaded %d rules: %v", len(set.Rules), err)
				}
			}
		})
	}
}

// tenantFile writes a file with n rules, and exceptions for one that holds everywhere.
func tenantFile(n int) string {
	var b strings.Builder
	b.WriteString("- macro: ours\n  condition: proc.name in (java, node)\n")
	for i := range n {
		fmt.Fprintf(&b, "- rule: Ours %d\n  desc: D\n  condition: evt.type = open and ours and fd.name startswith /srv/%d\n  output: O %%fd.name\n  priority: Notice\n", i, i)
	}
	b.WriteString("- rule: Rule 1\n  exceptions:\n    - name: ours\n      fields: [proc.name, fd.name]\n      values: [[java, /etc/1/a], [node, /etc/1/b]]\n  override: {exceptions: append}\n")
	return b.String()
}
