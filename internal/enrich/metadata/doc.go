// Package metadata joins containers with what the runtime and the API server say of
// them.
//
// The sources push: an [Answer] or a [PodReport] may come from any goroutine and waits
// in an inbox until [Joiner.Advance] applies it in the goroutine that handles events,
// which alone reads and writes an event.Container. Nothing here blocks.
//
// A container waits for each source that may say something of it, until that source
// has answered or the time to wait is over; then what did not come is noted as missed.
// An answer that comes later still counts for the events after it.
//
// A container that ended is kept until it waits no more: the events of one that lived
// for a millisecond are still held then. A pod is kept as long as its source says.
package metadata
