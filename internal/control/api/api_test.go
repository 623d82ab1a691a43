package api

import (
	"os"
	"path/filepath"
	"testing"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// The definitions that are deployed are those of the types, and people's manifests
// are read under the same names.
func TestNames(t *testing.T) {
	if GroupVersion.Group != loader.Group {
		t.Errorf("the loader reads manifests of group %s", loader.Group)
	}
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{loader.KindRuleSet: RuleSets, loader.KindClusterRuleSet: ClusterRuleSets, "AgentStatus": AgentStatuses}
	for kind, plural := range kinds {
		if !scheme.Recognizes(GroupVersion.WithKind(kind)) {
			t.Errorf("the scheme does not know %s", kind)
		}
		text, err := os.ReadFile(filepath.Join("../../../deploy/crds", GroupVersion.Group+"_"+plural+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensions.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &crd); err != nil {
			t.Fatal(err)
		}
		v := crd.Spec.Versions[0]
		if crd.Spec.Names.Kind != kind || v.Name != GroupVersion.Version || len(v.AdditionalPrinterColumns) < 4 {
			t.Errorf("%s: %s %s", plural, crd.Spec.Names.Kind, v.Name)
		}
		// A status that users could write would be believed; an agent writes its own whole.
		if own := kind == "AgentStatus"; (v.Subresources == nil || v.Subresources.Status == nil) != own {
			t.Errorf("%s: status subresource", plural)
		}
	}
}
