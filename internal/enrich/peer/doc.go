// Package peer keeps whose the addresses are that connections lead to.
//
// A [Cache] is asked in the goroutine that handles events and never blocks: an address
// that it does not know is handed to a worker, and the event.Peer says that it waits
// until [Cache.Advance] has taken the answer over in that goroutine. What is known is
// believed for an interval: short for pods, since their addresses go from one to the
// next, longer for all else.
package peer
