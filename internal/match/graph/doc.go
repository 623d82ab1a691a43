// Package graph joins the conditions of all rules into one graph and prepares it
// for events.
//
// Equal comparisons are one predicate, macros and equal parts of conditions are one
// node, whatever the number of times that they are written. What the type of an event
// decides is then left out, for each type on its own; what is left are nodes of the
// same graph. Of these conditions the graph says what makes it worth to look at them:
// comparisons of texts of which one must be true, found by one index for each text,
// and parts that the process image or a cheap look at the event decides.
//
// A graph never changes once it is compiled.
package graph
