// Package source is the text of a rule file: its YAML nodes, and where in the file
// each character of a value stands, so that a mistake deep in a folded block is
// reported with the line and column that a person has to edit.
//
// Any bytes are safe: size, aliases and the search for a place are bounded.
package source
