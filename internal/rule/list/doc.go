// Package list shows the rules of a set: which there are, chosen by tag, priority
// and source, as a table, as JSON, or as the matrix of ATT&CK that they cover.
package list
