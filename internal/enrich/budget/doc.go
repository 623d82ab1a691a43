// Package budget counts memory that is alive: strings and structs that many
// holders share, and of which nobody can say when the last one lets go.
//
// A [Budget] is charged when a thing is made; the garbage collector gives the
// charge back. So what is shared counts once, what is garbage counts until it is
// collected, and no path through the code can forget to give back.
package budget
