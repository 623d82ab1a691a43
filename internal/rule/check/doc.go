// Package check holds conditions and outputs against the catalogue of fields: it
// resolves names, converts literals, works out which event types can make a rule
// true, and warns of what works but is probably not meant.
//
// Expansion of lists and the effort for suggestions are bounded over one load.
package check
