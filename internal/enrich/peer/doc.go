// Package peer keeps whose the addresses are that connections lead to.
//
// A [Cache] is asked in the goroutine that handles events and never blocks: an address
// that it does not know is handed to a worker, and the event.Peer says that it waits
// until [Cache.Advance] has taken the answer over in that goroutine. Loopback and
// link-local addresses are local without a question.
//
// # How long an answer is believed
//
// A pod's for half a minute, since its address goes to another pod when it ends; that
// of a service or a node for five minutes. [Cache.Changed] ends it sooner. An address
// of the cluster's ranges that nobody has may be that of a pod which began a moment
// ago: the API server hears of its address a second or two later than the first packet
// leaves. So the first such answer is doubted: the question is put again while the
// event may wait, and "outside" is then believed for a quarter of a minute, twice as
// long each time it is said again.
//
// What is not sound: within these intervals an address can change hands, and the new
// owner is told under the old one's name, unless Changed was called. An address that
// changed hands between the connection and the question names the new owner.
//
// # When nobody answers
//
// A peer waits for a bounded time, then it is marked as missed. An answer that comes
// later is for those who ask next. After some failures in a row no question is put for
// a while, and who waits is told so at once: a hung API server must not hold events
// back one by one.
package peer
