// Package field is the catalogue of what can be asked about an event.
//
// A [Field] is one row: name, type, argument, meaning, where the value comes
// from, what it depends on, what invalidates it, and the getter that reads it.
// The checker of rules, the matcher, the output templates and the manual are all
// made from the rows; nothing else describes a field.
//
// Each source of events exports its rows ([Syscall] is the one for system
// calls); the agent joins them into a [Catalogue] explicitly.
package field
