package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/alert"
)

// agent is a running goshawk whose alerts go to a file.
type agent struct {
	cmd    *exec.Cmd
	alerts string // path
	rules  string // path of the rules beside the shipped ones
	url    string
	log    *bytes.Buffer
}

// start builds and runs the agent with the shipped rules and those of extra, and
// waits until it is ready.
func start(t *testing.T, extra string) *agent {
	t.Helper()
	return startWith(t, shippedRules(t), extra)
}

// startWith is start with other rules, a file or directory, in place of the shipped
// ones.
func startWith(t *testing.T, rules, extra string) *agent {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads programs into the kernel")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "goshawk")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/goshawk").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	address := freeAddress(t)
	write(t, filepath.Join(dir, "extra.yaml"), extra)
	write(t, filepath.Join(dir, "goshawk.yaml"), fmt.Sprintf(`
apiVersion: goshawk/v1
rules: [%s, extra.yaml]
destinations:
  - name: file
    file: {path: alerts.json, format: json}
http: {address: %q}
`, rules, address))

	a := &agent{
		cmd:    exec.Command(binary, "run", "-c", filepath.Join(dir, "goshawk.yaml")),
		alerts: filepath.Join(dir, "alerts.json"),
		rules:  filepath.Join(dir, "extra.yaml"),
		url:    "http://" + address,
		log:    &bytes.Buffer{},
	}
	a.cmd.Stderr = a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.cmd.Process.Kill() })
	a.waitReady(t)
	return a
}

func shippedRules(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *agent) waitReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(a.url + "/readyz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	a.cmd.Process.Kill()
	a.cmd.Wait() // the log is complete then
	t.Fatalf("not ready in time; log:\n%s", a.log)
}

// stop ends the agent as Kubernetes does, which must take less than 5 seconds,
// and returns all alerts.
func (a *agent) stop(t *testing.T) []alert.Alert {
	t.Helper()
	begin := time.Now()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("stopped with %v; log:\n%s", err, a.log)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v to stop", took)
	}
	return readAlerts(t, a.alerts)
}

func readAlerts(t *testing.T, path string) (list []alert.Alert) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var a alert.Alert
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shell runs a script; $D is a folder of its own.
func shell(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "D="+dir)
	if out, err := cmd.CombinedOutput(); err != nil && !strings.HasSuffix(script, "|| true") {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}
