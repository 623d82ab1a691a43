// Package lint finds what works and is probably not meant: values that a field
// never has, patterns that a cheaper operator says as well, rules that are true
// only when another is. What it says must be right when a person looks at it.
package lint
