// Command soak runs an agent for minutes under a mixed load and asserts that
// nothing grows and nothing goes missing.
//
// The load (load.go) starts programs, opens, renames and removes files, makes
// connections and compiles, and is held to a part of the machine (pace.go).
// Beside it a known number of marked calls is made (mark.go). At the end
// (judge.go) the agent's memory is compared with what it was after the warm-up,
// every marked call must have been received or counted as lost, and every alert
// for one must be in the file exactly once.
//
// It needs root and the live kernel. Nothing leaves the machine. The exit code is
// 1 when something is wrong.
package main
