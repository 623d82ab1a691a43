// Package cluster tests the agent in a real Kubernetes: one node, started here by
// test/cluster/node, with the image and the chart of deploy, and alerts read where they
// arrive: at a collector outside of the cluster. `make test-cluster` runs it (root, Debian);
// the tests are built with the tag cluster alone, since they take a quarter of an hour.
//
// GOSHAWK_CLUSTER=DIR uses the cluster there, started by `make cluster-up` or left by an
// earlier run, and leaves it; GOSHAWK_CLUSTER_KEEP=1 leaves one that was started for the run.
package cluster
