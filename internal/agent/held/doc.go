// Package held keeps events whose metadata is on its way, so that they are judged once
// it is there.
//
// A [Queue] copies what it keeps: the kernel's record, and what enrichment made of it.
// It is bounded in events and in bytes, of which one container has a quarter at most; who
// finds it full judges the event with what there is. Events come out in the order in which they went in, except that one which
// waits does not stop those behind it that wait no longer.
//
// A Queue is used by one goroutine, the one that handles events; Stats is for any.
package held
