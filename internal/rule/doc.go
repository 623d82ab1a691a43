// Package rule is what a rule file says, once it was read: rules, macros, lists,
// the trees of conditions, the templates of outputs, and the mistakes in them.
//
// The way from text to a [Set] is in sub-packages, each of which knows those
// before it alone: source (the text of a file, its YAML, and where each character
// of a value stands), syntax (condition → tree, output → template), check (trees
// against the catalogue of fields: types, arguments, names, which event types can
// make a condition true, and what is probably not meant), compose (items → Set: what
// one changes of another, and who sees whose names) and loader (files and sets → Set).
//
// A [Set] that was loaded is complete and never changes. Macros stay nodes of
// the tree ([MacroRef.Macro] is shared, never copied), so that text that doubles at
// each level does not grow memory: who walks a tree must remember what it did with
// a macro, or takes exponential time.
package rule
