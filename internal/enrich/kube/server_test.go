package kube

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// server is a real API server with its etcd, without controllers and nodes: pods are
// what the tests make them.
type server struct {
	dir, url  string
	etcdURL   string
	port      int
	etcd, api *exec.Cmd
	http      *http.Client
}

// Users by their tokens. The agent has the rights that the tests give it.
const (
	adminToken = "admin-token"
	agentToken = "agent-token"
)

var shared struct {
	once sync.Once
	s    *server
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.s != nil {
		shared.s.close()
	}
	os.Exit(code)
}

// realServer returns the API server of all tests of this package. Without the program
// that test/cluster builds, it skips.
func realServer(t testing.TB) *server {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "goshawk-cluster", "kube")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no Kubernetes here: make test-cluster builds it")
	}
	shared.once.Do(func() { shared.s, shared.err = newServer(program) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.s
}

func newServer(program string) (*server, error) {
	dir, err := os.MkdirTemp("", "goshawk-kube")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 32, MaxConnsPerHost: 32}}}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			return s, err
		}
	}
	tokens := adminToken + ",admin,admin,system:masters\n" + agentToken + ",agent,agent\n"
	if err := os.WriteFile(filepath.Join(dir, "tokens"), []byte(tokens), 0o600); err != nil {
		return s, err
	}
	if err := writeKeys(dir); err != nil {
		return s, err
	}
	port, err := freePort()
	if err != nil {
		return s, err
	}
	peer, err := freePort()
	if err != nil {
		return s, err
	}
	s.etcdURL = fmt.Sprintf("http://127.0.0.1:%d", port)
	peers := fmt.Sprintf("http://127.0.0.1:%d", peer)
	s.etcd, err = s.start("etcd", "--data-dir="+filepath.Join(dir, "data"), "--unsafe-no-fsync", "--listen-client-urls="+s.etcdURL, "--advertise-client-urls="+s.etcdURL,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers)
	if err != nil {
		return s, err
	}
	if s.port, err = freePort(); err != nil {
		return s, err
	}
	s.url = fmt.Sprintf("https://127.0.0.1:%d", s.port)
	return s, s.up()
}

// up starts the API server and waits until it is ready.
func (s *server) up() error {
	in := func(name string) string { return filepath.Join(s.dir, name) }
	var err error
	s.api, err = s.start("kube-apiserver", "--etcd-servers="+s.etcdURL, "--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", s.port), "--cert-dir="+in("cert"),
		"--authorization-mode=RBAC", "--token-auth-file="+in("tokens"), "--allow-privileged=true", "--service-cluster-ip-range=10.96.0.0/16",
		"--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
		"--service-account-issuer=https://test", "--service-account-key-file="+in("accounts.pub"), "--service-account-signing-key-file="+in("accounts.key"))
	if err != nil {
		return err
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err = s.call(http.MethodGet, "/readyz", nil); err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the API server is not ready: %w", err)
		}
	}
}

// down ends the API server alone.
func (s *server) down() {
	_ = s.api.Process.Kill()
	_ = s.api.Wait()
}

func (s *server) close() {
	for _, cmd := range []*exec.Cmd{s.api, s.etcd} {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	_ = os.RemoveAll(s.dir)
}

func (s *server) start(name string, args ...string) (*exec.Cmd, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.dir, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, cmd.Start()
}

// call makes one request as an administrator and returns the answer.
func (s *server) call(method, path string, body any) (map[string]any, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/strategic-merge-patch+json")
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %d: %s", method, path, resp.StatusCode, b)
	}
	var out map[string]any
	_ = json.Unmarshal(b, &out) // /readyz is no JSON
	return out, nil
}

// must is call for those who cannot go on without.
func (s *server) must(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	out, err := s.call(method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// config is how the agent asks.
func (s *server) config(token string) *rest.Config {
	return &rest.Config{Host: s.url, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func writeKeys(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "accounts.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "accounts.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600)
}

// name makes a name that no other test has.
func name(t testing.TB, suffix string) string {
	n := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name()))
	return n[max(0, len(n)-40):] + suffix
}
