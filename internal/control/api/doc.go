// Package api has the objects of the Kubernetes API by which rules come to a cluster
// and by which agents say what became of them: group goshawk.dev, version v1alpha1.
//
// [RuleSet] holds the rules of a namespace, [ClusterRuleSet] rules that hold
// everywhere; people write their specification and the controller their status.
// [AgentStatus] is written by the agent of a node alone. Fields are added and never
// change their meaning; deploy/crds is made from this package.
//
// +kubebuilder:object:generate=true
// +groupName=goshawk.dev
// +versionName=v1alpha1
package api

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.19.0 object crd paths=. output:crd:dir=../../../deploy/crds
