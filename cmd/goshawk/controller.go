package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/goshawk-security/goshawk/internal/agent"
	"github.com/goshawk-security/goshawk/internal/control"
	"github.com/goshawk-security/goshawk/internal/match"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/rules"
)

// controllerFlags are the flags of goshawk controller.
type controllerFlags struct {
	control.Config
	kubeconfig string
	logLevel   string
}

func newController() *cobra.Command {
	f := controllerFlags{Config: control.Config{
		Namespace: os.Getenv("GOSHAWK_POD_NAMESPACE"), Service: "goshawk-controller", Secret: "goshawk-controller-certificate", Webhook: "goshawk-controller",
		Listen: ":9443", Health: ":8081", Metrics: ":8080", Lead: true,
	}}
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Check rule sets of a Kubernetes cluster and keep their statuses",
		Long: `Check rule sets of a Kubernetes cluster and keep their statuses: the one that runs
once or twice in a cluster, beside the agents. It refuses a RuleSet or ClusterRuleSet
with a mistake when it is applied, and says of each on which nodes it is in force.

Give it the rule files that the agents have: sets stand on them. Without -r these are
the shipped rules. docs/rulesets.md has the permissions that it needs.`,
		Example: `  goshawk controller                              # in a pod, as the Helm chart does
  goshawk controller -r /etc/goshawk/rules`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.Rules.Files, "rules", "r", nil, "rule `file` or directory that the agents load (may be repeated)")
	flags.StringVar(&f.Namespace, "namespace", f.Namespace, "namespace of the controller")
	flags.StringVar(&f.Service, "service", f.Service, "service by which the API server reaches the webhook")
	flags.StringVar(&f.Secret, "secret", f.Secret, "secret for the webhook's certificate, which the controller makes")
	flags.StringVar(&f.Webhook, "webhook", f.Webhook, "ValidatingWebhookConfiguration whose caBundle is kept; empty for none")
	flags.StringVar(&f.Listen, "listen", f.Listen, "`address` of the webhook")
	flags.StringVar(&f.Health, "health", f.Health, "`address` for /healthz and /readyz")
	flags.StringVar(&f.Metrics, "metrics", f.Metrics, "`address` for /metrics; 0 for none")
	flags.BoolVar(&f.Lead, "leader-elect", f.Lead, "elect one of several controllers to write")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig `file`, outside of a cluster")
	flags.StringVar(&f.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")
	return cmd
}

func (f *controllerFlags) run(cmd *cobra.Command) error {
	log, err := agent.NewLogger(os.Stderr, f.logLevel)
	if err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	f.Rules.Shipped, f.Rules.Catalogue = rules.FS, agent.Catalogue()
	f.Rules.Compile = func(all []*rule.Rule) error {
		_, err := match.Compile(all)
		return err
	}
	if err := f.Validate(); err != nil {
		return err
	}
	if f.Rest, err = restConfig(f.kubeconfig); err != nil {
		return failed(fmt.Errorf("reach the Kubernetes API: %w; outside of a cluster name a file with --kubeconfig", err))
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its usual effect: it kills
	return failed(control.Run(ctx, f.Config, log))
}

// restConfig says where the API server is. clientcmd would say in a line of its own that
// it takes the pod's service account.
func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}
