package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/field"
	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/loader"
)

// publicRules are rule files of the Falco project, data beside this repository.
const publicRules = "../../../shared/falco-rules"

// publicDeeds are what programs do that public rules call suspicious. $D is a folder
// of its own; as NAME is a program of that name, a copy of perl; in a container is
// what follows `contained`.
var publicDeeds = []struct{ rule, script string }{
	{"Directory traversal monitored file read", `perl -e 'system "cat", "$ENV{D}/../../../../../../etc/passwd"' >/dev/null`},
	{"Read sensitive file trusted after startup", `as nginx -e 'sleep 6; open F, "<", "/etc/shadow" or die'`},
	{"Read sensitive file untrusted", `cat /etc/shadow >/dev/null`},
	{"Run shell untrusted", `as nginx -e 'system "sh", "-c", "id; true"' >/dev/null`},
	{"System user interactive", `as sshd -e 'system "setpriv", "--reuid=1", "--clear-groups", "id"' >/dev/null`},
	{"Terminal shell in container", `as true; contained script -qc "$D/runc -e 'system q(/bin/sh), q(-c), q(id; true)'" /dev/null >/dev/null`},
	{"Netcat Remote Code Execution in Container", `as nc; contained $D/nc -e '#' -e sh || true`},
	{"Search Private Keys or Passwords", `find $D -name id_rsa`},
	{"Clear Log Activities", `unshare -m sh -c 'mount -t tmpfs none /var/log && : > /var/log/syslog'`},
	{"Remove Bulk Data from Disk", `as shred -e 1`},
	{"Create Symlink Over Sensitive Files", `ln -s /etc/shadow $D/link`},
	{"Create Hardlink Over Sensitive Files", `ln /etc/shadow $D/link || true`},
	{"Redirect STDOUT/STDIN to Network Connection in Container", `contained perl -e 'use Socket; socket S, PF_INET, SOCK_STREAM, 0 or die; open STDIN, "<&S" or die'`},
	{"Detect release_agent File Container Escapes", `contained sh -c 'echo /x > $D/release_agent'`},
	{"Find AWS Credentials", `find $D -path $D/.aws/credentials`},
	{"Execution from /dev/shm", `cp /bin/true /dev/shm/goshawk-test; /dev/shm/goshawk-test; rm /dev/shm/goshawk-test`},
	{"Drop and execute new binary in container", `contained unshare -m sh -c 'mount -t tmpfs none $D && cd $D && mkdir l u w m && mount -t overlay -o lowerdir=l,upperdir=u,workdir=w none m && cp /usr/bin/id m/x && m/x' >/dev/null`},
	{"Disallowed SSH Connection Non Standard Port", `as ssh; connected 192.0.2.1 443 $D/ssh`},
	{"Fileless execution via memfd_create", `perl -e 'my $n = "x"; my $fd = syscall(` + sysMemfdCreate + `, $n, 0); open F, ">&=", $fd; binmode F; open T, "<", "/usr/bin/true"; local $/; print F <T>; F->flush; exec "/proc/$$/fd/$fd"'`},
	{"Modify Shell Configuration File", `cp /dev/null $D/.bashrc`},
	{"Schedule Cron Jobs", `unshare -m sh -c 'mount -t tmpfs none /etc/cron.d && echo | tee /etc/cron.d/job' >/dev/null`},
	{"Read ssh information", `unshare -m sh -c 'mount -t tmpfs none /root && mkdir /root/.ssh && echo > /root/.ssh/id && cat /root/.ssh/id' >/dev/null`},
	{"Adding ssh keys to authorized_keys", `unshare -m sh -c 'mount -t tmpfs none /root && mkdir /root/.ssh && echo | tee /root/.ssh/authorized_keys' >/dev/null`},
	{"DB program spawned process", `as mysqld -e 'system "ls", "/"' >/dev/null`},
	{"Launch Excessively Capable Container", `contained unshare -p -f /bin/true`},
	{"System procs network activity", `as bash; connected 192.0.2.1 443 $D/bash`},
	{"Program run with disallowed http proxy env", `as curl; HTTP_PROXY=http://192.0.2.1 $D/curl -e 1`},
	{"Unexpected UDP Traffic", `connected 192.0.2.1 9999/udp perl`},
	{"User mgmt binaries", `groupadd --help >/dev/null`},
	{"Create files below dev", `: > /dev/goshawk-test; rm /dev/goshawk-test`},
	{"Contact EC2 Instance Metadata Service From Container", `contained sh $D/connected 169.254.169.254 80 perl`},
	{"Contact cloud metadata service from container", `contained sh $D/connected 169.254.169.254 80 perl`},
	{"Launch Package Management Process in Container", `as apt-get; contained $D/apt-get -e 1`},
	{"Launch Suspicious Network Tool in Container", `as nmap; contained $D/nmap -e 1`},
	{"Launch Suspicious Network Tool on Host", `as nmap -e 1`},
	{"Delete or rename shell history", `touch $D/.bash_history; rm $D/.bash_history`},
	{"Set Setuid or Setgid bit", `cp /bin/true $D/t; chmod u+s $D/t`},
	{"Launch Remote File Copy Tools in Container", `as scp; contained $D/scp -e 1`},
	{"Launch Ingress Remote File Copy Tools in Container", `as wget; contained $D/wget -e 1`},
	{"Read environment variable from /proc files", `contained cat /proc/self/environ >/dev/null`},
	{"Exfiltrating Artifacts via Kubernetes Control Plane", `as runc; echo x > $D/data; contained $D/runc -e 'system "tar", "cf", "$ENV{D}/out", "$ENV{D}/data"' 2>/dev/null`},
	{"Potential Local Privilege Escalation via Environment Variables Misuse", `GLIBC_TUNABLES=glibc.malloc.check=0 /bin/true`},
	{"Backdoored library loaded into SSHD (CVE-2024-3094)", `touch $D/liblzma.so.5.6.1; as sshd -e 'open F, "<", "$ENV{D}/liblzma.so.5.6.1" or die'`},
}

