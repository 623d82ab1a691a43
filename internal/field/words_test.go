package field

import (
	"slices"
	"testing"

	"github.com/goshawk-security/goshawk/internal/event"
)

func TestWords(t *testing.T) {
	tests := []struct {
		what  string
		words []string
		has   []string
	}{
		{"evt.res", Words("evt.res"), []string{"SUCCESS", "EPERM", "ENOENT", "EHWPOISON"}},
		{"fd.type", Words("fd.type"), []string{"file", "ipv6", "io_uring", "anon"}},
		{"fd.typechar", Words("fd.typechar"), []string{"f", "4", "P"}},
		{"proc.stdin.type", Words("proc.stdin.type"), []string{"pipe", "unix"}},
		{"capabilities", Capabilities(), []string{"CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"}},
		{"flags", OpenFlags(), []string{"O_RDWR", "O_TMPFILE", "O_CLOEXEC", "FD_UPPER_LAYER"}},
		{"parameters", Params()[event.Openat], []string{"fd", "dirfd", "flags"}},
	}
	for _, tt := range tests {
		for _, word := range tt.has {
			if !slices.Contains(tt.words, word) {
				t.Errorf("%s has no %s: %v", tt.what, word, tt.words)
			}
		}
		if slices.Contains(tt.words, "") {
			t.Errorf("%s has an empty word", tt.what)
		}
	}
	if words := Words("proc.name"); words != nil {
		t.Errorf("proc.name has the words %v", words)
	}
}
