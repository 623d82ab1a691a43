// Package config is the agent's configuration file: what can be set, what counts where
// nothing is, and what is wrong with what was set.
//
// A file is read strictly: keys that are not known are mistakes, and all mistakes are
// reported at once, each with its place. Each part of [Config] says itself what is wrong
// with it, in errors that begin with the key. The manual, docs/configuration.md, is made
// from the code, and a test holds the two together.
package config
