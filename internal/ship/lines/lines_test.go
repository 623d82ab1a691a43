package lines

import (
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// The buffer stays from batch to batch, but not the one of a giant.
func TestRelease(t *testing.T) {
	var b Batch
	for _, tt := range []struct {
		size int
		kept bool
	}{{1 << 20, true}, {maxKept, false}} {
		b.Encode([]*alert.Alert{{Output: strings.Repeat("x", tt.size)}}, func(a *alert.Alert) string { return a.Output })
		if len(b.Bytes()) < tt.size {
			t.Fatalf("%d bytes for an output of %d", len(b.Bytes()), tt.size)
		}
		b.Release()
		if kept := b.buf.Cap() >= tt.size; kept != tt.kept {
			t.Errorf("buffer of %d bytes kept: %v, want %v", tt.size, kept, tt.kept)
		}
	}
}
