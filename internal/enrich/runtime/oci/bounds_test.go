package oci

import (
	"testing"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/event"
)

// checkBounds holds what was read against the bounds.
func checkBounds(t *testing.T, i *event.ContainerInfo) {
	t.Helper()
	if len(i.Labels) > maxLabels || len(i.PodLabels) > maxLabels || len(i.Mounts) > maxMounts || len(i.PodIPs) > maxIPs {
		t.Errorf("%d labels, %d of the pod, %d mounts, %d addresses", len(i.Labels), len(i.PodLabels), len(i.Mounts), len(i.PodIPs))
	}
	texts := []string{i.Name, i.Image, i.ImageID, i.ImageDigest, i.User, i.PodName, i.PodNamespace, i.PodUID, i.SandboxID}
	for k, v := range i.Labels {
		texts = append(texts, k, v)
	}
	for _, m := range i.Mounts {
		texts = append(texts, m.Source, m.Destination, m.Mode, m.Propagation)
	}
	texts = append(texts, i.PodIPs...)
	for _, s := range texts {
		if len(s) > maxText+utf8.UTFMax || !utf8.ValidString(s) {
			t.Errorf("%d bytes, UTF-8 %v: %.50q", len(s), utf8.ValidString(s), s)
		}
	}
}
