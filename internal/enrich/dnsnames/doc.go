// Package dnsnames remembers which names the machine's programs looked up and which
// addresses they got, so that an address can be called by its name.
//
// Names are kept for each container apart, since what one of them asked says nothing
// about another: a program can forge answers for those of its own container alone. The
// agent itself looks nothing up. The name of an address is the one that was asked for,
// not that of an alias on the way to it.
//
// A [Table] is used by one goroutine, the one that handles events.
package dnsnames
