package ship

import "github.com/goshawk-security/goshawk/internal/alert"

// Rough sizes of what an alert has beside its strings.
const (
	sizeAlert     = 320
	sizeField     = 64
	sizeAncestor  = 88
	sizeCondition = 96
	sizeString    = 16
)

// size estimates how much memory an alert holds. It is near enough to the size
// of its JSON to bound a batch with.
func size(a *alert.Alert) int {
	n := sizeAlert + len(a.ID) + len(a.Output) + len(a.Priority) + len(a.Rule) + len(a.Source) +
		len(a.Hostname) + len(a.RuleFile) + len(a.Fingerprint)
	for _, t := range a.Tags {
		n += sizeString + len(t)
	}
	for k, v := range a.OutputFields {
		n += sizeField + len(k) + sizeValue(v)
	}
	for i := range a.Lineage {
		p := &a.Lineage[i]
		n += sizeAncestor + len(p.Name) + len(p.ExePath) + len(p.CmdLine)
	}
	for i := range a.Conditions {
		c := &a.Conditions[i]
		n += sizeCondition + len(c.Text) + len(c.Field) + sizeValue(c.Value)
	}
	return n
}

func sizeValue(v any) int {
	switch v := v.(type) {
	case string:
		return sizeString + len(v)
	case []string:
		n := 0
		for _, s := range v {
			n += sizeString + len(s)
		}
		return n
	}
	return sizeString
}
