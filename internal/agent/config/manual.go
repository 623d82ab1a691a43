package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goshawk-security/goshawk/internal/ship"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// keyDoc describes one key of the configuration file.
type keyDoc struct {
	path string // as in the file; [] for any item of a list
	def  string // the default in words, where Default does not hold it
	desc string
}

// keyDocs describes every key, in the order of the manual. A test holds it
// against the structs.
var keyDocs = []keyDoc{
	{"apiVersion", "required", "Version of this format: `goshawk/v1`. Keys are added to it and stay."},
	{"rules", "the shipped rules", "Rule files and directories, read in this order; a directory's files in the order of their names. A later definition replaces an earlier one of the same name. `-r` on the command line takes their place."},
	{"ruleSelection", "as the files say", "Switches rules on and off, entry after entry, so that later ones win: `[{disable: {rule: \"*\"}}, {enable: {tag: network}}]` leaves only the rules with a tag. Each has exactly one of `enable` and `disable`. An entry that takes no rule is warned of."},
	{"ruleSelection[].enable.rule", "", "Switch on the rules of this name; `*` stands for any text."},
	{"ruleSelection[].enable.tag", "", "Switch on the rules with this tag."},
	{"ruleSelection[].disable.rule", "", "Switch off the rules of this name; `*` stands for any text."},
	{"ruleSelection[].disable.tag", "", "Switch off the rules with this tag."},
	{"ruleMatching", "", "`all`: every rule that an event makes true fires. `first`: only the first of them in the order of the files."},
	{"destinations", "text on standard output", "Where alerts go: each alert to every destination."},
	{"destinations[].name", "required", "Name in metrics, logs and `/readyz`; unique."},
	{"destinations[].queue.alerts", fmt.Sprint(ship.DefaultQueueAlerts), "Alerts that wait in memory at most while the destination is slow or away; the oldest is shed first and counted."},
	{"destinations[].queue.bytes", Quantity(ship.DefaultQueueBytes).String(), "The same as a size in memory, estimated."},
	{"destinations[].stdout.format", "text", "`text` for people, `json` for programs. `--format` on the command line takes its place."},
	{"destinations[].file.path", "required", "File to append to. It is opened again after rotation and on SIGHUP."},
	{"destinations[].file.format", "json", "`json` or `text`."},
	{"destinations[].splunk.url", "required", "Address of the HTTP Event Collector, such as `https://splunk:8088`."},
	{"destinations[].splunk.tokenFile", "", "File with the token; read again when it changes. Either this or `tokenEnv`."},
	{"destinations[].splunk.tokenEnv", "", "Environment variable with the token."},
	{"destinations[].splunk.caFile", "the system's", "Certificates, in PEM, of the authorities that may vouch for the server."},
	{"destinations[].splunk.serverName", "the URL's host", "Name that the server's certificate must have."},
	{"destinations[].splunk.insecureSkipVerify", "false", "Do not verify the server's certificate: whoever is between can read and change alerts."},
	{"destinations[].splunk.index", "the token's", "Index to write to."},
	{"destinations[].splunk.source", splunk.DefaultSource, "`source` of the events."},
	{"destinations[].splunk.sourcetype", splunk.DefaultSourcetype, "`sourcetype` of the events."},
	{"destinations[].splunk.host", "the alert's hostname", "`host` of the events."},
	{"destinations[].splunk.fields", "", "Fields that are indexed with every event, such as `cluster: prod`."},
	{"destinations[].splunk.compression", "gzip", "`gzip` or `none`."},
	{"destinations[].splunk.maxBatchBytes", Quantity(splunk.DefaultMaxBatchBytes).String(), "Largest request before compression."},
	{"destinations[].splunk.maxEventBytes", "5MB", "Largest event; Splunk's own limit is the default."},
	{"destinations[].splunk.maxWait", splunk.DefaultMaxWait.String(), "How long a batch waits for more alerts."},
	{"destinations[].splunk.timeout", splunk.DefaultTimeout.String(), "Of one request."},
	{"http.address", "", "Where `/metrics`, `/healthz` and `/readyz` are served. Two agents on one node need two. `--http` on the command line takes its place."},
	{"heartbeat.interval", "", "How often the agent makes the call that must come through."},
	{"heartbeat.timeout", "", "How old the newest heartbeat that came through may be while the agent is ready. At least twice the interval, at most 10m."},
	{"heartbeat.announce", "false", "Send an alert when the agent begins to see and one when it ends (source goshawk, Informational): a SIEM can compute from them what nobody saw."},
	{"buffers.events", "", "Ring for events between kernel and agent, a power of two. Larger takes longer bursts. It is locked memory."},
	{"buffers.state", "", "Ring for births, images and ends of processes."},
	{"limits.processes", "", "Processes in the table; when there are more, some living ones are dropped and read from /proc when they act."},
	{"limits.processText", "", "Memory for command lines, environments and paths of processes. From three quarters of it on, those of new images are trimmed to 512 bytes and, nearer to the limit, to less (rules see them whole at the exec itself); from half of it on those of ended processes. `goshawk_images_trimmed_total` counts it."},
	{"mask.patterns", "", "Regular expressions (RE2) of further secrets to replace by `***` in alerts; with a group named `secret` only that. What usually is one is known already. None may match the empty text. Texts are cut at 4 KiB, command lines of ancestors at 1 KiB, before they are searched: a pattern cannot match across the cut."},
	{"node.name", "`$GOSHAWK_NODE_NAME`, or the host name", "Name of this node in alerts, and of the Node object of the Kubernetes API."},
	{"node.root", "", "Where the host's root directory is seen: the container runtime's files and sockets are looked for below it."},
	{"node.proc", "", "Where the host's /proc is mounted."},
	{"node.cgroup", "", "Where the host's cgroup file systems are mounted."},
	{"metadata.wait", "", "How long an alert, or an event whose rules hang on metadata, waits for what runtime and API server say of its container. What is not there then counts as absent, and the alert is marked `enrichment: partial`. At most 1m."},
	{"metadata.heldEvents", "", "Events that wait at most. One more is judged at once, with what is known."},
	{"metadata.heldBytes", "", "The same as a size in memory."},
	{"runtime.enabled", "", "Ask the container runtime for names, images, mounts and the like. `false`: these fields are absent."},
	{"runtime.sockets", "found by itself", "Sockets of container runtimes (CRI or Docker), as paths below `node.root`."},
	{"kubernetes.enabled", "", "Ask the Kubernetes API for the node's pods. `auto`: where there is a service account's token, or `kubeconfig` is given. `false`: what only the API knows is absent."},
	{"kubernetes.kubeconfig", "the pod's service account", "File with the address of the API server and the credentials for it."},
	{"kubernetes.peers", "", "Ask for the pod, service or node at the other end of connections that rules or alerts tell of."},
	{"kubernetes.ruleSets", "", "Follow the resources RuleSet and ClusterRuleSet, beside the files in `rules`."},
	{"kubernetes.ruleSetFile", "none", "File that remembers them, so that they hold from the start also while the API server does not answer."},
}

