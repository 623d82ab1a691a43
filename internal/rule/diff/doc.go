// Package diff compares two sets of rules by what they mean, so that an upgrade of
// a rule set can be read before it is activated. Layout, comments, the order of
// rules, of the parts of and and or, and of the values of lists make no difference;
// a macro or list that has another name does.
package diff
