package predicate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAliases(t *testing.T) {
	tests := []struct {
		path string
		want []string
	}{
		{"/bin", []string{"/usr/bin"}},
		{"/bin/sh", []string{"/usr/bin/sh"}},
		{"/binary", nil},
		{"/lib64/x", []string{"/usr/lib64/x"}},
		{"/var/run/docker.sock", []string{"/run/docker.sock"}},
		{"/usr/bin/sh", []string{"/bin/sh"}},
		{"/usr/binary", nil},
		{"/usr", nil},
		{"/run", []string{"/var/run"}},
		{"/run/docker.sock", []string{"/var/run/docker.sock"}},
		{"/run/lock/x", []string{"/var/run/lock/x", "/var/lock/x"}},
		{"/var/lock/x", []string{"/run/lock/x", "/var/run/lock/x"}},
		{"/proc/self/exe", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Aliases(tt.path)); diff != "" {
			t.Errorf("%s: %s", tt.path, diff)
		}
	}
}
