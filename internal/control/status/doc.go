// Package status keeps the status of each rule set: whether it can be loaded, which the
// controller tries itself, and on which nodes it is in force, which their AgentStatus
// says. It removes the AgentStatus of an agent that is gone for good.
//
// A set is looked at when it changes, when an agent says something else about it than
// before, and once a minute, since silence is no event.
package status
