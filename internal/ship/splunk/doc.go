// Package splunk sends alerts to Splunk's HTTP Event Collector (HEC), and to
// anything else that speaks its protocol.
//
// # What is sent
//
// A request is a number of events written one after the other, gzipped, at most
// maxBatchBytes before that. Each event has the alert as its body, the alert's
// time, host, source, sourcetype and index beside it, and a flat list of indexed
// fields, so that rule, priority, tags, id and fingerprint can be searched with
// tstats. An event that is larger than maxEventBytes loses its long strings and
// then its details, and says so in the field truncated.
//
// # What an answer means
//
// The code in the answer's body decides:
//
//	0                     accepted
//	24, 25                accepted, and a pause before the next request
//	8, 9, 18-20, 23,      sent again with back-off
//	26, 27
//	1-4                   the token is refused: nothing is sent until its file
//	                      changes or the sink is reopened, but one event every
//	                      five minutes, in case it was enabled there
//	6, 12, 13, 15         an event is at fault: it is looked for and refused,
//	                      the rest is sent
//	5, 7, 10, 11, 14, 16, the request is at fault: its events are refused
//	21, 22
//
// An answer without such a code is not a collector's: a proxy, a gateway or
// another server gave it, and the alerts are sent again with back-off, whatever
// the HTTP status is, 200 included. The exception is 413, which means the same
// from everybody: an event is at fault, for its size.
//
// The event at fault is the one that invalid-event-number names, counted from
// 0; without one the request is halved until one event is left. An event is given
// up only after it was refused alone in a request. The requests of a batch keep
// the order of its alerts, and none is made after one that has to be repeated.
//
// # Secrets
//
// The token comes from a file or the environment and is in no error, log line
// or status. Redirects are not followed: they would carry it elsewhere.
package splunk
