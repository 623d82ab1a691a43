// Command run starts and stops the Kubernetes of the tests by hand.
//
//	go run ./test/cluster/run up      # prints how to use it
//	go run ./test/cluster/run down
//
// GOSHAWK_CLUSTER names its directory, else it is goshawk-cluster among the temporary ones.
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
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	dir := os.Getenv("GOSHAWK_CLUSTER")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "goshawk-cluster")
	}
	n, err := node.At(dir)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("say up or down")
	}
	switch args[0] {
	case "up":
		if err := n.Start(ctx); err != nil {
			return fmt.Errorf("%w\nits logs are in %s; go run ./test/cluster/run down takes it away", err, filepath.Join(dir, "log"))
		}
		fmt.Printf("export KUBECONFIG=%s CONTAINERD_ADDRESS=%s PATH=%s:$PATH\n", n.Kubeconfig, n.Socket, filepath.Join(dir, "bin"))
		return nil
	case "down":
		return n.Stop(ctx)
	}
	return fmt.Errorf("%s is neither up nor down", args[0])
}
