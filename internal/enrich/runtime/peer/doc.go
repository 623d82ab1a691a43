// Package peer asks a container runtime through its socket: [CRI] speaks the
// Kubernetes Container Runtime Interface, [Docker] Docker's own.
//
// Answers are bounded in length, and what is kept of them in number and length
// (package oci). Whether to ask, and when to ask again, is the caller's to decide;
// errors say what they mean for that.
package peer
