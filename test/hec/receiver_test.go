package hec_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/splunkhecreceiver"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// record is one event as the collector hands it on.
type record struct {
	time     time.Time
	resource map[string]any // host, source, sourcetype, index, token
	fields   map[string]any
	body     map[string]any
}

// store keeps what the collector hands on. It is the collector's pipeline.
type store struct {
	refuse   atomic.Int32 // how many deliveries to refuse from now on
	mu       sync.Mutex
	requests int
	records  []record
}

func (s *store) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs takes the events of one request.
func (s *store) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	if s.refuse.Add(-1) >= 0 {
		return errors.New("pipeline is full")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				r := record{
					time: lr.Timestamp().AsTime(), resource: rl.Resource().Attributes().AsRaw(),
					fields: lr.Attributes().AsRaw(),
				}
				if lr.Body().Type() == pcommon.ValueTypeMap {
					r.body = lr.Body().Map().AsRaw()
				}
				s.records = append(s.records, r)
			}
		}
	}
	return nil
}

func (s *store) all() (records []record, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]record(nil), s.records...), s.requests
}

func (s *store) ids() []string {
	records, _ := s.all()
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i], _ = r.body["id"].(string)
	}
	return ids
}

// collector starts the OpenTelemetry Collector's receiver and returns what
// stops it.
func collector(t *testing.T, addr string, to *store, tls *configtls.ServerConfig) (stop func()) {
	t.Helper()
	factory := splunkhecreceiver.NewFactory()
	cfg, ok := factory.CreateDefaultConfig().(*splunkhecreceiver.Config)
	if !ok {
		t.Fatal("the receiver's configuration has another type")
	}
	cfg.NetAddr.Endpoint = addr
	cfg.AccessTokenPassthrough = true // so that the token can be seen
	if tls != nil {
		cfg.TLS = configoptional.Some(*tls)
	}
	var recv receiver.Logs
	recv, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := recv.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := recv.Shutdown(ctx); err != nil {
				t.Errorf("stop the collector: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// certificates makes an authority and a certificate for 127.0.0.1 by it.
func certificates(t *testing.T) (caFile string, server *configtls.ServerConfig) {
	t.Helper()
	dir := t.TempDir()
	caKey, caDER, ca := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	key, der, _ := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, caKey)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("ca.pem", "CERTIFICATE", caDER), &configtls.ServerConfig{Config: configtls.Config{
		CertFile: write("cert.pem", "CERTIFICATE", der), KeyFile: write("key.pem", "PRIVATE KEY", keyDER),
	}}
}

// certificate makes one, signed by the parent or by itself.
func certificate(t *testing.T, tmpl, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, parentKey = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, der, cert
}
