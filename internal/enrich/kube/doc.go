// Package kube asks the Kubernetes API for what only it knows: the pods of the own
// node with their labels, owners and namespaces, and whose an address is.
//
// # What it asks
//
// Pods are watched with the field selector spec.nodeName, so that an agent is sent the
// pods of its own node alone; of each only what fields can ask for is kept. Owners
// (ReplicaSet → Deployment, Job → CronJob) and namespaces are read one by one when a pod
// needs them, as metadata without specification and status, and cached. Services that
// choose a pod are read while a rule asks for them. Nothing is written.
//
// An address is looked for in the own node's pods, then by one request each among all
// pods (status.podIP), services (spec.clusterIP) and, from a list that is kept, nodes. A
// public address is outside of the cluster without a request, unless the node's own pods
// have public ones of its family.
//
// # When the API server does not answer
//
// Everything known stays in use. [Client.Health] says what is missing; the watch goes on
// by itself with growing pauses (client-go's reflector), and tokens are read again when
// they change. A request that is forbidden is not repeated for a while: the owner's
// reference in the pod then tells its kind and name.
package kube
