package attack

import (
	"regexp"
	"slices"
	"strings"
)

// Version is that of the table of tactics.
const Version = "18.1"

// Tactic is a column of the matrix: what an attacker is after.
type Tactic struct {
	ID   string // TA0006
	Tag  string // mitre_credential_access
	Name string // Credential Access
}

// Tactics returns all tactics in the order of the matrix. It is the caller's.
func Tactics() []Tactic {
	return []Tactic{
		{"TA0043", "mitre_reconnaissance", "Reconnaissance"},
		{"TA0042", "mitre_resource_development", "Resource Development"},
		{"TA0001", "mitre_initial_access", "Initial Access"},
		{"TA0002", "mitre_execution", "Execution"},
		{"TA0003", "mitre_persistence", "Persistence"},
		{"TA0004", "mitre_privilege_escalation", "Privilege Escalation"},
		{"TA0005", "mitre_defense_evasion", "Defense Evasion"},
		{"TA0006", "mitre_credential_access", "Credential Access"},
		{"TA0007", "mitre_discovery", "Discovery"},
		{"TA0008", "mitre_lateral_movement", "Lateral Movement"},
		{"TA0009", "mitre_collection", "Collection"},
		{"TA0011", "mitre_command_and_control", "Command and Control"},
		{"TA0010", "mitre_exfiltration", "Exfiltration"},
		{"TA0040", "mitre_impact", "Impact"},
	}
}

var technique = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

// TacticsOf returns the tactics that tags name, in the order of the matrix.
func TacticsOf(tags []string) []Tactic {
	return slices.DeleteFunc(Tactics(), func(t Tactic) bool {
		return !slices.ContainsFunc(tags, func(tag string) bool {
			return tag == t.ID || strings.EqualFold(tag, t.Tag)
		})
	})
}

// TechniquesOf returns the ids of techniques among tags, in their order.
func TechniquesOf(tags []string) []string {
	var ids []string
	for _, tag := range tags {
		if technique.MatchString(tag) && !slices.Contains(ids, tag) {
			ids = append(ids, tag)
		}
	}
	return ids
}
