package loader

import (
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/goshawk-security/goshawk/internal/field"
)

// TestLint: what can never be true, or always is, with the fields of the system
// calls. Places count from the condition's first character, which is 1.
func TestLint(t *testing.T) {
	tests := []struct{ cond, want string }{
		{`proc.name = systemd-networkd`, `13: systemd-networkd has 16 bytes, and the kernel keeps 15 of the name of a process: it never matches; did you mean systemd-network?`},
		{`proc.aname[2] in (sh, systemd-networkd)`, `23: systemd-networkd has 16 bytes, and the kernel keeps 15 of the name of a process: it never matches; did you mean systemd-network?`},
		{`proc.pname contains systemd-networkd`, `21: systemd-networkd has 16 bytes, and the kernel keeps 15 of the name of a process: it never matches`},
		{`proc.name = systemd-network`, ``},
		{`proc.name glob systemd-networkd*`, ``},

		{`evt.res = SUCESS`, `11: evt.res is never "SUCESS"; did you mean SUCCESS?`},
		{`evt.res != success`, `12: evt.res is never "success"; did you mean SUCCESS?`},
		{`evt.res in (ENOENT, EACCESS, -512)`, `21: evt.res is never "EACCESS"; did you mean EACCES?`},
		{`evt.res startswith E or evt.res contains PERM`, ``},

		{`evt.arg.flags contains O_CREATE`, `24: unknown flag O_CREATE: it never matches; did you mean O_CREAT?`},
		{`evt.arg.flags contains O_CREA or evt.arg[flags] icontains o_wr`, ``},
		{`evt.arg.flags = "O_RDONLY|O_CLOXEC"`, `17: unknown flag O_CLOXEC: it never matches; did you mean O_CLOEXEC?`},

		{`fd.type = fil`, `11: fd.type is never "fil"; did you mean file?`},
		{`fd.type in (ipv4, ip6)`, `19: fd.type is never "ip6"; did you mean ipv6?`},
		{`proc.stdin.type = socket4`, `19: proc.stdin.type is never "socket4"; did you mean socket?`},
		{`fd.type contains ip`, ``},
		{`fd.typechar = x`, `15: fd.typechar is never "x"`},
		{`fd.types in (pip)`, `14: fd.types is never "pip"; did you mean pipe?`},

		{`thread.cap_effective contains CAP_SYSADMIN`, `31: unknown capability CAP_SYSADMIN: it never matches; did you mean CAP_SYS_ADMIN?`},
		{`thread.cap_permitted contains SYS_ADMIN`, ``},
		{`thread.cap_permitted icontains cap_bpf or thread.cap_permitted contains CAP_45`, ``},
		{`thread.cap_permitted = "CAP_KILL CAP_KIL"`, `24: unknown capability CAP_KIL: it never matches; did you mean CAP_KILL?`},

		{`proc.name in ()`, `1: the list is empty: proc.name in () is never true`},
		{`proc.name in (none)`, ``},

		{`fd.name = "/etc/pass*"`, `11: = takes "/etc/pass*" as it stands, and not as a pattern; did you mean fd.name glob "/etc/pass*"?`},
		{`fd.name in (/etc/a, /etc/b?)`, `21: in takes "/etc/b?" as it stands, and not as a pattern; did you mean fd.name glob "/etc/b?"?`},
		{`fd.name startswith /home/*/.ssh`, `20: startswith takes "/home/*/.ssh" as it stands, and not as a pattern; did you mean fd.name glob "/home/*/.ssh"?`},
		{`fd.name glob /etc/pass*`, ``},
		{`proc.cmdline = "ls *"`, ``},

		{`fd.name startswith etc/`, `20: etc/ is no absolute path, and fd.name has absolute ones; did you mean /etc/?`},
		{`fd.name pmatch (/etc, var/log)`, `23: var/log is no absolute path, and fd.name has absolute ones; did you mean /var/log?`},
		{`proc.exepath startswith usr`, `25: usr is no absolute path, and proc.exepath has absolute ones; did you mean /usr?`},
		{`fd.name startswith 10. or fd.name startswith "pipe:" or fd.name startswith ".../"`, ``},

		{`fd.directory = /etc/`, `16: fd.directory never ends in /, as /etc/ does; did you mean /etc?`},
		{`fd.directory in (/, /etc, /tmp/)`, `27: fd.directory never ends in /, as /tmp/ does; did you mean /tmp?`},
		{`fd.directory startswith /etc/`, ``},

		{`proc.cmdline contains ""`, `23: proc.cmdline contains "" is true for every value`},
		{`fd.name startswith ''`, `20: fd.name startswith "" is true for every value`},
		{`proc.cmdline = ""`, ``},

		{`evt.arg.flag = x`, `1: no event of open has a parameter flag: the comparison is always false here; did you mean flags?`},
		{`evt.arg[0] = x or evt.arg.fd = 3 or evt.rawarg.mode = 3 or evt.arg.name = x`, ``},
		{`evt.arg.target exists`, `1: no event of open has a parameter target: the comparison is always false here`},
		{`fs.path.source = /x`, `1: no event of open has the field fs.path.source: the comparison is always false here; use fd.name or fs.path.name`},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			const before = "proc.pid = 1 or "
			got := lintLines(t, "evt.type = open and ("+before+tt.cond+")", "evt.type = open and ("+before)
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// lintLines returns the warnings of a condition, places counted from the end of
// before.
func lintLines(t *testing.T, cond, before string) string {
	t.Helper()
	text := "- list: none\n  items: []\n- macro: writes\n  condition: evt.type in (open, openat) and evt.type = execve\n" +
		strings.Replace(withCondition("'"+strings.ReplaceAll(cond, "'", "''")+"'"), "desc: D\n", "desc: D\n\n", 1)
	set, err := FS(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, "a.yaml", field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range set.Warnings {
		if w.Rule != "R" {
			continue
		}
		line := w.Err.Error()
		if w.Hint != "" {
			line += "; " + w.Hint
		}
		all = append(all, strings.TrimSpace(strings.Join([]string{strconv.Itoa(w.Pos.Col-14-len(before)) + ":", line}, " ")))
	}
	return strings.Join(all, "\n")
}

// TestNeverMatches: why no event can make a condition true, and what to use.
func TestNeverMatches(t *testing.T) {
	tests := []struct{ cond, want string }{
		{`evt.type = execve and evt.type = open`, `1: the condition can never match: evt.type = open needs an event of open, and what stands before it one of execve`},
		{`evt.type in (chmod, fchmodat) and fd.name = /x`, `1: the condition can never match: fd.name = /x needs an event of open, openat, openat2, creat, connect, …, and what stands before it one of chmod, fchmodat; use fs.path.name`},
		{`evt.type = rename and fs.path.name = /x`, `1: the condition can never match: fs.path.name = /x needs an event of open, openat, openat2, creat, unlink, …, and what stands before it one of rename; use fs.path.source or fs.path.target`},
		{`evt.type = execve and fd.name = /x`, `1: the condition can never match: fd.name = /x needs an event of open, openat, openat2, creat, connect, …, and what stands before it one of execve; use proc.exepath`},
		{`writes and proc.name = x`, `1: the condition can never match: in macro writes, evt.type = execve needs an event of execve, and what stands before it one of open, openat`},
		{`evt.dir = > or evt.dir = >`, `1: evt.dir is deprecated: every event is the end of its call, and evt.dir = > can never be true
1: the condition can never match: none of the parts of the or can be true
16: evt.dir is deprecated: every event is the end of its call, and evt.dir = > can never be true`},
		{`evt.type = mmap`, `1: the condition can never match: events of type mmap are not delivered by this version of goshawk`},
	}
	for _, tt := range tests {
		t.Run(tt.cond, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lintLines(t, tt.cond, "")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
