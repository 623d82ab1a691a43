// Package match decides which rules an event satisfies.
//
// [Compile] joins the conditions of all rules into one graph: equal
// comparisons are one predicate, macros and equal parts of conditions are one
// node. What the type of an event decides is then left out, for each type on its
// own, and what is left are nodes of the same graph. A [Set] never changes, so that
// a reload compiles a new one and swaps it in. A [Matcher] holds what one goroutine
// remembers while it works on an event: the result of each node, in two bits, and
// the texts that it read.
//
// # Logic
//
// Results are Kleene's: true, false, or unknown while a value is pending. A
// comparison with an absent or unreadable value is false and not of it is true,
// as in Falco; exists is true of an unreadable value. A rule fires when its
// condition is true.
//
// A file has up to three names (event.Event.Names). A rule that asks for a name
// is tried with each and fires once, with the first for which it is true.
//
// # Links
//
// A literal compared with a path stands for the path's other names by way of the
// usual links as well, in both directions: /bin/ls for /usr/bin/ls, which the kernel
// resolves it to, and /usr/bin/ls for /bin/ls, which a caller of unlink may have
// given. See [Aliases]. With contains, icontains and endswith only the first
// direction counts, since what is shorter is part of too much: /bin/ is in /opt/bin/ls.
// A literal that lies above a link, such as /usr/, has no alias.
package match
