package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RuleSet holds the rules of a namespace: they are true for events of its pods alone.
// They use the macros and lists that hold everywhere, or their own, and may except
// cases of the namespace from rules that hold everywhere.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=grs,categories=goshawk
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="InForce")].status`,description="Whether every node has the rules in force as they are written."
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodes`,description="Nodes that have them in force, of all."
// +kubebuilder:printcolumn:name="Rules",type=integer,JSONPath=`.status.rules`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type RuleSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RuleSetSpec   `json:"spec"`
	Status RuleSetStatus `json:"status,omitempty"`
}

// RuleSetSpec says what the rules are.
type RuleSetSpec struct {
	// Rules, macros and lists as in a rule file: a YAML list, as a block of text
	// (rules: |). docs/language.md has the language, docs/rulesets.md what a set of a
	// namespace can do.
	//
	// +kubebuilder:validation:MaxLength=262144
	Rules string `json:"rules"`
}

// RuleSetList is a list of rule sets.
//
// +kubebuilder:object:root=true
type RuleSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []RuleSet `json:"items"`
}

// ClusterRuleSet holds rules, macros and lists for every namespace and for what runs
// outside of pods. Sets are read in order, behind the agents' rule files, and each sees
// and may change what those before it say.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=gcrs,categories=goshawk
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="InForce")].status`,description="Whether every node has the rules in force as they are written."
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodes`,description="Nodes that have them in force, of all."
// +kubebuilder:printcolumn:name="Rules",type=integer,JSONPath=`.status.rules`
// +kubebuilder:printcolumn:name="Order",type=integer,JSONPath=`.spec.order`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ClusterRuleSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterRuleSetSpec `json:"spec"`
	Status RuleSetStatus      `json:"status,omitempty"`
}

// ClusterRuleSetSpec says what the rules are, and when they are read.
type ClusterRuleSetSpec struct {
	// Rules, macros and lists as in a rule file: a YAML list, as a block of text
	// (rules: |). docs/language.md has the language.
	//
	// +kubebuilder:validation:MaxLength=262144
	Rules string `json:"rules"`

	// Sets with a smaller number are read earlier, those with the same in the order of
	// their names.
	//
	// +optional
	Order int32 `json:"order,omitempty"`
}

// ClusterRuleSetList is a list of cluster rule sets.
//
// +kubebuilder:object:root=true
type ClusterRuleSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ClusterRuleSet `json:"items"`
}

// The conditions of a rule set.
const (
	// Accepted: the rules can be loaded, together with all others.
	Accepted = "Accepted"
	// InForce: every node has them in force as they are written.
	InForce = "InForce"
)

// RuleSetStatus says what became of a rule set. The controller writes it.
type RuleSetStatus struct {
	// Generation of the specification that the rest is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Rules that the set defines.
	// +optional
	Rules int32 `json:"rules"`
	// Rules of others that the set excepts cases of its namespace from.
	// +optional
	Narrowed int32 `json:"narrowed,omitempty"`
	// Nodes that have the set in force as it is written, of all: "4/5".
	// +optional
	Nodes string `json:"nodes,omitempty"`
	// +optional
	NodesReady int32 `json:"nodesReady"`
	// +optional
	NodesTotal int32 `json:"nodesTotal"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// What works but is probably not meant, with places in spec.rules: the first of it.
	// +optional
	// +listType=atomic
	Warnings []string `json:"warnings,omitempty"`
}

// AgentStatus says which rules the agent of a node has in force. Its name is the
// node's, and the agent alone writes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=agentstatuses,scope=Cluster,shortName=gas,categories=goshawk
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Rules",type=integer,JSONPath=`.status.rules`
// +kubebuilder:printcolumn:name="Refused",type=integer,JSONPath=`.status.refusedTotal`,description="Rule sets that the agent does not have in force as they are written."
// +kubebuilder:printcolumn:name="Heartbeat",type=date,JSONPath=`.status.heartbeat`
// +kubebuilder:printcolumn:name="Hash",type=string,JSONPath=`.status.rulesHash`,priority=1
type AgentStatus struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Status AgentStatusStatus `json:"status,omitempty"`
}

// AgentStatusStatus is what an agent says of itself.
type AgentStatusStatus struct {
	// Version of the agent.
	// +optional
	Version string `json:"version,omitempty"`
	// When the agent last wrote this: an agent that is alive does at least every five
	// minutes.
	// +optional
	Heartbeat metav1.Time `json:"heartbeat,omitempty"`
	// Hash of all rules in force. Agents with the same rules have the same.
	// +optional
	RulesHash string `json:"rulesHash,omitempty"`
	// Rules in force.
	// +optional
	Rules int32 `json:"rules"`
	// Why the agent could not load rules at all, so that it goes on with older ones.
	// +optional
	Error string `json:"error,omitempty"`
	// The generation of each rule set that is in force, by its place:
	// ruleset/NAMESPACE/NAME or clusterruleset/NAME.
	// +optional
	// +mapType=atomic
	InForce map[string]int64 `json:"inForce,omitempty"`
	// Rule sets that are not in force as they are written: the first of them.
	// +optional
	// +listType=atomic
	Refused []Refusal `json:"refused,omitempty"`
	// How many there are.
	// +optional
	RefusedTotal int32 `json:"refusedTotal"`
}

// Refusal says why a rule set is not in force as it is written.
type Refusal struct {
	// The set's place: ruleset/NAMESPACE/NAME or clusterruleset/NAME.
	Set string `json:"set"`
	// The generation that was refused. An older one may be in force.
	Generation int64 `json:"generation"`
	// The first mistake.
	Message string `json:"message"`
}

// AgentStatusList is a list of agents' statuses.
//
// +kubebuilder:object:root=true
type AgentStatusList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AgentStatus `json:"items"`
}
