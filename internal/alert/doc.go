// Package alert holds what is reported: one [Alert] for each rule that an event
// made true.
//
// Its JSON is Falco's, key by key, so that what reads Falco reads Goshawk; what
// an analyst asks next stands beside those keys. An Alert owns all it holds: it
// borrows nothing from the event it was made of.
package alert
