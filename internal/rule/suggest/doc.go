// Package suggest finds the known name that a person probably meant.
package suggest
