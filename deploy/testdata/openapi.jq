# Cuts Kubernetes' OpenAPI document down to the kinds that the chart makes and what they refer to,
# without descriptions. From the module k8s.io/kubernetes (Apache-2.0), of the version in the file's name:
#
#     dir=$(go mod download -json k8s.io/kubernetes@v1.34.2 | jq -r .Dir)
#     jq -cf deploy/testdata/openapi.jq "$dir/api/openapi-spec/swagger.json" > deploy/testdata/openapi-1.34.json
def wanted: [
  "apps/v1/DaemonSet", "apps/v1/Deployment", "policy/v1/PodDisruptionBudget", "networking.k8s.io/v1/NetworkPolicy",
  "coordination.k8s.io/v1/Lease", "v1/ConfigMap", "v1/Namespace", "v1/ResourceQuota", "v1/Secret", "v1/Service", "v1/ServiceAccount",
  "rbac.authorization.k8s.io/v1/ClusterRole", "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
  "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
  "apiextensions.k8s.io/v1/CustomResourceDefinition", "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
  "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding"
];
def kind: (.["x-kubernetes-group-version-kind"] // [])[] | [.group, .version, .kind] | map(select(. != "")) | join("/");
def refs: [.. | objects | .["$ref"]? | strings | ltrimstr("#/definitions/")]; # JSONSchemaProps has a property of that name
def reach($all; $seen): ([$seen[] | $all[.] | refs[]] + $seen | unique) as $more
  | if ($more | length) == ($seen | length) then $more else reach($all; $more) end;
# What only tools that merge need. A property of such a name is an object, and stays.
def lean: walk(if type == "object" then with_entries(select((.value | type) == "object" or
  (.key | test("^(description|x-kubernetes-(patch-.*|list-.*|map-type|unions))$") | not))) else . end);
.definitions as $all
| [$all | to_entries[] | select([.value | kind] | any(. as $k | wanted | index($k))) | .key] as $roots
| reach($all; $roots) as $names
| {info: .info.version, definitions: ($names | map({key: ., value: $all[.]}) | from_entries | lean)}
