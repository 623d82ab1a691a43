// Package deploy holds the image, the Helm chart and the plain manifests made from it to
// what docs/kubernetes.md promises of them. It has tests alone.
package deploy
