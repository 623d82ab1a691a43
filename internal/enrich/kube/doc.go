// Package kube asks the Kubernetes API for what only it knows: the pods of the own
// node with their labels, owners and namespaces, and whose an address is.
//
// # What it asks
//
// Pods are watched with the field selector spec.nodeName, so that an agent is sent the
// pods of its own node alone; of each only what fields can ask for is kept. Owners
// (ReplicaSet → Deployment, Job → CronJob) and namespaces are read one by one when a pod
// needs them, as metadata without specification and status, and cached: owners by their
// UID for an hour, namespaces for some minutes. Services that choose a pod are read while
// a rule asks for them. Nothing is written, and no Secret is read.
//
// An address is looked for in the own node's pods, in a list of the nodes that is read
// seldom, then by one request each among all pods (status.podIP) and services
// (spec.clusterIP). A public address is outside of the cluster without a request, unless
// the node's own pods have public ones of its family. So what is not sound: the pods of a
// cluster that gives out public addresses count as outside on a node that has none of
// them itself, and so do the external addresses of services, and second addresses of
// pods elsewhere. The ranges of the cluster are not asked for: neither the nodes' podCIDRs
// nor the API server's ServiceCIDRs tell of all networks that a cluster can have.
//
// # What it costs
//
// Owners have a rate of 20 requests a second after the first 200, addresses one of 10
// after the first 40. Among 5,250 pods, 250 of them here and of 50 workloads, a client
// takes some 130 requests and 3.6 MB at the start, most of it for the pods; after that
// each namespace every four minutes, each owner once an hour, and the list of 100 nodes
// every five minutes if addresses are asked for. TestLoad measures it.
//
// # When the API server does not answer
//
// Everything known stays in use. [Client.Health] says what is missing; the watch goes on
// by itself with growing pauses (client-go's reflector), and tokens are read again when
// they change, which takes client-go a minute. A request that is forbidden is not
// repeated for a while: the owner's reference in the pod then tells its kind and name.
package kube
