package doctor

import (
	"encoding/binary"
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

// types is BTF as far as its header goes: one byte of types, one of names.
var types = string(binary.NativeEndian.AppendUint16(nil, btfMagic)) + "\x01\x00" + words(24, 0, 1, 1, 1) + "tn"

func words(list ...uint32) string {
	var b []byte
	for _, w := range list {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return string(b)
}

func TestPreflight(t *testing.T) {
	const btfFile = "sys/kernel/btf/vmlinux"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"fine", map[string]string{
			"proc/sys/kernel/osrelease": "6.18.44\n", "proc/self/status": named, btfFile: types}, ""},
		{"old admin", map[string]string{
			"proc/sys/kernel/osrelease": "5.8.0-generic\n", "proc/self/status": admin, btfFile: types}, ""},
		{"integrity", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": named, btfFile: types,
			"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}, ""},
		{"too old", map[string]string{
			"proc/sys/kernel/osrelease": "5.4.0-99-generic\n", "proc/self/status": named, btfFile: types},
			"kernel 5.4.0-99-generic is too old: use Linux 5.8 or newer"},
		{"no btf", map[string]string{
			"proc/sys/kernel/osrelease": "5.10.0\n", "proc/self/status": named},
			"SYS/kernel/btf/vmlinux is not there, so the kernel does not describe its types: use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and mount /sys if this is a container"},
		{"empty btf", map[string]string{
			"proc/sys/kernel/osrelease": "5.10.0\n", "proc/self/status": named, btfFile: ""},
			"SYS/kernel/btf/vmlinux does not describe the kernel's types (it is empty): use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and take off what is mounted over the file"},
		{"no btf in it", map[string]string{
			"proc/sys/kernel/osrelease": "5.10.0\n", "proc/self/status": named, btfFile: strings.Repeat("x", 100)},
			"SYS/kernel/btf/vmlinux does not describe the kernel's types (it is no BTF): use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and take off what is mounted over the file"},
		{"cut btf", map[string]string{
			"proc/sys/kernel/osrelease": "5.10.0\n", "proc/self/status": named, btfFile: types[:25]},
			"SYS/kernel/btf/vmlinux does not describe the kernel's types (it ends after 25 of 26 bytes): use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and take off what is mounted over the file"},
		{"own pid namespace", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": named, btfFile: types, "proc/self/ns/pid": "-> pid:[4026532999]"}, ""},
		{"no capability", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": none, btfFile: types},
			"no capability CAP_BPF, needed to load programs and maps: run as root or grant CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
		{"confidentiality", map[string]string{
			"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": named, btfFile: types,
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
		{"v2", map[string]string{"proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/cgroup.procs": ""},
			Host.cgroups, Check{Name: "cgroups", Found: "version 2"}},
		{"hybrid", map[string]string{"proc/self/mountinfo": "1 2 0:3 / /a rw - cgroup cgroup rw,cpu\n4 2 0:5 / /b rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/cpu/cgroup.procs": ""},
			Host.cgroups, Check{Name: "cgroups", Found: "hybrid: version 2 beside version 1 controllers"}},
		{"hidden cgroups", map[string]string{"proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/other": ""},
			Host.cgroups, Check{Name: "cgroups", Status: Degraded,
				Found: "version 2, but SYS/fs/cgroup shows no cgroups, so containers are known only from what the kernel reports",
				Fix:   "mount the host's /sys/fs/cgroup there read-only, or set node.cgroup to where it is"}},
		{"host pids", map[string]string{"proc/self/ns/pid": "-> pid:[4026531836]"},
			Host.pidNamespace, Check{Name: "pid namespace", Found: "the host's"}},
		{"own pids", map[string]string{"proc/self/ns/pid": "-> pid:[4026532999]"},
			Host.pidNamespace, Check{Name: "pid namespace", Status: Degraded,
				Found: "the agent is in a pid namespace of its own (pid:[4026532999]), so that the kernel's process numbers mean nothing to it:" +
					" processes that started before it are not known, and lineages end at them",
				Fix: "run it with hostPID: true (Kubernetes) or --pid=host (Docker)"}},
		{"own pids, the host's proc", map[string]string{"proc/self/ns/pid": "-> pid:[4026532999]", "proc/self/status": "NSpid:\t4711\t7\n"},
			Host.pidNamespace, Check{Name: "pid namespace", Found: "its own (pid:[4026532999]), with the /proc of an outer one at PROC"}},
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
			h := tree(t, tt.files)
			got := tt.check(h)
			got.Found = strings.NewReplacer(h.Proc, "PROC", h.Sys, "SYS").Replace(got.Found)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClosedProcesses(t *testing.T) {
	tests := []struct {
		name, status string
		closed       int
		want         Check
	}{
		{"none", none, 0, Check{Found: "9 processes"}},
		{"one", named, 1, Check{Found: "9 processes, one of which cannot be read and is known in part"}},
		{"no right", none, 8, Check{Status: Degraded, Fix: "run as root or grant CAP_SYS_PTRACE",
			Found: "8 of 9 processes cannot be read, so what ran before the agent is known in part"}},
		{"right that does not help", named, 2, Check{Status: Degraded,
			Found: "2 of 9 processes cannot be read, so what ran before the agent is known in part",
			Fix:   "CAP_SYS_PTRACE is there: look for a user namespace or a security module (AppArmor, SELinux, Yama) that denies it"}},
	}
	for _, tt := range tests {
		h := tree(t, map[string]string{"proc/self/status": tt.status})
		if diff := cmp.Diff(tt.want, h.closedProcesses(Check{}, 9, tt.closed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestLimits(t *testing.T) {
	h := tree(t, map[string]string{
		"proc/sys/kernel/osrelease": "6.1.0\n", "proc/self/status": admin, "proc/self/ns/pid": "-> pid:[4026532999]",
		"proc/self/mountinfo": ""})
	var got []string
	for _, c := range h.Limits() {
		if c.Status != OK {
			got = append(got, c.Status.String()+" "+c.Name)
		}
	}
	want := []string{"degraded CAP_SYS_PTRACE", "degraded CAP_DAC_READ_SEARCH", "degraded cgroups", "degraded pid namespace"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Limits (-want +got):\n%s", diff)
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
