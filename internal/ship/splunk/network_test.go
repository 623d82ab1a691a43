package splunk_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goshawk-security/goshawk/internal/ship/outcome"
	"github.com/goshawk-security/goshawk/internal/ship/sinktest"
	"github.com/goshawk-security/goshawk/internal/ship/splunk"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// file writes the authority's certificate to a file.
func (a *authority) file(t *testing.T, path string) {
	t.Helper()
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// server makes a certificate for a name or an address.
func (a *authority) server(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		tmpl.IPAddresses = []net.IP{ip}
	} else {
		tmpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func startTLS(t *testing.T, cert tls.Certificate, version uint16) (*collector, string) {
	t.Helper()
	c := &collector{}
	srv := httptest.NewUnstartedServer(c)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are the test
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return c, srv.URL
}

func TestTLS(t *testing.T) {
	ours, foreign := newAuthority(t), newAuthority(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	ours.file(t, caFile)
	for _, tt := range []struct {
		name    string
		by      *authority
		host    string
		version uint16
		change  func(*splunk.Config)
		want    string // in the error; empty for success
	}{
		{"our authority", ours, "127.0.0.1", 0, func(c *splunk.Config) { c.CAFile = caFile }, ""},
		{"another server name", ours, "splunk.test", 0, func(c *splunk.Config) { c.CAFile, c.ServerName = caFile, "splunk.test" }, ""},
		{"not verified", foreign, "elsewhere", 0, func(c *splunk.Config) { c.InsecureSkipVerify = true }, ""},
		{"foreign authority", foreign, "127.0.0.1", 0, func(c *splunk.Config) { c.CAFile = caFile }, "certificate"},
		{"the system's authorities", ours, "127.0.0.1", 0, nil, "certificate"},
		{"wrong name", ours, "splunk.test", 0, func(c *splunk.Config) { c.CAFile = caFile }, "certificate"},
		{"old version", ours, "127.0.0.1", tls.VersionTLS11, func(c *splunk.Config) { c.CAFile = caFile }, "protocol version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, url := startTLS(t, tt.by.server(t, tt.host), tt.version)
			cfg := splunk.Config{URL: url, TokenFile: tokenFile(t, token), Timeout: 5 * time.Second}
			if tt.change != nil {
				tt.change(&cfg)
			}
			res := outcome.Of(newSink(t, cfg).Send(t.Context(), sinktest.Alerts("a", 1)), 1)
			switch {
			case tt.want == "" && (res != nil || len(c.received()) != 1):
				t.Errorf("Send: %v, %d received", res, len(c.received()))
			case tt.want != "" && (res == nil || len(res.Retry) != 1 || !strings.Contains(res.Error(), tt.want)):
				t.Errorf("Send: %v, want a retry and %q", res, tt.want)
			}
		})
	}
}

// A new authority comes into force with Reopen; a broken file leaves the old one.
func TestReopenCertificates(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	first.file(t, caFile)
	c, url := startTLS(t, second.server(t, "127.0.0.1"), 0)
	s := newSink(t, splunk.Config{URL: url, TokenFile: tokenFile(t, token), CAFile: caFile, Timeout: 5 * time.Second})
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err == nil {
		t.Fatal("Send to a server of an unknown authority: no error")
	}
	second.file(t, caFile)
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(caFile, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(); err == nil || !strings.Contains(err.Error(), caFile) {
		t.Errorf("Reopen with a broken caFile: %v, want an error that names it", err)
	}
	if err := s.Send(t.Context(), sinktest.Alerts("b", 1)); err != nil || len(c.received()) != 2 {
		t.Errorf("Send afterwards: %v, %d received", err, len(c.received()))
	}
}

// A server that takes the connection and says nothing, and one that stops in
// the middle of its answer.
func TestHungServer(t *testing.T) {
	release := make(chan struct{})
	handlers := map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-release
		},
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"text":`)
			_ = http.NewResponseController(w).Flush()
			<-release
		},
	}
	var servers []*httptest.Server
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(h)
			servers = append(servers, srv)
			cfg := splunk.Config{URL: srv.URL, TokenFile: tokenFile(t, token), Timeout: 100 * time.Millisecond}
			begin := time.Now()
			res := outcome.Of(newSink(t, cfg).Send(t.Context(), sinktest.Alerts("a", 2)), 2)
			if res == nil || len(res.Retry) != 2 {
				t.Errorf("time-out: %+v, want all again", res)
			}
			cfg.Timeout = time.Minute
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			res = outcome.Of(newSink(t, cfg).Send(ctx, sinktest.Alerts("a", 2)), 2)
			if res == nil || len(res.Retry) != 2 || !errors.Is(res, context.DeadlineExceeded) {
				t.Errorf("ended context: %+v, want all again", res)
			}
			if d := time.Since(begin); d > 3*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
	close(release)
	for _, srv := range servers {
		srv.Close()
	}
}

// An answer without an end is neither read to its end nor kept.
func TestEndlessAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusInternalServerError)
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	s := newSink(t, splunk.Config{URL: srv.URL, TokenFile: tokenFile(t, token), Timeout: 20 * time.Second})
	res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
	if res == nil || len(res.Retry) != 1 || len(res.Error()) > 500 {
		t.Errorf("Send: %+v, want a retry and a short error", res)
	}
}

func TestRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := newSink(t, splunk.Config{URL: "http://" + addr, TokenFile: tokenFile(t, token)})
	res := outcome.Of(s.Send(t.Context(), sinktest.Alerts("a", 1)), 1)
	if res == nil || len(res.Retry) != 1 || !errors.Is(res, syscall.ECONNREFUSED) {
		t.Fatalf("Send: %+v, want %v", res, syscall.ECONNREFUSED)
	}
	l, err = net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	c := &collector{}
	srv := &http.Server{Handler: c, ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil || len(c.received()) != 1 {
		t.Errorf("Send when the server is back: %v, %d received", err, len(c.received()))
	}
}

func TestKeepAlive(t *testing.T) {
	var conns atomic.Int32
	c := &collector{}
	srv := httptest.NewUnstartedServer(c)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	s := newSink(t, splunk.Config{URL: srv.URL, TokenFile: tokenFile(t, token)})
	c.script(code(503, 9), success, code(400, 7), success)
	for range 5 {
		_ = s.Send(t.Context(), sinktest.Alerts("a", 1)) // the answers are another test's
	}
	if n := conns.Load(); n != 1 || len(c.seen()) != 5 {
		t.Errorf("%d connections for %d requests, want 1 for 5", n, len(c.seen()))
	}
}

// hole is a way to a server on which a connection can go dead: it stays open, and
// nothing comes through.
type hole struct {
	net.Listener
	target string
	conns  atomic.Int32
	dead   atomic.Int32 // connections up to this one are
}

func newHole(t *testing.T, target string) *hole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{Listener: l, target: target}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.relay(c, h.conns.Add(1))
		}
	}()
	return h
}

func (h *hole) relay(client net.Conn, number int32) {
	defer client.Close()
	server, err := net.Dial("tcp", h.target)
	if err != nil {
		return
	}
	defer server.Close()
	move := func(to, from net.Conn) {
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if err != nil {
				_ = to.Close()
				return
			}
			if number > h.dead.Load() {
				_, _ = to.Write(b[:n]) // the reader on the other side sees it
			}
		}
	}
	go move(client, server)
	move(server, client)
}

// A connection that goes dead is left after one time-out, also with a server that
// offers HTTP/2.
func TestDeadConnection(t *testing.T) {
	ca := newAuthority(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	ca.file(t, caFile)
	c := &collector{}
	var proto atomic.Value
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		c.ServeHTTP(w, r)
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{ca.server(t, "127.0.0.1")}}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	h := newHole(t, srv.Listener.Addr().String())
	s := newSink(t, splunk.Config{
		URL: "https://" + h.Addr().String(), TokenFile: tokenFile(t, token), CAFile: caFile, Timeout: 500 * time.Millisecond,
	})
	if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
		t.Fatal(err)
	}
	if proto.Load() != "HTTP/1.1" {
		t.Errorf("the protocol is %v, want HTTP/1.1", proto.Load())
	}
	h.dead.Store(h.conns.Load())
	if err := s.Send(t.Context(), sinktest.Alerts("b", 1)); err == nil {
		t.Fatal("Send over a dead connection: no error")
	}
	if err := s.Send(t.Context(), sinktest.Alerts("b", 1)); err != nil || len(c.received()) != 2 {
		t.Errorf("Send afterwards: %v, %d received, %d connections", err, len(c.received()), h.conns.Load())
	}
}

// Proxies are read from the environment once in a process, so the sink runs in
// one of its own.
func TestProxy(t *testing.T) {
	if path := os.Getenv("GOSHAWK_TEST_TOKEN_FILE"); path != "" {
		s := newSink(t, splunk.Config{URL: "http://splunk.invalid:8088", TokenFile: path})
		if err := s.Send(t.Context(), sinktest.Alerts("a", 1)); err != nil {
			t.Fatal(err)
		}
		return
	}
	c := &collector{}
	var host atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host.Store(r.URL.Host)
		c.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxy$")
	cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=",
		"GOSHAWK_TEST_TOKEN_FILE="+tokenFile(t, token))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	if host.Load() != "splunk.invalid:8088" || len(c.received()) != 1 {
		t.Errorf("the proxy was asked for %v, %d received", host.Load(), len(c.received()))
	}
}
