package cert

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Config says what the certificates are for and where they go.
type Config struct {
	Namespace string // of the controller
	Service   string // by which the API server reaches the webhook
	Secret    string
	Webhook   string // the ValidatingWebhookConfiguration; "" for none
	// Client reads and writes without a cache: what is asked for by name needs no right
	// to list.
	Client client.Client
	Every  time.Duration // 0 means half a minute
}

// Keeper keeps the certificates: the leader makes them, every replica reads them.
type Keeper struct {
	cfg    Config
	log    *zap.Logger
	now    func() time.Time
	served atomic.Pointer[tls.Certificate]
	told   string // the last trouble, of the goroutine of Lead
}

// New returns a Keeper that has no certificate yet.
func New(cfg Config, log *zap.Logger) *Keeper {
	if cfg.Every == 0 {
		cfg.Every = 30 * time.Second
	}
	return &Keeper{cfg: cfg, log: log, now: time.Now}
}

func (k *Keeper) names() []string {
	host := k.cfg.Service + "." + k.cfg.Namespace + ".svc"
	return []string{host, host + ".cluster.local"}
}

// errNone is why a connection is refused as long as there is nothing to serve.
var errNone = errors.New("there is no certificate yet")

// Certificate is for tls.Config.GetCertificate.
func (k *Keeper) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := k.served.Load(); c != nil {
		return c, nil
	}
	return nil, errNone
}

// Ready is a check for readiness.
func (k *Keeper) Ready(*http.Request) error {
	_, err := k.Certificate(nil)
	return err
}

// Expires returns the end of the certificate that is served; the zero time if there is
// none.
func (k *Keeper) Expires() time.Time {
	if c := k.served.Load(); c != nil {
		return c.Leaf.NotAfter
	}
	return time.Time{}
}

// Follow takes what the Secret holds, until ctx ends. Every replica runs it.
func (k *Keeper) Follow(ctx context.Context) error {
	return k.each(ctx, func() {
		p, _, err := k.read(ctx)
		if err == nil && p.check(k.names(), k.now()) == nil {
			k.serve(p)
		}
	})
}

// Lead makes certificates when there are none or they end soon, until ctx ends. Only
// the leader runs it.
func (k *Keeper) Lead(ctx context.Context) error {
	return k.each(ctx, func() {
		err := k.ensure(ctx)
		switch text := fmt.Sprint(err); {
		case err != nil && text != k.told && ctx.Err() == nil:
			k.log.Error("the webhook's certificate is not as it should be: it is tried again", zap.Error(err))
			k.told = text
		case err == nil && k.told != "":
			k.log.Info("the webhook's certificate is as it should be again")
			k.told = ""
		}
	})
}

// each does something now and at intervals.
func (k *Keeper) each(ctx context.Context, do func()) error {
	ticker := time.NewTicker(k.cfg.Every)
	defer ticker.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// read reads the Secret; without one it returns an empty pair and nil.
func (k *Keeper) read(ctx context.Context) (pair, *corev1.Secret, error) {
	var s corev1.Secret
	err := k.cfg.Client.Get(ctx, types.NamespacedName{Namespace: k.cfg.Namespace, Name: k.cfg.Secret}, &s)
	if apierrors.IsNotFound(err) {
		return pair{}, nil, nil
	}
	if err != nil {
		return pair{}, nil, fmt.Errorf("read secret %s: %w", k.cfg.Secret, err)
	}
	return pair{s.Data[keyAuthorities], s.Data[keyCertificate], s.Data[keyPrivate]}, &s, nil
}

// ensure replaces a certificate that is not good or not for long, and tells the API
// server whom to trust.
func (k *Keeper) ensure(ctx context.Context) error {
	p, secret, err := k.read(ctx)
	if err != nil {
		return err
	}
	now := k.now()
	bad := p.check(k.names(), now)
	if bad == nil && !p.due(now) {
		k.serve(p)
		return k.trust(ctx, p.authorities)
	}
	before := p.authorities
	if p, err = newPair(k.names(), before, now); err != nil {
		return err
	}
	k.log.Info("new certificate for the webhook", zap.NamedError("before", bad), zap.Time("until", now.Add(lifetime)))
	if err := k.trust(ctx, p.authorities); err != nil { // before it is served
		return err
	}
	if err := k.write(ctx, secret, p); err != nil {
		return err
	}
	k.serve(p)
	return nil
}

// write writes the Secret.
func (k *Keeper) write(ctx context.Context, s *corev1.Secret, p pair) error {
	data := map[string][]byte{keyAuthorities: p.authorities, keyCertificate: p.certificate, keyPrivate: p.private}
	if s == nil {
		s = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.cfg.Namespace, Name: k.cfg.Secret}, Data: data}
		if err := k.cfg.Client.Create(ctx, s); err != nil {
			return fmt.Errorf("make secret %s: %w", k.cfg.Secret, err)
		}
		return nil
	}
	s.Data = data
	if err := k.cfg.Client.Update(ctx, s); err != nil { // a conflict: another replica was faster
		return fmt.Errorf("write secret %s: %w", k.cfg.Secret, err)
	}
	return nil
}

// trust writes authorities into every webhook of the configuration.
func (k *Keeper) trust(ctx context.Context, authorities []byte) error {
	if k.cfg.Webhook == "" {
		return nil
	}
	var c admissionv1.ValidatingWebhookConfiguration
	if err := k.cfg.Client.Get(ctx, types.NamespacedName{Name: k.cfg.Webhook}, &c); err != nil {
		return fmt.Errorf("read webhook configuration %s: %w", k.cfg.Webhook, err)
	}
	if !slices.ContainsFunc(c.Webhooks, func(w admissionv1.ValidatingWebhook) bool { return !bytes.Equal(w.ClientConfig.CABundle, authorities) }) {
		return nil
	}
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig.CABundle = authorities
	}
	if err := k.cfg.Client.Update(ctx, &c); err != nil {
		return fmt.Errorf("write the caBundle of webhook configuration %s: %w", k.cfg.Webhook, err)
	}
	return nil
}

// serve serves a pair from now on.
func (k *Keeper) serve(p pair) {
	c, err := p.served()
	if err != nil {
		return // checked
	}
	if old := k.served.Load(); old != nil && bytes.Equal(old.Certificate[0], c.Certificate[0]) {
		return
	}
	k.served.Store(c)
	k.log.Info("certificate of the webhook in use", zap.Time("until", c.Leaf.NotAfter))
}
