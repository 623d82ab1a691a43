package status

import (
	"context"
	"time"

	"go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/goshawk-security/goshawk/internal/control/api"
)

// Gone removes what agents said that are gone for good. That of a node which is removed
// goes by itself; this is for nodes that no agent is to run on any longer.
type Gone struct {
	Client client.Client
	Log    *zap.Logger
}

// goneAfter is how long an agent is silent that will not come back.
const goneAfter = 24 * time.Hour

// Start implements manager.Runnable: on the leader, until ctx ends.
func (g *Gone) Start(ctx context.Context) error {
	for {
		g.once(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Minute):
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (g *Gone) NeedLeaderElection() bool { return true }

func (g *Gone) once(ctx context.Context, now time.Time) {
	var agents api.AgentStatusList
	if err := g.Client.List(ctx, &agents, client.UnsafeDisableDeepCopy); err != nil {
		g.Log.Warn("agents that are gone are not looked for", zap.Error(err))
		return
	}
	for i := range agents.Items {
		a := &agents.Items[i]
		if silent := now.Sub(a.Status.Heartbeat.Time); silent < goneAfter {
			continue
		}
		// Not one that has written since.
		err := g.Client.Delete(ctx, &api.AgentStatus{ObjectMeta: a.ObjectMeta}, client.Preconditions{ResourceVersion: &a.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			g.Log.Warn("the AgentStatus of an agent that is gone stays", zap.String("node", a.Name), zap.Error(err))
			continue
		}
		g.Log.Info("AgentStatus removed: nothing was heard of the agent for a day", zap.String("node", a.Name))
	}
}
