// Package loader reads rule files and makes a rule.Set of them.
//
// All mistakes of all files come out of one run, each a *rule.Error with file,
// line and column. A set that has an error has no rules: a file that is partly bad
// is refused whole. Any bytes are safe to load, in linear time and bounded memory.
package loader
