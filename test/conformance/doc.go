// Package conformance holds Goshawk's rule language against its description:
// testdata has one case for each feature of the language, each operator with each
// type of field, and each thing that the loader says. README.md describes the
// format, which is meant to be read by people who write rules.
//
// The cases run against the real catalogue of fields, the real loader and the
// compiled matcher, so that they say what a rule does and not how.
package conformance
