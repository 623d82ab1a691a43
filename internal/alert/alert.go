package alert

import "time"

// Alert is one report. The field order is the order of its JSON.
type Alert struct {
	// Falco's keys.
	ID           string         `json:"id"`      // the same over retries: hash of boot id, CPU, sequence number and rule
	Output       string         `json:"message"` // the rule's output; MarshalJSON adds Falco's form of it
	Priority     string         `json:"priority"`
	Rule         string         `json:"rule"`
	Source       string         `json:"source"`
	Tags         []string       `json:"tags"`
	Time         time.Time      `json:"time"` // UTC, ns
	Hostname     string         `json:"hostname"`
	OutputFields map[string]any `json:"output_fields"`

	// Goshawk's keys.
	Description string      `json:"description,omitempty"` // the rule's desc, in one line
	RuleFile    string      `json:"rule_file,omitempty"`   // file:line
	Fingerprint string      `json:"fingerprint"`
	Lineage     []Ancestor  `json:"lineage"`
	Container   *Container  `json:"container,omitempty"`  // nil on the host
	Kubernetes  *Kubernetes `json:"kubernetes,omitempty"` // nil outside of pods
	Peer        *Peer       `json:"peer,omitempty"`       // nil without a connection
	Conditions  []Condition `json:"conditions"`

	// Enrichment is partial if metadata did not come in time: what should have told it
	// is in EnrichmentMissing (bundle, runtime, pod, owners, peer). Otherwise it is empty.
	Enrichment        string   `json:"enrichment,omitempty"`
	EnrichmentMissing []string `json:"enrichment_missing,omitempty"`
}

// Ancestor is one process of the lineage, the triggering one first, as it was
// when it made the next.
type Ancestor struct {
	PID     uint32    `json:"pid"`
	Name    string    `json:"name"`
	ExePath string    `json:"exepath,omitempty"`
	CmdLine string    `json:"cmdline,omitempty"`
	UID     uint32    `json:"uid"`
	Start   time.Time `json:"start"`
}

// Condition is one comparison of the rule that was true, with the value it saw.
type Condition struct {
	Text  string `json:"condition"` // as the rule author wrote it
	Field string `json:"field"`
	Value any    `json:"value"` // as in output_fields
	// Name says with which name of the file the rule fired: resolved, origin or
	// given. Empty for conditions that do not depend on it.
	Name string `json:"name,omitempty"`
}
