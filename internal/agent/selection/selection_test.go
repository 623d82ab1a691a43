package selection

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/rule"
)

func enable(name, tag string) Selector  { return Selector{Enable: &Target{Rule: name, Tag: tag}} }
func disable(name, tag string) Selector { return Selector{Disable: &Target{Rule: name, Tag: tag}} }

func TestApply(t *testing.T) {
	tests := []struct {
		name      string
		selectors []Selector
		want      []string // enabled rules
		unused    []string
	}{
		{"none", nil, []string{"Shell in container", "Read shadow"}, nil},
		{"one off", []Selector{disable("Read shadow", "")}, []string{"Shell in container"}, nil},
		{"one on that the file switches off", []Selector{enable("Outbound connection", "")},
			[]string{"Shell in container", "Read shadow", "Outbound connection"}, nil},
		{"only one", []Selector{disable("*", ""), enable("Read shadow", "")}, []string{"Read shadow"}, nil},
		{"the later wins", []Selector{enable("Read shadow", ""), disable("*", "")}, nil, nil},
		{"by tag", []Selector{disable("*", ""), enable("", "network")}, []string{"Outbound connection"}, nil},
		{"name or tag", []Selector{disable("*", ""), enable("Read*", "network")},
			[]string{"Read shadow", "Outbound connection"}, nil},
		{"part of a name is no name", []Selector{disable("Read", "")},
			[]string{"Shell in container", "Read shadow"}, []string{`disable: {rule: "Read"}`}},
		{"tags have no patterns", []Selector{disable("", "net*")},
			[]string{"Shell in container", "Read shadow"}, []string{`disable: {tag: net*}`}},
		{"already so is not unused", []Selector{enable("Read shadow", "")},
			[]string{"Shell in container", "Read shadow"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := []*rule.Rule{
				{Name: "Shell in container", Enabled: true, Tags: []string{"shell"}},
				{Name: "Read shadow", Enabled: true},
				{Name: "Outbound connection", Tags: []string{"network", "mitre"}},
			}
			selected, unused := Apply(rules, tt.selectors)
			var got, left []string
			for _, r := range selected {
				if r.Enabled {
					got = append(got, r.Name)
				}
			}
			for _, s := range unused {
				left = append(left, s.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("enabled (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.unused, left); d != "" {
				t.Errorf("unused (-want +got):\n%s", d)
			}
			if !rules[0].Enabled || !rules[1].Enabled || rules[2].Enabled {
				t.Error("the rules given were changed")
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		s    Selector
		want string
	}{
		{"right", disable("*", ""), ""},
		{"nothing", Selector{}, "switches nothing: write enable or disable, for example disable: {tag: network}"},
		{"both", Selector{Enable: &Target{Tag: "a"}, Disable: &Target{Tag: "b"}}, "has enable and disable: write two entries, the later one wins"},
		{"no rules", disable("", ""), "disable: names no rules: write rule: NAME, in which * stands for any text, or tag: NAME"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.s.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false},
		{"*", "", true}, {"*", "anything", true}, {"**", "x", true},
		{"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abc", true}, {"a*c", "ac", true},
		{"a*a", "a", false}, {"ab*ba", "aba", false}, {"*b*", "abc", true}, {"*b*", "ac", false},
		{"a*b*c", "a-bb-c", true}, {"*ab*ab", "abab", true}, {"*ab*ab", "ab", false},
		{"a?", "ab", false}, {"[a]", "a", false}, {"[a]", "[a]", true},
	}
	for _, tt := range tests {
		if got := glob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("glob(%q, %q) = %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
}
