package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// capSet is a set of capabilities, one bit each.
type capSet uint64

func (s capSet) has(capability int) bool { return s&(1<<capability) != 0 }

// effective reads the capabilities that this process can use.
func (h Host) effective() (capSet, error) {
	text, err := os.ReadFile(filepath.Join(h.Proc, "self/status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return capSet(set), err
		}
	}
	return 0, fmt.Errorf("read capabilities: no CapEff in %s/self/status", h.Proc)
}

// need is a capability, and what is lost without it.
type need struct {
	name       string
	capability int
	status     Status // without it
	purpose    string
}

// needs: CAP_SYS_ADMIN stands for the first two, as it did before 5.8.
var needs = []need{
	{"CAP_BPF", unix.CAP_BPF, Missing, "load programs and maps"},
	{"CAP_PERFMON", unix.CAP_PERFMON, Missing, "attach to tracepoints and read kernel memory"},
	{"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE, Degraded, "read /proc of other users' processes that started before the agent"},
	{"CAP_SYS_RESOURCE", unix.CAP_SYS_RESOURCE, Degraded, "raise limits of memory (kernels before 5.11)"},
	{"CAP_DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH, Degraded, "read files of containers (users and groups) that are not root's"},
}

func (h Host) capabilities() []Check {
	set, err := h.effective()
	if err != nil {
		return []Check{{Name: "capabilities", Status: Degraded, Found: fmt.Sprintf("unknown: %v", err),
			Fix: "mount /proc; the agent tries all the same"}}
	}
	checks := make([]Check, 0, len(needs))
	for _, n := range needs {
		checks = append(checks, h.capability(n, set))
	}
	return checks
}

func (h Host) capability(n need, set capSet) Check {
	c := Check{Name: n.name}
	admin := n.status == Missing && set.has(unix.CAP_SYS_ADMIN)
	switch {
	case set.has(n.capability):
		c.Found = n.purpose
	case admin, n.capability == unix.CAP_DAC_READ_SEARCH && set.has(unix.CAP_DAC_OVERRIDE):
		c.Found = n.purpose + " (by a wider capability)"
	case n.capability == unix.CAP_SYS_RESOURCE && !h.needsResource():
		c.Found = "not granted and not needed by this kernel"
	default:
		c.Status = n.status
		c.Found = fmt.Sprintf("no capability %s, needed to %s", n.name, n.purpose)
		c.Fix = "run as root or grant " + n.name
		if n.status == Missing {
			c.Fix = "run as root or grant CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
		}
	}
	return c
}

func (h Host) needsResource() bool {
	_, r, err := h.release()
	return err != nil || r.before(5, 11)
}
