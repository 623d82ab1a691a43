package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion names the group and the version of the objects.
var GroupVersion = schema.GroupVersion{Group: "goshawk.dev", Version: "v1alpha1"}

// The names of the resources.
const (
	RuleSets        = "rulesets"
	ClusterRuleSets = "clusterrulesets"
	AgentStatuses   = "agentstatuses"
)

// AddToScheme makes the objects known to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &RuleSet{}, &RuleSetList{}, &ClusterRuleSet{}, &ClusterRuleSetList{}, &AgentStatus{}, &AgentStatusList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
