package agent

import (
	"os"
	"runtime/debug"

	"github.com/goshawk-security/goshawk/internal/agent/config"

	"github.com/goshawk-security/goshawk/internal/agent/doctor"
)

// gcPercent trades time for memory: the agent makes little garbage, so collecting
// at one and a half times what lives costs next to nothing and keeps it small.
const gcPercent = 50

// tuneMemory sets the garbage collector up, unless the operator did by GOGC or
// GOMEMLIMIT. In a memory cgroup the heap's soft limit leaves room for the rings,
// which the kernel charges to it, and for what Go does not count.
func tuneMemory(host doctor.Host, rings config.Quantity) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limit, ok := host.MemoryLimit()
	if !ok || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	// Below a floor a limit would only make the collector run all the time.
	const floor = 32 << 20
	debug.SetMemoryLimit(max(floor, limit/10*9-int64(rings)))
}
