package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"

	"github.com/goshawk-security/goshawk/internal/enrich/metadata"
)

// Config says whom to ask for what.
type Config struct {
	Rest *rest.Config // where the API server is, and as whom to ask
	Node string       // name of the Node object whose pods are watched
	// Grace is how long a pod is kept after it was removed: its events may still be on
	// their way. 0 means a minute.
	Grace time.Duration
	// Report hears of pods, of one pod in the order of what happened. It is called from
	// any goroutine, and must neither block nor call the Client.
	Report func(metadata.PodReport)
}

// Client follows the pods of a node. It is made by New and works while Run runs; its
// methods may be called from any goroutine.
type Client struct {
	cfg    Config
	log    *zap.Logger
	core   rest.Interface
	peers  rest.Interface                               // the same, with a rate of its own
	queue  workqueue.TypedRateLimitingInterface[string] // UIDs of pods whose owners are not known
	owners *owners
	nodes  *nodes
	listed *recent[string, serviceList] // by namespace
	traffic
	services atomic.Bool

	mu   sync.Mutex
	pods map[string]*tracked // by UID
	byIP map[string]*tracked // pods that have an address of their own
	gone map[string]*time.Timer
	// static are the UIDs of static pods' objects by the hashes that cgroups have.
	static map[string]string
	up     bool  // the first list came
	err    error // why the watch does not work, nil while it does
	told   bool  // the error was logged

	synced time.Time // when something was heard of pods last
}

// New returns a Client that asks nothing before Run.
func New(cfg Config, log *zap.Logger) (*Client, error) {
	if cfg.Node == "" {
		return nil, errors.New("the node has no name: set node.name")
	}
	if cfg.Grace == 0 {
		cfg.Grace = time.Minute
	}
	c := &Client{
		cfg: cfg, log: log, nodes: newNodes(), pods: map[string]*tracked{}, byIP: map[string]*tracked{}, gone: map[string]*time.Timer{}, static: map[string]string{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](200*time.Millisecond, 30*time.Second)),
		err:   errors.New("no list of pods came yet"),
	}
	config := rest.CopyConfig(cfg.Rest)
	config.Wrap(c.traffic.wrap)
	clients, err := newClients(config)
	if err != nil {
		return nil, err
	}
	c.core, c.peers, c.owners = clients.core, clients.peers, newOwners(clients.meta, log)
	c.listed = newRecent[string](maxObjects, func(serviceList) time.Duration { return namespaceAge })
	return c, nil
}

// workers is how many pods' owners are looked up side by side.
const workers = 2

// Run follows the API server until ctx ends. It returns when all that it started has
// ended.
func (c *Client) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { c.guard(ctx, "watch pods", c.watch) })
	for range workers {
		all.Go(func() { c.guard(ctx, "look up owners", c.work) })
	}
	all.Go(func() { c.guard(ctx, "read nodes", c.readNodes) })
	all.Go(func() { c.guard(ctx, "look again at namespaces", c.refresh) })
	<-ctx.Done()
	c.queue.ShutDown()
	all.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.gone {
		t.Stop()
	}
}

// guard runs f until ctx ends, again after a panic: a mistake here must not take the
// agent with it.
func (c *Client) guard(ctx context.Context, what string, f func(context.Context)) {
	for ctx.Err() == nil {
		func() {
			defer func() {
				if p := recover(); p != nil {
					c.fail(fmt.Errorf("%s: panic: %v", what, p))
					c.log.Error("asking the Kubernetes API went wrong; it is begun again", zap.String("what", what),
						zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
				}
			}()
			f(ctx)
		}()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// SetServices says whether pods are told with the services that choose them.
func (c *Client) SetServices(on bool) {
	if c.services.Swap(on) == on || !on {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for uid := range c.pods {
		c.queue.Add(uid)
	}
}

// Health is nil while pods are told as they are. A server that hangs is found out after
// some 50 seconds: so long client-go takes for a connection that is dead.
func (c *Client) Health() error {
	denied := c.owners.health()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || denied == nil {
		return cmp.Or(c.err, denied)
	}
	return fmt.Errorf("%w; %w", c.err, denied)
}

// fail notes that the watch does not work, and logs it once.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	if c.told {
		return
	}
	c.told = true
	c.log.Warn("the Kubernetes API does not tell of pods: what is known stays in use, new pods lack labels and owners", zap.Error(err))
}

// failed tells that the watch failed and has not worked since.
func (c *Client) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// works notes that the watch works.
func (c *Client) works() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told {
		c.log.Info("the Kubernetes API tells of pods again")
	}
	c.err, c.told, c.up, c.synced = nil, false, true, time.Now()
}
