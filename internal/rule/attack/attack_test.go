package attack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTags(t *testing.T) {
	tests := []struct {
		name       string
		tags       []string
		tactics    []string
		techniques []string
	}{
		{"none", nil, nil, nil},
		{"by name", []string{"host", "mitre_persistence", "T1053.003"}, []string{"TA0003"}, []string{"T1053.003"}},
		{"by id", []string{"TA0006", "TA0001"}, []string{"TA0001", "TA0006"}, nil},
		{"both say the same", []string{"TA0002", "mitre_execution", "T1059", "T1059"}, []string{"TA0002"}, []string{"T1059"}},
		{"capitals", []string{"MITRE_Execution"}, []string{"TA0002"}, nil},
		{"no technique", []string{"T10", "T1059.4", "xT1059", "T10590"}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ids []string
			for _, tactic := range TacticsOf(tt.tags) {
				ids = append(ids, tactic.ID)
			}
			if diff := cmp.Diff(tt.tactics, ids); diff != "" {
				t.Error("tactics", diff)
			}
			if diff := cmp.Diff(tt.techniques, TechniquesOf(tt.tags)); diff != "" {
				t.Error("techniques", diff)
			}
		})
	}
}
