// Command load measures what one agent costs the API server of a large cluster, and what
// the cluster costs the agent.
//
//	go run ./test/cluster/load -kubeconfig FILE -agent bin/goshawk
//
// It makes a node that does not exist with 250 pods, and 5,000 pods on fifty more, as
// objects of a real API server: nothing runs them. Then it starts the agent for that node,
// without Kubernetes and with it, in turns, and prints memory, processor time and
// requests: at the start, and for a minute in which pods change and connections to pods
// elsewhere are looked up. The objects are deleted at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	l := load{}
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "`file` with the way to the API server")
	flag.StringVar(&l.agent, "agent", "bin/goshawk", "the agent's `program`")
	flag.IntVar(&l.own, "own", 250, "pods of the agent's node")
	flag.IntVar(&l.others, "others", 5000, "pods of other nodes")
	flag.IntVar(&l.turns, "turns", 3, "how often each agent is measured")
	flag.DurationVar(&l.period, "period", time.Minute, "how long each is measured")
	keep := flag.Bool("keep", false, "leave the objects")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l.kubeconfig = *kubeconfig
	err := l.run(ctx, *keep)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		stop()
		os.Exit(1)
	}
}
