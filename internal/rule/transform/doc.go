// Package transform makes the transformers of conditions and outputs,
// tolower(proc.name) and the like: a row as those of the catalogue, whose getter
// calls those of the fields inside. What reads fields needs nothing special for it.
package transform
