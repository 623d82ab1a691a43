// Package format writes rule files in one layout and keeps their comments.
//
// Items have a blank line between them and their keys in the order of rule.Keys.
// Conditions, outputs and descriptions stand on one line where they fit, else in a
// folded block: conditions broken at and and or, so that the lines show the
// structure, texts between words. Lists and tags are written in brackets.
//
// What holds a comment, an anchor, or a layout with a meaning of its own (line breaks
// within a text) is left as it stands, but for its indentation. What the file means
// never changes: that is checked, and a file for which it did would be refused.
package format
