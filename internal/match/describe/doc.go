// Package describe says what becomes of a rule's condition, for authors: what each
// part depends on, what is left of it for each type of event, and what it costs.
package describe
