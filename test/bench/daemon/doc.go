// Package daemon starts a real agent as a child process and reads what it says
// of itself: its metrics, and what the kernel knows of its memory and time.
//
// It is what benchmarks and the soak test have in common. A [Daemon] listens on a
// free port of the loopback and writes its alerts and its log into a directory
// that the caller gives and removes.
package daemon
