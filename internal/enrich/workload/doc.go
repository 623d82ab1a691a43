// Package workload says which container and pod a cgroup belongs to.
//
// [Parse] reads a cgroup's path; no runtime is asked. A [Resolver] keeps which
// cgroup id has which path: from what the kernel announces, from one walk of the
// cgroup file system at start, and, late, from /proc/PID/cgroup. [Hierarchy]
// chooses the hierarchy whose ids count, the same for the kernel side and here.
//
// # What a path can be trusted for
//
// The outermost container in a path counts, so that a container that may make
// cgroups below its own cannot take another's name. The one exception are
// Kubernetes nodes that are containers themselves (kind): there the outermost
// container below the first kubepods cgroup counts.
//
// A Resolver is used by one goroutine, the one that handles events.
package workload
