package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

const host = "goshawk-controller.goshawk.svc"

func newClient(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionv1.AddToScheme} {
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(s).WithObjects(objects...).Build()
}

func webhooks() *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "goshawk"}, Webhooks: []admissionv1.ValidatingWebhook{{Name: "a"}, {Name: "b"}}}
}

func newKeeper(c client.Client, now *time.Time) *Keeper {
	k := New(Config{Namespace: "goshawk", Service: "goshawk-controller", Secret: "cert", Webhook: "goshawk", Client: c}, zap.NewNop())
	k.now = func() time.Time { return *now }
	return k
}

// bundle returns what the API server trusts.
func bundle(t *testing.T, c client.Client) []byte {
	t.Helper()
	var w admissionv1.ValidatingWebhookConfiguration
	if err := c.Get(t.Context(), types.NamespacedName{Name: "goshawk"}, &w); err != nil {
		t.Fatal(err)
	}
	if string(w.Webhooks[0].ClientConfig.CABundle) != string(w.Webhooks[1].ClientConfig.CABundle) {
		t.Error("the webhooks trust different authorities")
	}
	return w.Webhooks[0].ClientConfig.CABundle
}

// dial shakes hands with what a keeper serves, as the API server does.
func dial(t *testing.T, k *Keeper, authorities []byte, now time.Time) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		server := tls.Server(far, &tls.Config{GetCertificate: k.Certificate})
		_ = server.Handshake()
		far.Close()
	}()
	return tls.Client(near, &tls.Config{RootCAs: roots, ServerName: host, Time: func() time.Time { return now }}).HandshakeContext(t.Context())
}

// Over a year no replica serves what the API server does not trust, also those that
// notice a new certificate late.
func TestYear(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, objects := range map[string][]client.Object{
		"no secret":       {webhooks()},
		"an empty secret": {webhooks(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "goshawk", Name: "cert"}}},
	} {
		t.Run(name, func(t *testing.T) {
			now := now
			c := newClient(t, objects...)
			leader, other := newKeeper(c, &now), newKeeper(c, &now)
			if err := other.Ready(nil); err == nil {
				t.Error("ready without a certificate")
			}
			seen := map[string]bool{}
			for day := 0; day < 365; day += 3 {
				if err := leader.ensure(t.Context()); err != nil {
					t.Fatal(err)
				}
				trusted := bundle(t, c)
				seen[string(trusted)] = true
				keepers := []*Keeper{leader}
				if day > 0 {
					keepers = append(keepers, other) // it read three days ago
				}
				for _, k := range keepers {
					if err := dial(t, k, trusted, now); err != nil {
						t.Fatalf("day %d: %v", day, err)
					}
				}
				p, _, err := other.read(t.Context())
				if err != nil || p.check(other.names(), now) != nil {
					t.Fatal(err)
				}
				other.serve(p)
				now = now.Add(3 * 24 * time.Hour)
			}
			if len(seen) < 5 || len(seen) > 8 {
				t.Errorf("%d certificates in a year", len(seen))
			}
			if n := len(valid(bundle(t, c), now)); n > 2 {
				t.Errorf("%d authorities are trusted", n)
			}
		})
	}
}

// What somebody else wrote is put right.
func TestMended(t *testing.T) {
	now := time.Now()
	c := newClient(t, webhooks())
	k := newKeeper(c, &now)
	if err := k.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := map[string]func(*corev1.Secret){
		"no key":       func(s *corev1.Secret) { delete(s.Data, keyPrivate) },
		"no authority": func(s *corev1.Secret) { delete(s.Data, keyAuthorities) },
		"nonsense":     func(s *corev1.Secret) { s.Data[keyCertificate] = []byte("nonsense") },
		"for other name": func(s *corev1.Secret) {
			p, _ := newPair([]string{"other.svc"}, nil, now)
			s.Data = map[string][]byte{keyAuthorities: p.authorities, keyCertificate: p.certificate, keyPrivate: p.private}
		},
	}
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			_, s, err := k.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f(s)
			if err := c.Update(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if err := k.ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := dial(t, k, bundle(t, c), now); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("the bundle", func(t *testing.T) {
		w := webhooks()
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(w), w); err != nil {
			t.Fatal(err)
		}
		w.Webhooks[1].ClientConfig.CABundle = []byte("nonsense")
		if err := c.Update(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if err := k.ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		bundle(t, c)
	})
}

// Without the configuration of webhooks nothing is served anew: nobody would trust it.
func TestNoWebhook(t *testing.T) {
	now := time.Now()
	c := newClient(t)
	k := newKeeper(c, &now)
	if err := k.ensure(t.Context()); err == nil {
		t.Error("no error")
	}
	if _, s, err := k.read(t.Context()); s != nil || err != nil {
		t.Errorf("%v %v", s, err)
	}
	k.cfg.Webhook = ""
	if err := k.ensure(t.Context()); err != nil || k.Ready(nil) != nil {
		t.Error(err)
	}
}

func TestLoops(t *testing.T) {
	now := time.Now()
	c := newClient(t, webhooks())
	k := newKeeper(c, &now)
	k.cfg.Every = time.Millisecond
	follower := newKeeper(c, &now)
	follower.cfg.Every = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 2)
	go func() { done <- k.Lead(ctx) }()
	go func() { done <- follower.Follow(ctx) }()
	for (follower.Ready(nil) != nil || k.Ready(nil) != nil) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if follower.Expires().IsZero() || !follower.Expires().Equal(k.Expires()) {
		t.Errorf("%v %v", follower.Expires(), k.Expires())
	}
	cancel()
	<-done
	<-done
}
