// Package runtime says what a container is: its name, image, labels, mounts and
// pod, as the container runtime of the node knows them.
//
// A [Client] is told of a container by Ask, which never blocks, and answers through
// [Config.Report] by and by. There are two sources. The OCI bundle's config.json is a
// file that exists before the first process of the container does; package oci reads
// it. The runtime's socket knows more, and takes longer: CRI for containerd, CRI-O
// and cri-dockerd, Docker's own API where a container has no pod. Sockets are found
// in their usual places.
//
// # Answers
//
// For each container that was asked for, each of the two sources ends up exactly
// once in an Answer's Answered, and in Missed as well if it had nothing to say within
// [Config.Timeout]. Answers about one container come in order, and an Info that is not
// nil holds all that was said before. After that two things may still change, and are
// answered again: a source that was missed because it did not work may work again,
// and a container that was asked about while it was being made has its Started as
// soon as it runs. Who wants no more says Forget.
//
// # A runtime that fails
//
// Nothing that a runtime does reaches beyond its own answers. Every question has
// a timeout, and so has the reading of files (package aside). When three containers in
// a row get no answer, the runtime is down: containers are answered at once with what
// their bundles say, and one question at a time is asked until one is answered. Then the
// containers it owes are asked for again, slowly. A socket that is made anew, as when
// its runtime starts again, is connected to anew, and is no news worth a word. Answers
// are bounded in length and number (package oci), and those about another container
// than asked for are dropped.
//
// # What is not used
//
// CRI's stream of events is left alone. In containerd 1.7 and the first CRI-O that
// had it, all callers share one queue: an event that is read here is one the kubelet
// does not get. Debian's 1.6 has none at all. Asking once more says the same.
package runtime
