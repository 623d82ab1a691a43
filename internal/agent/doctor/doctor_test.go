package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes a Host of the given files; a value that begins with "-> " makes a
// symbolic link.
func tree(t *testing.T, files map[string]string) Host {
	t.Helper()
	root := t.TempDir()
	h := Host{Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys")}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// Effective capabilities: those the agent asks for, and all.
const (
	named = "CapEff:\t000000c001080004\n" // BPF, PERFMON, SYS_RESOURCE, SYS_PTRACE, DAC_READ_SEARCH
	none  = "CapEff:\t0000000000000000\n"
	admin = "CapEff:\t0000000000200000\n"
)

func TestPreflight(t *testing.T) {
	const btfFile = "sys/kernel/btf/vmlinux"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"fine", map[string]string{
			"proc/sys/kernel/osrelease": "6.18.44\n", "proc/self/status": named, btfFile: "x"}, ""},
		{"old admin", map[string]string{
			"proc/sys/kernel/osrelease": "5.8.0-generic\n", "proc/self/status": admin, btfFile: "x"}, ""},
		{"integrity", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": named, btfFile: "x",
			"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}, ""},
		{"too old", map[string]string{
			"proc/sys/kernel/osrelease": "5.4.0-99-generic\n", "proc/self/status": named, btfFile: "x"},
			"kernel 5.4.0-99-generic is too old: use Linux 5.8 or newer"},
		{"no btf", map[string]string{
			"proc/sys/kernel/osrelease": "5.10.0\n", "proc/self/status": named},
			"SYS/kernel/btf/vmlinux is not there, so the kernel does not describe its types: use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and mount /sys if this is a container"},
		{"no capability", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": none, btfFile: "x"},
			"no capability CAP_BPF, needed to load programs and maps: run as root or grant CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
		{"confidentiality", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": named, btfFile: "x",
			"sys/kernel/security/lockdown": "none integrity [confidentiality]\n"},
			"kernel lockdown is in confidentiality mode, which forbids BPF programs to read kernel memory: boot with lockdown=integrity or without lockdown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tree(t, tt.files)
			got := ""
			if err := h.Preflight(); err != nil {
				got = strings.ReplaceAll(err.Error(), h.Sys, "SYS")
			}
			if got != tt.want {
				t.Errorf("Preflight\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestHostChecks(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		check func(Host) Check
		want  Check
	}{
		{"v2", map[string]string{"proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
			Host.cgroups, Check{Name: "cgroups", Found: "version 2"}},
		{"hybrid", map[string]string{"proc/self/mountinfo": "1 2 0:3 / /a rw - cgroup cgroup rw,cpu\n4 2 0:5 / /b rw - cgroup2 cgroup2 rw\n"},
			Host.cgroups, Check{Name: "cgroups", Found: "hybrid: version 2 beside version 1 controllers"}},
		{"host pids", map[string]string{"proc/self/ns/pid": "-> pid:[4026531836]"},
			Host.pidNamespace, Check{Name: "pid namespace", Found: "the host's"}},
		{"own pids", map[string]string{"proc/self/ns/pid": "-> pid:[4026532999]"},
			Host.pidNamespace, Check{Name: "pid namespace", Status: Missing,
				Found: "the agent is in a pid namespace of its own (pid:[4026532999]), so the kernel's process numbers mean nothing to it",
				Fix:   "run it with hostPID: true (Kubernetes) or --pid=host (Docker)"}},
		{"limit above", map[string]string{
			"proc/self/cgroup":                    "0::/pods/agent\n",
			"sys/fs/cgroup/pods/agent/memory.max": "max\n", "sys/fs/cgroup/pods/memory.max": "67108864\n"},
			Host.memoryLimit, Check{Name: "memory limit", Status: Degraded, Found: "64 MiB, which a busy machine can exhaust",
				Fix: "allow 128 MiB, or make the buffers smaller (buffers.events)"}},
		{"no limit v1", map[string]string{
			"proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"},
			Host.memoryLimit, Check{Name: "memory limit", Found: "none"}},
		{"memlock new", map[string]string{"proc/sys/kernel/osrelease": "5.11.0\n"},
			Host.memlock, Check{Name: "locked memory", Found: "no limit to care for since Linux 5.11"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.check(tree(t, tt.files))); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	var b strings.Builder
	can, err := Write(&b, []Check{
		{Name: "kernel", Found: "6.18.44, needed is 5.8"},
		{Name: "cgroups", Status: Degraded, Found: "none", Fix: "mount it"},
	})
	want := "ok        kernel                          6.18.44, needed is 5.8\n" +
		"degraded  cgroups                         none\n" +
		"                                          → mount it\n" +
		"\nThe agent can run here; 1 of 2 checks are degraded.\n"
	if err != nil || !can || b.String() != want {
		t.Errorf("Write = %v, %v\n got %q\nwant %q", can, err, b.String(), want)
	}
}
