// Package hec tests the way to a SIEM against a server that is not ours: the
// Splunk HEC receiver of the OpenTelemetry Collector, in this process, on
// loopback. It is a module of its own so that the Collector's dependencies stay
// out of the agent's.
package hec
