// Package rule turns the text of rule files into checked rules.
//
// A file is YAML whose items are rules, macros and lists (Falco's language). It
// goes through four steps, each in a file of its own: the YAML layer finds the
// items and where each string lies in the file, the lexer and the parser make a
// tree of a condition, the loader joins the items of all files, and the checker
// holds every tree against the catalogue of fields. All mistakes of all files
// come out of one run, each an [Error] with file, line and column.
//
// A [Set] that [Load] returned is complete and never changes. Macros stay
// nodes of the tree ([Macro.Expr] is shared, never copied), so that text that
// doubles at each level does not grow memory.
package rule
