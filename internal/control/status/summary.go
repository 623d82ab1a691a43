package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// Reasons of the conditions.
const (
	reasonLoads      = "Loads"
	reasonMistakes   = "Mistakes"
	reasonNotChecked = "NotChecked"
	reasonEverywhere = "EveryNode"
	reasonRefused    = "Refused"
	reasonWaiting    = "Waiting"
	reasonSilent     = "Silent"
	reasonNoAgents   = "NoAgents"
)

// silentAfter is how old an agent's last word may be: three heartbeats.
const silentAfter = 15 * time.Minute

// maxNamed is how many nodes a message names.
const maxNamed = 5

// set is a rule set and what the controller found out of it.
type set struct {
	place      string
	generation int64
	result     loader.Result
	known      bool // result is of this generation
}

// summary makes the status of a set of what agents say, keeping the times of
// conditions that did not change.
func summary(s set, agents []api.AgentStatus, old api.RuleSetStatus, now time.Time) api.RuleSetStatus {
	n := count(s, agents, now)
	status := api.RuleSetStatus{
		ObservedGeneration: s.generation, Conditions: slices.Clone(old.Conditions),
		Nodes: fmt.Sprintf("%d/%d", n.ready, len(agents)), NodesReady: int32(n.ready), NodesTotal: int32(len(agents)),
	}
	accepted := metav1.Condition{Type: api.Accepted, Status: metav1.ConditionUnknown, Reason: reasonNotChecked, Message: "the controller cannot load its rule files"}
	switch {
	case !s.known:
	case len(s.result.Errors) > 0:
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, reasonMistakes, mistakes(s.result.Errors)
	default:
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionTrue, reasonLoads, "the rules can be loaded"
		status.Rules, status.Narrowed = int32(s.result.Rules), int32(s.result.Narrowed)
		for _, w := range s.result.Warnings[:min(len(s.result.Warnings), maxWarnings)] {
			status.Warnings = append(status.Warnings, w.Error())
		}
	}
	inForce := n.condition(len(agents))
	for _, c := range []metav1.Condition{accepted, inForce} {
		c.ObservedGeneration, c.LastTransitionTime = s.generation, metav1.NewTime(now)
		meta.SetStatusCondition(&status.Conditions, c)
	}
	return status
}

const maxWarnings = 10

// mistakes writes the first mistakes.
func mistakes(errs []*rule.Error) string {
	const most = 3
	var all []string
	for _, e := range errs[:min(len(errs), most)] {
		all = append(all, e.Error())
	}
	if n := len(errs) - most; n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, "\n")
}

// numbers says what nodes make of a set.
type numbers struct {
	ready                    int
	refuse, wait, old, quiet []string // names of nodes; old ones have an older generation
	why                      string   // what the first that refuses says
}

func count(s set, agents []api.AgentStatus, now time.Time) numbers {
	var n numbers
	for i := range agents {
		a := &agents[i]
		generation, any := a.Status.InForce[s.place]
		refusal := slices.IndexFunc(a.Status.Refused, func(r api.Refusal) bool { return r.Set == s.place && r.Generation == s.generation })
		switch {
		case now.Sub(a.Status.Heartbeat.Time) > silentAfter:
			n.quiet = append(n.quiet, a.Name)
		case refusal >= 0:
			if n.refuse = append(n.refuse, a.Name); n.why == "" {
				n.why = a.Status.Refused[refusal].Message
			}
			if any {
				n.old = append(n.old, a.Name)
			}
		case generation == s.generation:
			n.ready++
		default:
			n.wait = append(n.wait, a.Name)
		}
	}
	return n
}

// condition says whether the set is in force on all nodes, and which are the others.
func (n *numbers) condition(all int) metav1.Condition {
	c := metav1.Condition{Type: api.InForce, Status: metav1.ConditionFalse}
	switch {
	case all == 0:
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, reasonNoAgents, "no agent has said anything"
	case len(n.refuse) > 0:
		c.Reason, c.Message = reasonRefused, fmt.Sprintf("refused by %s: %s", names(n.refuse), n.why)
		if len(n.old) > 0 {
			c.Message += fmt.Sprintf("; an earlier generation stays in force on %s", names(n.old))
		}
	case len(n.wait) > 0:
		c.Reason, c.Message = reasonWaiting, "not yet in force on "+names(n.wait)
	case len(n.quiet) > 0:
		c.Reason, c.Message = reasonSilent, fmt.Sprintf("nothing was heard for %d minutes of %s", int(silentAfter.Minutes()), names(n.quiet))
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, reasonEverywhere, fmt.Sprintf("in force on every node (%d)", n.ready)
	}
	return c
}

// names lists some of many nodes.
func names(all []string) string {
	slices.Sort(all)
	if len(all) <= maxNamed {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxNamed], ", "), len(all)-maxNamed)
}
