package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// writing is what is known of the writing of the status. It is under the Follower's mu.
type writing struct {
	due              bool // there is something that was not written
	owner            *metav1.OwnerReference
	err              error // of the last try
	writes, failures uint64
}

// write writes the node's AgentStatus when there is news, and at intervals, until ctx
// ends. Nothing is written before the first report.
func (f *Follower) write(ctx context.Context) {
	heartbeat := time.NewTicker(f.cfg.Heartbeat)
	defer heartbeat.Stop()
	for pause := f.cfg.Spread; ; {
		select {
		case <-ctx.Done():
			return
		case <-f.told:
		case <-heartbeat.C:
			f.mu.Lock()
			f.status.due = f.status.due || f.status.writes > 0
			f.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rand.N(pause)):
		}
		if f.writeOnce(ctx) {
			pause = f.cfg.Spread
			continue
		}
		pause = min(max(2*pause, 10*f.pause), max(maxPause, f.cfg.Spread))
		poke(f.told)
	}
}

// writeOnce writes the status, and tells whether it is done with.
func (f *Follower) writeOnce(ctx context.Context) bool {
	f.mu.Lock()
	report, owner, due := f.report, f.status.owner, f.status.due
	f.status.due = false
	f.mu.Unlock()
	if !due {
		return true
	}
	if owner == nil {
		owner = f.findOwner(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := f.apply(ctx, f.statusOf(report), owner)
	if apierrors.IsNotFound(err) { // the definition is not there: the watch says so
		f.mu.Lock()
		defer f.mu.Unlock()
		f.status.due, f.status.owner = true, owner
		return true
	}
	f.wrote(owner, err)
	return err == nil || apierrors.IsForbidden(err)
}

// apply writes the object: whether it is there or not, and whoever wrote it before.
func (f *Follower) apply(ctx context.Context, status api.AgentStatusStatus, owner *metav1.OwnerReference) error {
	obj := api.AgentStatus{TypeMeta: metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "AgentStatus"}, Status: status}
	obj.Name = f.cfg.Node
	if owner != nil {
		obj.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	body, err := json.Marshal(&obj)
	if err != nil {
		return fmt.Errorf("write the status of the agent: %w", err)
	}
	err = f.client.Patch(types.ApplyPatchType).Resource(api.AgentStatuses).Name(f.cfg.Node).
		Param("fieldManager", "goshawk-agent").Param("force", "true").Body(body).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("write AgentStatus %s: %w", f.cfg.Node, err)
	}
	return nil
}

// wrote notes how a try went, and logs a new reason why it failed.
func (f *Follower) wrote(owner *metav1.OwnerReference, err error) {
	f.mu.Lock()
	before := f.status.err
	f.status.err, f.status.owner = err, owner
	if err == nil {
		f.status.writes++
	} else {
		f.status.failures++
		f.status.due = true
	}
	f.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		f.log.Warn("what became of the rules is not written to the Kubernetes API: it is tried again", zap.Error(err))
	case err == nil && before != nil:
		f.log.Info("what became of the rules is written to the Kubernetes API again")
	}
}

// findOwner returns a reference to the Node, so that the status goes with it; nil if it
// may not be read, and then the controller removes the status some time later.
func (f *Follower) findOwner(ctx context.Context) *metav1.OwnerReference {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	node, err := f.meta.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).Get(ctx, f.cfg.Node, metav1.GetOptions{})
	if err != nil {
		f.log.Debug("the node is not named as the owner of its AgentStatus", zap.Error(err))
		return nil
	}
	return &metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: f.cfg.Node, UID: node.UID}
}

// Limits of what is written: an object of the API has a size, and thousands of nodes
// write one.
const (
	maxInForce = 10_000
	maxRefused = 50
	maxMessage = 400 // bytes
)

// statusOf says of a report what the AgentStatus has.
func (f *Follower) statusOf(r Report) api.AgentStatusStatus {
	s := api.AgentStatusStatus{Version: f.cfg.Version, Heartbeat: metav1.Now(), RulesHash: r.Hash, Rules: int32(r.Rules)}
	if r.Err != nil {
		s.Error = cut(r.Err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, result := range r.Results {
		place := result.Source.Place()
		generation := result.Source.Generation
		if result.InForce == loader.Earlier {
			generation = f.good[place].Generation
		}
		if result.InForce != loader.None && len(s.InForce) < maxInForce {
			if s.InForce == nil {
				s.InForce = map[string]int64{}
			}
			s.InForce[place] = generation
		}
		if len(result.Errors) == 0 {
			continue
		}
		s.RefusedTotal++
		if len(s.Refused) < maxRefused {
			s.Refused = append(s.Refused, api.Refusal{Set: place, Generation: result.Source.Generation, Message: cut(result.Errors[0].Error())})
		}
	}
	slices.SortFunc(s.Refused, func(a, b api.Refusal) int { return strings.Compare(a.Set, b.Set) })
	return s
}

// cut shortens a text between runes.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxMessage {
		return s
	}
	end := maxMessage - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
