// Command bench measures what Goshawk costs on the machine that it runs on.
//
// It prints, from one run, what a call costs in several states of the machine
// (cost.go), how many events per second the agent takes before it loses one
// (rate.go), what an idle agent uses (idle.go), and the Go benchmarks
// (gobench.go), each beside its target. docs/benchmarks.md has the method.
//
// It needs root and the live kernel. Nothing leaves the machine.
package main
