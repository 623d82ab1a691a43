// Package report shows what is wrong with rule files: to people, with the line and
// a mark under the place; to programs, as JSON; and to code scanners, as SARIF.
package report