const manualHead = `# Configuration

` + "`goshawk run -c FILE`" + ` reads one YAML file. Without it the shipped rules are used and alerts are printed as text.
Keys that are not known are mistakes; all mistakes are reported in one run, with line and column, and nothing is
started. Paths are relative to the directory of the file. Sizes are written as 8MiB, 512KiB or a number of bytes,
times as 500ms, 5s or 1m. This page is made from the code and checked by its tests.

    apiVersion: goshawk/v1
    rules: [rules/]                 # files and directories; relative to this file
    destinations:
      - name: console
        stdout: {format: text}
      - name: soc
        splunk: {url: "https://splunk:8088", tokenFile: hec-token, caFile: ca.pem, index: main}
    http: {address: "127.0.0.1:8765"}

A destination has exactly one of ` + "`stdout`, `file` and `splunk`" + `.

| key | default | meaning |
| --- | --- | --- |
`

// WriteManual writes the manual of the configuration file.
func WriteManual(w io.Writer) error {
	defaults := map[string]string{}
	cfg := Default()
	leaves(reflect.ValueOf(&cfg).Elem(), "", func(path string, v reflect.Value) {
		if !v.IsZero() {
			defaults[path] = fmt.Sprint(v.Interface())
		}
	})
	var b strings.Builder
	b.WriteString(manualHead)
	for _, d := range keyDocs {
		def := d.def
		if def == "" {
			def = defaults[d.path]
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.path, strings.ReplaceAll(def, "|", `\|`), strings.ReplaceAll(d.desc, "|", `\|`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// leaves calls visit for every key below v that has a value of its own, with the
// path as in keyDocs.
func leaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		leaves(reflect.New(t.Elem()).Elem(), path, visit)
	case t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textUnmarshaler):
		for name, field := range keysOf(v) {
			leaves(field, join(path, name), visit)
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		visit(path, reflect.Zero(t)) // its default is told in words
		leaves(reflect.New(t.Elem()).Elem(), path+"[]", visit)
	default:
		visit(path, v)
	}
}
