{{/* The name of the release's things: "goshawk" for a release of that name. */}}
{{- define "goshawk.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change, for selectors; "component" tells agent from controller. */}}
{{- define "goshawk.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 50 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "goshawk.labels" -}}
{{ include "goshawk.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "goshawk.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where rule files are, in the order in which they are read. */}}
{{- define "goshawk.rulePaths" -}}
{{- if .Values.rules.shipped }}
- /usr/share/goshawk/rules
- /etc/goshawk/rules/itself
{{- end }}
{{- if .Values.rules.files }}
- /etc/goshawk/rules/values
{{- end }}
{{- range .Values.rules.configMaps }}
- /etc/goshawk/rules/configmaps/{{ . }}
{{- end }}
{{- end -}}

{{/* The agent's configuration: what follows from the values, and `config` on top of it. */}}
{{- define "goshawk.config" -}}
{{- $http := dict "address" (printf "0.0.0.0:%v" (int .Values.agent.port)) -}}
{{- $node := dict "proc" "/host/proc" "cgroup" "/host/sys/fs/cgroup" "root" "/host" -}}
{{- $runtime := dict "enabled" (not (empty .Values.agent.runtimePaths)) -}}
{{- $api := dict "enabled" (toString .Values.kubernetes.enabled) "peers" .Values.kubernetes.peers -}}
{{- $sets := eq (include "goshawk.ruleSets" .) "true" -}}
{{- $_ := set $api "ruleSets" $sets -}}
{{- if $sets }}{{ $_ := set $api "ruleSetFile" "/var/lib/goshawk/rulesets" }}{{ end -}}
{{- $config := dict "apiVersion" "goshawk/v1" "http" $http "node" $node "runtime" $runtime "kubernetes" $api -}}
{{- $paths := include "goshawk.rulePaths" . | fromYamlArray -}}
{{- if $paths }}{{ $_ := set $config "rules" $paths }}{{ end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{/* Whether agents follow RuleSets. */}}
{{- define "goshawk.ruleSets" -}}
{{- and .Values.kubernetes.enabled .Values.ruleSets.enabled -}}
{{- end -}}

{{/* Ports of the destinations, read off their URLs. */}}
{{- define "goshawk.destinationPorts" -}}
{{- $ports := list -}}
{{- range .Values.config.destinations -}}
{{- with .splunk -}}
{{- $url := urlParse .url -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- if not $port -}}
{{- $port = ternary "80" "443" (eq $url.scheme "http") -}}
{{- end -}}
{{- $ports = append $ports (int $port) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* Mounts and volumes of rule files, the same for agent and controller. */}}
{{- define "goshawk.ruleMounts" -}}
{{- if .Values.rules.shipped }}
- {name: itself, mountPath: /etc/goshawk/rules/itself, readOnly: true}
{{- end }}
{{- if .Values.rules.files }}
- {name: rules, mountPath: /etc/goshawk/rules/values, readOnly: true}
{{- end }}
{{- range $i, $map := .Values.rules.configMaps }}
- {name: rules-{{ $i }}, mountPath: /etc/goshawk/rules/configmaps/{{ $map }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "goshawk.ruleVolumes" -}}
{{- if .Values.rules.shipped }}
- name: itself
  configMap: {name: {{ include "goshawk.fullname" . }}-itself}
{{- end }}
{{- if .Values.rules.files }}
- name: rules
  configMap: {name: {{ include "goshawk.fullname" . }}-rules}
{{- end }}
{{- range $i, $map := .Values.rules.configMaps }}
- name: rules-{{ $i }}
  configMap: {name: {{ $map | quote }}, optional: true}
{{- end }}
{{- end -}}

{{- define "goshawk.apiServerEgress" -}}
# The API server.
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicy.apiServerCIDRs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- end -}}
