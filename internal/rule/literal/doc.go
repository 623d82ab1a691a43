// Package literal reads the literals of conditions as the values of a type:
// numbers, addresses and networks, durations, bytes, regular expressions.
package literal
