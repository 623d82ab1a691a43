// Package watch says when files or directories change, by whatever way they are
// changed: written in place, renamed over, replaced by a symbolic link as
// Kubernetes does with a ConfigMap, moved away together with their directory.
//
// It says that something may have changed, never what: whoever is told reads
// again, and finds out whether it matters. Several changes in quick succession are
// told once. Where the kernel does not tell (a limit is reached), watch asks to
// read at intervals instead.
package watch
