package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// The keys of the Secret.
const (
	keyAuthorities = "ca.crt" // those whose certificates may be served, the newest first
	keyCertificate = "tls.crt"
	keyPrivate     = "tls.key"
)

// Lifetimes. A certificate is replaced when a third of its time is left.
const (
	lifetime  = 90 * 24 * time.Hour
	renewLeft = lifetime / 3
	// backdated allows for clocks that differ.
	backdated = time.Hour
)

// pair is a certificate with what the API server needs to trust it.
type pair struct {
	authorities []byte // PEM
	certificate []byte // PEM
	private     []byte // PEM
}

// newPair makes a certificate for names, and an authority for it alone. Authorities of
// before that are still valid stay behind it.
func newPair(names []string, before []byte, now time.Time) (pair, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make a key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make a key: %w", err)
	}
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "goshawk webhook authority " + now.UTC().Format(time.RFC3339)},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range []*x509.Certificate{ca, leaf} {
		if c.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
			return pair{}, fmt.Errorf("make a serial number: %w", err)
		}
		c.NotBefore, c.NotAfter = now.Add(-backdated), now.Add(lifetime)
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return pair{}, fmt.Errorf("sign the authority: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("write the key: %w", err)
	}
	p := pair{certificate: block("CERTIFICATE", leafDER), private: block("PRIVATE KEY", keyDER), authorities: block("CERTIFICATE", caDER)}
	for _, old := range valid(before, now) {
		p.authorities = append(p.authorities, block("CERTIFICATE", old.Raw)...)
	}
	return p, nil
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// maxAuthorities is how many are kept: with more something makes them in a circle.
const maxAuthorities = 4

// valid returns the authorities in a text that are valid, the newest first.
func valid(text []byte, now time.Time) []*x509.Certificate {
	var all []*x509.Certificate
	for len(all) < maxAuthorities {
		b, rest := pem.Decode(text)
		if b == nil {
			break
		}
		text = rest
		c, err := x509.ParseCertificate(b.Bytes)
		if err == nil && now.Before(c.NotAfter) {
			all = append(all, c)
		}
	}
	return all
}

// check says why a pair cannot be served for names, nil if it can.
func (p *pair) check(names []string, now time.Time) error {
	served, err := p.served()
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.authorities) {
		return errors.New("there is no authority")
	}
	for _, name := range names {
		if _, err := served.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			return err
		}
	}
	return nil
}

// due tells that a pair is to be replaced, although it may still be served.
func (p *pair) due(now time.Time) bool {
	served, err := p.served()
	return err != nil || served.Leaf.NotAfter.Sub(now) < renewLeft
}

// served returns the pair as a server uses it.
func (p *pair) served() (*tls.Certificate, error) {
	if len(bytes.TrimSpace(p.certificate)) == 0 {
		return nil, errors.New("there is no certificate")
	}
	c, err := tls.X509KeyPair(p.certificate, p.private)
	if err != nil {
		return nil, err
	}
	return &c, nil
}
