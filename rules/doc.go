// Package rules holds the rules that Goshawk ships, in Falco's language, and
// embeds them, so that the agent has something to look for without any file.
//
// Each file of rules has its tests beside it: X.test.yaml says for X.yaml which
// events make which rules fire. The loader passes over them, and they are not
// embedded.
package rules
