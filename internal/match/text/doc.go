// Package text compares one text with many literals at once, and knows glob
// patterns and regular expressions.
//
// A comparison becomes a [Test]: a function, and, where the operator allows it, the
// literals of which a text must have one for the function to be true. An [Index]
// holds the literals of many comparisons of one field and finds those that a text
// has in one pass, whose cost does not grow with their number.
//
// All of it is bounded: an index is linear in the length of its literals, a search
// in that of the text, and a regular expression in both.
package text
