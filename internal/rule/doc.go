// Package rule turns the text of rule files into checked rules.
//
// A file is YAML whose items are rules, macros and lists (Falco's language). It
// goes through these steps, each in files of its own: the YAML layer finds the
// items (yaml.go, read.go, define.go) and where each character of a text lies in
// the file (source.go); the lexer and the parser make a tree of a condition
// (lex.go, parse.go, template.go for outputs); the loader joins the items of all
// files (load.go, lists.go); and the checker holds every tree against the
// catalogue of fields and works out which event types can make it true (check.go,
// compare.go, types.go). All mistakes of all files come out of one run, each an
// [Error] with file, line and column.
//
// A [Set] that [Load] returned is complete and never changes. Macros stay
// nodes of the tree ([Macro.Expr] is shared, never copied), so that text that
// doubles at each level does not grow memory: who walks a tree must remember what
// it did with a macro, or takes exponential time.
//
// Any bytes are safe to load: depth, expansion of lists, aliases and suggestions
// are bounded, and what exceeds a bound is an error with a place.
package rule
