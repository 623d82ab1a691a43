// Package syntax parses conditions into trees and outputs into templates.
//
// It knows neither fields nor macros: names stay unresolved. Reading goes on after
// a mistake, so that one run finds them all; nesting is bounded by rule.MaxDepth.
package syntax
