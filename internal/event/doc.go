// Package event holds what happened: one [Event] and the things it points to.
//
// It is the noun that every stage passes on. decode fills an Event from a
// kernel record, enrich adds the [Process], [Image] and [Container] it belongs
// to, match reads it through the getters of package field.
//
// # Ownership
//
// One Event is reused for every record: its bytes belong to the reader of the
// ring and its strings are borrowed from buffers that the next record
// overwrites. What must outlive the event is copied by whoever keeps it
// (strings.Clone; [Value.Clone]). Process, Image and Container are shared and
// live on: an Image never changes after it was published, a Process,
// a Container and a Peer are changed by enrich alone, in the goroutine that handles
// events: metadata may come later than the events that it belongs to.
//
// # Time
//
// Every time of an event is CLOCK_BOOTTIME in nanoseconds. [Event.BootOffset]
// is what to add to get nanoseconds since the Unix epoch; it is sampled for each
// event, so that a step of the wall clock does not move what happened before.
//
// event imports nothing of ours.
package event
