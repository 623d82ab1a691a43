package deploy

import (
	"testing"

	"github.com/goshawk-security/goshawk/internal/agent/config"
)

// TestManifests holds the plain manifests against Kubernetes' own schema, the rights
// that are promised, and the agent that reads the configuration in them.
func TestManifests(t *testing.T) {
	checkAll(t, plain(t), "")
}

func checkAll(t *testing.T, all []object, data string) {
	t.Helper()
	schema := newKinds(t)
	for _, o := range all {
		if !foreign(o) {
			schema.check(t, o)
		}
	}
	checkRights(t, all, data)
	checkSelectors(t, all)
	cfg := text(find(t, all, "ConfigMap/goshawk"), "data", "goshawk.yaml")
	if _, err := config.Parse("goshawk.yaml", []byte(cfg)); err != nil {
		t.Errorf("the agent refuses its configuration: %v\n%s", err, cfg)
	}
}

// checkSelectors wants every selector to take the pods that it is for.
func checkSelectors(t *testing.T, all []object) {
	t.Helper()
	for _, o := range all {
		if o.kind() != "DaemonSet" && o.kind() != "Deployment" {
			continue
		}
		labels := at(o, "spec", "template", "metadata", "labels")
		selector, _ := at(o, "spec", "selector", "matchLabels").(map[string]any)
		for key, want := range selector {
			if text(labels, key) != want {
				t.Errorf("%s: its pods have not the label %s=%v", o.id(), key, want)
			}
		}
		if len(selector) == 0 {
			t.Errorf("%s: no selector", o.id())
		}
	}
}
