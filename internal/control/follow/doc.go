// Package follow is the agent's side of rules that come through the Kubernetes API:
// it watches RuleSets and ClusterRuleSets, hands them over as sources for the loader,
// and writes into the AgentStatus of its node what became of them.
//
// # What it asks
//
// One list and one watch of each of the two kinds, and at the start the metadata of
// its own Node, whose end is the end of the AgentStatus. It writes when something
// changed, at a random moment within [Config.Spread] so that thousands of agents do not
// at once, and every [Config.Heartbeat]; by one request each (server-side apply).
//
// # When the API server does not answer
//
// What is known stays, and is tried again with growing pauses. [Follower.Health] says
// what is missing; [ErrNotInstalled] says that the cluster does not have these kinds,
// which is no fault. A restart goes on with what the file [Config.File] remembers.
package follow
