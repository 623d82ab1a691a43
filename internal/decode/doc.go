// Package decode turns a record of the kernel side into an [event.Event].
//
// The layout is bpf/event.h; the Go types are generated from it. Nothing is
// copied: the event's strings are the record's bytes, valid until the record's
// buffer is used again. A malformed record is an error and never a panic.
package decode
