// Package match decides which rules an event satisfies.
//
// [Compile] makes a [Set], which never changes, so that a reload compiles a new one
// and swaps it in. A [Matcher] holds what one goroutine remembers while it works on an
// event: the result of each node of the graph, in two bits, and the texts that it read.
//
// # Logic
//
// Results are Kleene's: true, false, or unknown while a value is pending; package
// predicate says what comparisons make of the kinds of value. A rule fires when its
// condition is true. Rules that are neither true nor false are counted, and
// [Matcher.Pending] tells of them: whoever holds an event until its values are there
// begins there.
//
// A file has up to four names (event.Event.Names). A rule that asks for a name is
// tried with each and fires once, with the first for which it is true.
//
// # Speed
//
// Most events make no rule true, so the work is to see that without looking at each
// rule. Of the rules of the event's type remain those that the process image leaves
// open, which is remembered for it. Of these most need a text to have one of some
// literals: one index for each text finds them together, whatever their number. Only
// what is found, and the few rules that need no text, are evaluated.
package match
