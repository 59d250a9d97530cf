package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// validity is how long certificates hold, and for how long before they were made, so
// that clocks may differ.
const (
	validity = 90 * 24 * time.Hour
	before   = time.Hour
)

// Authority signs certificates for hosts of AWS that only the sandbox's own clients
// trust. Its key is in memory alone and ends with the process.
type Authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	raw         []byte

	mu    sync.Mutex
	hosts map[string]*tls.Certificate
}

// NewAuthority makes an authority with a new key. It may sign for hosts below the
// domain only, and not for addresses.
func NewAuthority(domain string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate("s3fanout sandbox")
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	template.PermittedDNSDomainsCritical, template.PermittedDNSDomains = true, []string{domain}
	// A constraint on names of one kind says nothing about the others.
	template.ExcludedIPRanges = []*net.IPNet{
		{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &Authority{key: key, certificate: certificate, raw: raw, hosts: map[string]*tls.Certificate{}}, nil
}

// PEM is the authority's certificate, for AWS_CA_BUNDLE.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.raw})
}

// certificateFor is the one for a host, made when it is first asked for.
func (a *Authority) certificateFor(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.hosts[host]; c != nil {
		return c, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(host)
	if err != nil {
		return nil, err
	}
	template.DNSNames = []string{host}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	a.hosts[host] = &tls.Certificate{Certificate: [][]byte{raw, a.raw}, PrivateKey: key}
	return a.hosts[host], nil
}

func newTemplate(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if len(name) > 64 { // of a common name
		name = "s3fanout sandbox"
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-before), NotAfter: now.Add(validity),
	}, nil
}