// publicUnseen are the public rules that no event can make true yet, and why.
var publicUnseen = map[string]string{
	"Contact K8S API Server From Container":    "needs the DNS name of the peer",
	"Packet socket created in container":       "needs the call socket",
	"Linux Kernel Module Injection Detected":   "needs the calls init_module and finit_module",
	"Debugfs Launched in Privileged Container": "needs the runtime's metadata: container.privileged",
	"PTRACE attached to process":               "needs the call ptrace",
	"PTRACE anti-debug attempt":                "needs the call ptrace",
	"Change thread namespace":                  "needs the call setns",
	"Change namespace privileges via unshare":  "needs the call unshare",
	"Launch Privileged Container":              "needs the runtime's metadata: container.privileged",
	"Non sudo setuid":                          "needs the call setuid",
	"Network Connection outside Local Subnet":  "needs the metadata of Kubernetes: k8s.ns.name",
	"Mount Launched in Privileged Container":   "needs the runtime's metadata: container.privileged",
	"BPF Program Not Profiled":                 "needs the call bpf",
}

// publicTools are what the scripts use. A container is a cgroup with the path of
// one, which is all that the agent knows a container by until it asks a runtime.
const publicTools = `
as() { cp -n /usr/bin/perl $D/$1; cp -n /usr/bin/perl $D/runc; p=$D/$1; shift; [ $# = 0 ] || $p "$@"; }
contained() {
	sh -c 'for c in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ -e $c/cgroup.procs ] && mkdir -p $c/docker/$ID && echo $$ >$c/docker/$ID/cgroup.procs
	done 2>/dev/null; exec "$@"' contained "$@"
}
connected() { sh $D/connected "$@"; }
`

// connectedScript makes a namespace with an address, and a program there that
// connects to itself: connected ADDRESS PORT[/udp] PERL.
const connectedScript = `unshare -n sh -c 'ip link set lo up; ip addr add $0/32 dev lo
exec $2 -e "use Socket; my (\$to, \$p) = (inet_aton(shift), shift); my \$kind = \$p =~ s{/udp}{} ? SOCK_DGRAM : SOCK_STREAM;
	socket L, PF_INET, \$kind, 0; bind L, sockaddr_in(\$p, \$to) or die; listen L, 1;
	socket S, PF_INET, \$kind, 0; connect S, sockaddr_in(\$p, \$to) or die" $0 $1' "$@"
`

// TestPublicRules does what the public rules look for under one agent that has them
// loaded as they are, and looks for each one's alert.
func TestPublicRules(t *testing.T) {
	if _, err := os.Stat(publicRules); err != nil {
		t.Skipf("the public rules are not at %s: %v", publicRules, err)
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads programs into the kernel")
	}
	rules, err := filepath.Abs(publicRules)
	if err != nil {
		t.Fatal(err)
	}
	names := publicNames(t, rules)
	var enable strings.Builder
	for _, name := range names {
		fmt.Fprintf(&enable, "- rule: %q\n  enabled: true\n  override: {enabled: replace}\n", name)
	}
	a := startWith(t, rules, enable.String())
	dir, id := t.TempDir(), strings.Repeat("0123456789abcdef", 4)
	t.Setenv("ID", id)
	t.Cleanup(func() { removeCgroups(id) })
	for i, d := range publicDeeds {
		folder := filepath.Join(dir, fmt.Sprint("deed", i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "connected"), connectedScript)
		shell(t, folder, publicTools+d.script)
	}
	fired := map[string]bool{}
	for _, got := range a.stop(t) {
		fired[got.Rule] = true
	}
	for _, name := range names {
		i := slices.IndexFunc(publicDeeds, func(d struct{ rule, script string }) bool { return d.rule == name })
		switch why, unseen := publicUnseen[name]; {
		case i >= 0 && !fired[name]:
			t.Errorf("no alert of %q after %s", name, publicDeeds[i].script)
		case i < 0 && !unseen:
			t.Errorf("%q is neither triggered nor known to be unseen", name)
		case unseen && fired[name]:
			t.Errorf("%q fired, and is said to be unseen: it %s", name, why)
		}
	}
}

// publicNames are the rules of the source syscall.
func publicNames(t *testing.T, dir string) []string {
	t.Helper()
	set, err := loader.Files([]string{dir}, field.New(field.Syscall()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range set.Rules {
		if r.Source == rule.SourceSyscall {
			names = append(names, r.Name)
		}
	}
	return names
}

// removeCgroups takes away the cgroups that the scripts made.
func removeCgroups(id string) {
	dirs, _ := filepath.Glob("/sys/fs/cgroup/*/docker/" + id)
	for _, dir := range append(dirs, "/sys/fs/cgroup/docker/"+id) {
		os.Remove(dir)               // not there, or still in use: harmless
		os.Remove(filepath.Dir(dir)) // somebody else's if it is not empty
	}
}
