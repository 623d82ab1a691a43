// Package live runs the built agent on this machine's kernel and lets real
// programs do what the shipped rules warn of. It has tests alone.
package live
