package control

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// server is a real API server with its etcd, without nodes.
type server struct{ dir, url string }

// Users by their tokens: all but the administrator have what the manual gives them.
const (
	admin           = "admin"
	controllerToken = "controller"
	agentToken      = "agent"
)

// newServer starts an API server for one test. Without the program that test/cluster
// builds, it skips.
func newServer(t *testing.T) *server {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "goshawk-cluster", "kube")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no Kubernetes here: make test-cluster builds it")
	}
	s := &server{dir: t.TempDir()}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := os.Symlink(program, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.write(t, "tokens", admin+",admin,admin,system:masters\n"+controllerToken+",controller,controller\n"+agentToken+",agent,agent\n")
	s.keys(t)
	etcd, peers := fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	s.start(t, "etcd", "--data-dir="+s.in("data"), "--unsafe-no-fsync", "--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers)
	port := freePort(t)
	s.url = fmt.Sprintf("https://127.0.0.1:%d", port)
	s.start(t, "kube-apiserver", "--etcd-servers="+etcd, "--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", port), "--cert-dir="+s.in("cert"),
		"--authorization-mode=RBAC", "--token-auth-file="+s.in("tokens"), "--service-cluster-ip-range=10.96.0.0/16",
		"--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
		"--service-account-issuer=https://test", "--service-account-key-file="+s.in("accounts.pub"), "--service-account-signing-key-file="+s.in("accounts.key"))
	return s
}

func (s *server) in(name string) string { return filepath.Join(s.dir, name) }

func (s *server) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.in(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keys writes the keys of service accounts, which the API server does not start without.
func (s *server) keys(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "accounts.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})))
	s.write(t, "accounts.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
}

// start runs a program for the time of the test, and shows the end of its log when the
// test failed.
func (s *server) start(t *testing.T, name string, args ...string) {
	t.Helper()
	log, err := os.Create(s.in(name + ".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(s.in(name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(s.in(name + ".log")); err == nil && t.Failed() {
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Logf("%s:\n%s", name, strings.Join(lines[max(0, len(lines)-5):], "\n"))
		}
	})
}

// config is how a user reaches the server.
func (s *server) config(token string) *rest.Config {
	return &rest.Config{Host: s.url, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: 200, Burst: 200}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// until waits for something to come true.
func until(t *testing.T, what string, ok func() error) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}
