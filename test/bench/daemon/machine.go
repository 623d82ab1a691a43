package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// MachineTicks reads from /proc/stat for how long all CPUs were busy, of how
// long, both in ticks added up over the CPUs.
func MachineTicks() (busy, all float64, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("read the machine's load: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil || i > 8 { // the name; guests are counted as users already
			continue
		}
		all += v
		if i != 4 && i != 5 { // idle, waiting for a disk
			busy += v
		}
	}
	return busy, all, nil
}
