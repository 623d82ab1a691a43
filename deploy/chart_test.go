package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const chart = "helm/goshawk"

// noHelm says why there is no helm, once. The script looks for it.
var noHelm = sync.OnceValue(func() string {
	out, err := exec.Command("helm/run", "version").CombinedOutput()
	if err != nil {
		return string(out)
	}
	return ""
})

// helm renders the chart, or says why it cannot be.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if why := noHelm(); why != "" {
		t.Skipf("no helm: %s", why)
	}
	args = append([]string{"template", "goshawk", chart, "--namespace", "goshawk", "--kube-version", "1.34.0"}, args...)
	cmd := exec.Command("helm/run", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.String(), err
	}
	return string(out), nil
}

// TestChart renders the chart in the ways that change what the pods are.
func TestChart(t *testing.T) {
	tests := []struct {
		name string
		args []string
		data string // a directory of the node that may be written to
		want []string
	}{
		{name: "defaults"},
		{name: "splunk", args: []string{"-f", chart + "/examples/values-splunk.yaml"},
			want: []string{"secretName: \"splunk-hec\"", "port: 8088", "cidr: 203.0.113.0/24"}},
		{name: "old kernels", args: []string{"--set", "agent.kernelsBefore511=true"}, want: []string{`"SYS_RESOURCE"]`}},
		{name: "DNS", args: []string{"--set", "agent.dnsNames=true"}, want: []string{`"DAC_READ_SEARCH","NET_ADMIN"]`}},
		{name: "old Kubernetes", args: []string{"--kube-version", "1.27.0"}, want: []string{"container.apparmor.security.beta.kubernetes.io/agent: unconfined"}},
		{name: "one controller", args: []string{"--set", "controller.replicas=1,controller.failurePolicy=Ignore"}, want: []string{"failurePolicy: Ignore"}},
		{name: "no controller", args: []string{"--set", "controller.enabled=false,networkPolicy.enabled=false"}, want: []string{"kind: CustomResourceDefinition"}},
		{name: "no rule sets", args: []string{"--set", "ruleSets.enabled=false"}, want: []string{"ruleSets: false"}},
		{name: "no API", args: []string{"--set", "kubernetes.enabled=false"}, want: []string{"automountServiceAccountToken: false"}},
		{name: "data", args: []string{"--set", "agent.dataPath=/var/lib/goshawk"}, data: "/var/lib/goshawk", want: []string{"mountPath: /var/lib/goshawk"}},
		{name: "rules", args: []string{"--set", "rules.shipped=false,rules.configMaps={team.rules}", "--set-file", "rules.files.a\\.yaml=../rules/persistence.yaml"},
			want: []string{"- /etc/goshawk/rules/values\n    - /etc/goshawk/rules/configmaps/team.rules\n", "--rules=/etc/goshawk/rules/configmaps/team.rules"}},
		{name: "monitor", args: []string{"--set", "podMonitor.enabled=true", "--api-versions", "monitoring.coreos.com/v1/PodMonitor"}, want: []string{"kind: PodMonitor"}},
		{name: "quota", args: []string{"--set", "criticalPodsQuota.create=true"}, want: []string{"values: [system-node-critical]"}},
		{name: "numbers", args: []string{"--set", "config.limits.processes=1000000"}, want: []string{"processes: 1000000\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := helm(t, tt.args...)
			if err != nil {
				t.Fatal(out)
			}
			checkAll(t, parse(t, []byte(out)), tt.data)
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// TestChartRefuses gives values that are wrong.
func TestChartRefuses(t *testing.T) {
	tests := []struct{ set, want string }{
		{"agent.privileged=true", "'/agent': additional properties 'privileged' not allowed"},
		{"agent.capabilities={BPF,PERFMON,SYS_ADMIN}", "'/agent/capabilities/2': value must be one of"},
		{"config.limit.processes=4096", "'/config': additional properties 'limit' not allowed"},
		{"config.http.address=0.0.0.0:1", "'/config': additional properties 'http' not allowed"},
		{"config.buffers.events=lots", "'/config/buffers/events'"},
		{"rules.shipped=false", "the agent would not start"},
		{"podMonitor.enabled=true", "this cluster knows no PodMonitor"},
	}
	for _, tt := range tests {
		out, err := helm(t, "--set", tt.set)
		if err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("--set %s: %v, no %q in\n%s", tt.set, err, tt.want, out)
		}
	}
}

// TestManifestsCurrent renders the plain manifests again.
func TestManifestsCurrent(t *testing.T) {
	if _, err := helm(t); err != nil {
		t.Fatal("the chart cannot be rendered")
	}
	dir := t.TempDir()
	if out, err := exec.Command("manifests/make", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing was made: %v", err)
	}
	for _, made := range files {
		if diff := cmp.Diff(lines(t, filepath.Join("manifests", filepath.Base(made))), lines(t, made)); diff != "" {
			t.Errorf("%s is not what the chart makes: run make manifests (-is +would be):\n%s", filepath.Base(made), diff)
		}
	}
}

// TestDefinitions holds the chart's copies of the definitions against those that are
// made from the code.
func TestDefinitions(t *testing.T) {
	files, err := filepath.Glob("crds/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	copies, err := filepath.Glob(chart + "/files/crds/*.yaml")
	if err != nil || len(copies) != len(files) {
		t.Errorf("the chart has %d definitions of %d (%v): make manifests", len(copies), len(files), err)
	}
	for _, file := range files {
		if diff := cmp.Diff(lines(t, file), lines(t, filepath.Join(chart, "files/crds", filepath.Base(file)))); diff != "" {
			t.Errorf("%s is not the chart's: run make manifests (-is +chart's):\n%s", file, diff)
		}
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	return strings.Split(read(t, path), "\n")
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestValues holds values.yaml and the examples against the schema, and the schema
// against values.yaml: each key has a default, and each default a key.
func TestValues(t *testing.T) {
	raw := read(t, chart+"/values.schema.json")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("values.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("values.json")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(chart + "/examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range append(examples, chart+"/values.yaml") {
		if err := schema.Validate(values(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	compareKeys(t, "", at(doc, "properties"), values(t, chart+"/values.yaml"))
}

func values(t *testing.T, file string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(read(t, file)), &v); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, v)
}

// ours are keys whose values are of another kind of thing: the agent's configuration,
// what Kubernetes defines, and what has no default.
var ours = []string{"config", "global", "rules.files", "agent.resources", "agent.nodeSelector", "agent.seccompProfile",
	"agent.appArmorProfile", "agent.seLinuxOptions", "agent.updateStrategy", "controller.resources", "controller.nodeSelector"}

func compareKeys(t *testing.T, path string, properties, defaults any) {
	t.Helper()
	props, _ := properties.(map[string]any)
	for key, property := range props {
		full := strings.TrimPrefix(path+"."+key, ".")
		if slices.Contains(ours, full) {
			continue
		}
		value, ok := defaults.(map[string]any)[key]
		if !ok {
			t.Errorf("values.yaml has no %s", full)
		} else if inner := at(property, "properties"); inner != nil {
			compareKeys(t, full, inner, value)
		}
	}
}

// chartOwned are keys of the configuration that the chart writes itself.
var chartOwned = []string{"apiVersion", "rules", "http.address", "node.proc", "node.cgroup", "node.root", "runtime.enabled",
	"kubernetes.enabled", "kubernetes.kubeconfig", "kubernetes.peers", "kubernetes.ruleSets", "kubernetes.ruleSetFile"}

// TestConfigKeys holds the schema of `config` against the manual of the agent, which
// its own tests hold against the code.
func TestConfigKeys(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(read(t, chart+"/values.schema.json")), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	collect(doc, at(doc, "properties", "config"), "", got)
	want := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `([a-zA-Z.\\[\\]]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(read(t, "../docs/configuration.md"), -1) {
		want[strings.ReplaceAll(m[1], "[]", "")] = true
	}
	for _, key := range chartOwned {
		if !want[key] {
			t.Errorf("the agent has no key %s any more", key)
		}
		delete(want, key)
	}
	for _, key := range []string{"ruleSelection", "destinations"} { // rows of their own, for the whole list
		delete(want, key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys of the configuration (-docs/configuration.md +values.schema.json):\n%s", diff)
	}
}

// collect adds the paths of the leaves of a schema.
func collect(doc, schema any, path string, into map[string]bool) {
	if ref := text(schema, "$ref"); ref != "" {
		schema = at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	if items := at(schema, "items"); items != nil {
		if at(items, "properties") != nil {
			collect(doc, items, path, into)
			return
		}
	}
	alternatives := []any{schema}
	if at(schema, "properties") == nil {
		alternatives = list(schema, "oneOf")
	}
	leaf := true
	for _, one := range alternatives {
		properties, _ := at(one, "properties").(map[string]any)
		for key, property := range properties {
			leaf = false
			collect(doc, property, strings.TrimPrefix(path+"."+key, "."), into)
		}
	}
	if leaf {
		into[path] = true
	}
}

// TestControllerReadsAgentsRules: the controller checks sets with the rules that the
// agents have, so every directory that it is told must be mounted.
func TestControllerReadsAgentsRules(t *testing.T) {
	out, err := helm(t, "--set", "controller.enabled=true")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := 0
	for _, o := range parse(t, []byte(out)) {
		if o.kind() != "Deployment" {
			continue
		}
		yaml := fmt.Sprint(o)
		for _, dir := range regexp.MustCompile(`--rules=(/etc/\S+?)[\s\]]`).FindAllStringSubmatch(yaml, -1) {
			if found++; !strings.Contains(yaml, "mountPath:"+dir[1]) {
				t.Errorf("%s is not mounted", dir[1])
			}
		}
	}
	if found == 0 {
		t.Error("the controller is told no directory")
	}
}
