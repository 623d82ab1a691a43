package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/goshawk-security/goshawk/internal/control/admit"
	"github.com/goshawk-security/goshawk/internal/control/api"
	"github.com/goshawk-security/goshawk/internal/control/cert"
	"github.com/goshawk-security/goshawk/internal/control/status"
	"github.com/goshawk-security/goshawk/internal/control/trial"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// Config says where the controller runs and what rules stand on.
type Config struct {
	Rest  *rest.Config
	Rules loader.Config // what agents load beside the sets; without sources

	Namespace string // of the controller: its Secret and its lease are there
	Service   string // by which the API server reaches the webhook
	Secret    string // that holds the webhook's certificate
	// Webhook is the ValidatingWebhookConfiguration whose caBundle is kept; "" for
	// nobody's.
	Webhook string

	Listen  string // address of the webhook
	Health  string // address for /healthz and /readyz
	Metrics string // address for /metrics; "0" for none
	Lead    bool   // whether several may run: one is elected to write
}

// Validate says what is missing.
func (c *Config) Validate() error {
	var errs []error
	for _, f := range []struct{ value, what string }{
		{c.Namespace, "namespace"}, {c.Service, "service"}, {c.Secret, "secret"}, {c.Listen, "listen"}, {c.Health, "health"}, {c.Metrics, "metrics"},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("%s: is empty", f.what))
		}
	}
	if _, _, err := splitAddress(c.Listen); c.Listen != "" && err != nil {
		errs = append(errs, fmt.Errorf("listen: %w", err))
	}
	return errors.Join(errs...)
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("%q is no port", text)
	}
	return host, port, nil
}

// lease is the name of the one by which replicas elect a leader.
const lease = "goshawk-controller"

// newScheme knows what the controller reads and writes.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{api.AddToScheme, corev1.AddToScheme, admissionregistration.AddToScheme} {
		utilruntime.Must(add(s)) // of types that are compiled in: it cannot fail
	}
	return s
}

// Run runs the controller until ctx ends. It returns an error if it cannot start or
// loses the lead.
func Run(ctx context.Context, cfg Config, log *zap.Logger) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	// What libraries log goes where the program does: it has one log.
	logger := newLogr(log.Named("library"))
	ctrllog.SetLogger(logger)
	klog.SetLogger(logger)
	if undo, err := zap.RedirectStdLogAt(log.Named("http"), zap.DebugLevel); err == nil {
		defer undo()
	}

	court := trial.New(cfg.Rules)
	if o := court.Try(nil); o.Err != nil {
		log.Error("the rule files cannot be loaded: rule sets are not checked until they can", zap.Error(o.Err))
	}
	scheme := newScheme()
	direct, err := client.New(cfg.Rest, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if err := installed(ctx, direct); err != nil {
		return err
	}
	keeper := cert.New(cert.Config{Namespace: cfg.Namespace, Service: cfg.Service, Secret: cfg.Secret, Webhook: cfg.Webhook, Client: direct}, log.Named("certificate"))
	m, err := newManager(cfg, scheme, keeper)
	if err != nil {
		return err
	}
	if err := assemble(m, court, keeper, log); err != nil {
		return err
	}
	log.Info("controller starts", zap.String("namespace", cfg.Namespace), zap.String("webhook", cfg.Listen))
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("run the controller: %w", err)
	}
	return nil
}

// installed says whether the cluster has the definitions, without which the library
// would wait in silence.
func installed(ctx context.Context, c client.Reader) error {
	for _, list := range []client.ObjectList{&api.RuleSetList{}, &api.ClusterRuleSetList{}, &api.AgentStatusList{}} {
		err := c.List(ctx, list, client.Limit(1))
		switch {
		case meta.IsNoMatchError(err):
			return fmt.Errorf("the cluster has no definitions of rule sets: apply deploy/crds, or let the Helm chart do it: %w", err)
		case err != nil:
			return fmt.Errorf("read rule sets: %w", err)
		}
	}
	return nil
}

// newManager makes what runs the parts: caches, servers and the election.
func newManager(cfg Config, scheme *runtime.Scheme, keeper *cert.Keeper) (manager.Manager, error) {
	host, port, err := splitAddress(cfg.Listen)
	if err != nil {
		return nil, err
	}
	stop := 10 * time.Second
	m, err := manager.New(cfg.Rest, manager.Options{
		Scheme: scheme, HealthProbeBindAddress: cfg.Health, Metrics: metricsserver.Options{BindAddress: cfg.Metrics},
		LeaderElection: cfg.Lead, LeaderElectionID: lease, LeaderElectionNamespace: cfg.Namespace, LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout: &stop,
		WebhookServer: webhook.NewServer(webhook.Options{Host: host, Port: port, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.GetCertificate, c.MinVersion = keeper.Certificate, tls.VersionTLS12
		}}}),
	})
	if err != nil {
		return nil, fmt.Errorf("make the controller: %w", err)
	}
	return m, nil
}

// assemble adds the parts to a manager.
func assemble(m manager.Manager, court *trial.Court, keeper *cert.Keeper, log *zap.Logger) error {
	counts := newMetrics(keeper)
	for path, h := range map[string]*admit.Handler{
		admit.PathRuleSet:        admit.NewRuleSet(court, m.GetClient(), m.GetScheme(), log.Named("admission")),
		admit.PathClusterRuleSet: admit.NewClusterRuleSet(court, m.GetClient(), m.GetScheme(), log.Named("admission")),
	} {
		h.Count = counts.admitted
		m.GetWebhookServer().Register(path, &webhook.Admission{Handler: h})
	}
	if err := status.Add(m, court, log.Named("status")); err != nil {
		return err
	}
	for _, r := range []manager.Runnable{
		everywhere(keeper.Follow),
		manager.RunnableFunc(keeper.Lead), // the leader's, as all that do not say otherwise
		&status.Gone{Client: m.GetClient(), Log: log.Named("status")},
	} {
		if err := m.Add(r); err != nil {
			return fmt.Errorf("make the controller: %w", err)
		}
	}
	checks := map[string]func(*http.Request) error{
		"certificate": keeper.Ready,
		"webhook":     m.GetWebhookServer().StartedChecker(),
	}
	for name, check := range checks {
		if err := m.AddReadyzCheck(name, check); err != nil {
			return fmt.Errorf("make the controller: %w", err)
		}
	}
	return m.AddHealthzCheck("alive", func(*http.Request) error { return nil })
}

// everywhere runs on every replica, not on the leader alone.
type everywhere func(context.Context) error

// Start implements manager.Runnable.
func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }
