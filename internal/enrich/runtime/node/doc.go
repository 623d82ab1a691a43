// Package node reads the node's file system as a container sees it that has parts of
// it mounted: files are found below a root, and what a name leads to is looked at
// before it is opened.
//
// It imports nothing of ours.
package node
