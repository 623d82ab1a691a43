package agent

import (
	"github.com/goshawk-security/goshawk/internal/agent/config"
	"github.com/goshawk-security/goshawk/internal/capture"
	"github.com/goshawk-security/goshawk/internal/enrich"
)

// captureConfig is the part of the stage capture.
func captureConfig(c *config.Config) capture.Config {
	return capture.Config{
		EventsBytes: int(c.Buffers.Events),
		StateBytes:  int(c.Buffers.State),
		ProcRoot:    c.Node.Proc,
	}
}

// enrichConfig is the part of the stage enrich.
func enrichConfig(c *config.Config) enrich.Config {
	return enrich.Config{
		ProcRoot: c.Node.Proc, CgroupRoot: c.Node.Cgroup,
		MaxProcesses: c.Limits.Processes, MaxText: int64(c.Limits.ProcessText), Wait: max(c.Metadata.Wait, 1),
	}
}
