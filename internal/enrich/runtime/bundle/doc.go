// Package bundle finds the OCI bundle of a container by its id, and reads what it
// says: the bundle's config.json is there before the container's first process runs.
//
// # Where bundles are
//
//   - containerd: STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json, its
//     namespace being k8s.io for Kubernetes and moby for Docker;
//   - CRI-O and podman: STORAGE/overlay-containers/ID/userdata/config.json.
//
// The usual places are built in; [Reader.Learn] adds others. Namespaces that are not
// well known are looked for.
//
// # Hostile files
//
// Bundles belong to root, and no container can write there. Still no link is followed
// below those places, only regular files of bounded length are opened, and the reading
// runs aside, so that a file system which does not answer costs the answer and not the
// agent.
package bundle
