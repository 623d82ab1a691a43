// Package agent joins the stages into the program that runs on a node.
//
// [LoadConfig] reads the configuration file, [New] turns it into rules and
// destinations and reports every mistake of either before anything is attached
// to the kernel, [Agent.Run] watches until its context ends. The way of one event
// through the stages is in loop.go and can be read there from top to bottom.
//
// # Goroutines
//
// One goroutine handles events; it alone touches the process table. Beside it run
// the watch (heartbeat, losses, liveness: once per second), the HTTP server, and
// one goroutine per destination inside package ship.
//
// # Stopping
//
// When the context ends the kernel side is detached, what the rings still hold is
// handled, and the destinations are flushed, within five seconds in all.
//
// agent knows every stage; nothing but cmd imports it.
package agent
