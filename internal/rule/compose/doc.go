// Package compose puts rules together from the items of texts: what a later item
// changes of an earlier one, what exceptions make of a condition, and which names
// a text can see.
//
// [Global] reads texts that hold everywhere and share their names. [Base.Tenant]
// reads the set of a namespace on top of them: it sees their macros and lists, has
// its own beside, and can change nothing of theirs. Any bytes are safe to read, in
// linear time and bounded memory.
package compose
