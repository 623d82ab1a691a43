// Command run starts and stops the Kubernetes of the tests by hand.
//
//	go run ./test/cluster/run up      # prints the KUBECONFIG to use
//	go run ./test/cluster/run down
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/goshawk-security/goshawk/test/cluster/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	n := node.At(filepath.Join(os.TempDir(), "goshawk-cluster"))
	if err := run(ctx, n, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, n *node.Node, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("say up or down")
	}
	switch args[0] {
	case "up":
		if err := n.Start(ctx); err != nil {
			return fmt.Errorf("%w\nits logs are in %s; go run ./test/cluster/run down takes it away", err, filepath.Join(n.Dir, "log"))
		}
		fmt.Printf("export KUBECONFIG=%s PATH=%s:$PATH\n", n.Kubeconfig, filepath.Join(n.Dir, "bin"))
		return nil
	case "down":
		return n.Stop(ctx)
	}
	return fmt.Errorf("%s is neither up nor down", args[0])
}
