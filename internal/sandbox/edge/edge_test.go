package edge

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	domain = "accesspoint.s3-global.amazonaws.com"
	known  = "a.mrap." + domain
)

// world is an edge that answers the hosts below the domain with what was asked for.
func world(t *testing.T) (proxy *url.URL, roots *x509.CertPool) {
	t.Helper()
	authority, err := NewAuthority(domain)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Start(t.Context(), authority, func(host string) bool { return strings.HasSuffix(host, "."+domain) },
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+r.RequestURI+" "+string(body))
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if proxy, err = url.Parse(e.URL()); err != nil {
		t.Fatal(err)
	}
	if proxy.Hostname() != "127.0.0.1" {
		t.Errorf("the proxy listens on %s", proxy.Host)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	return proxy, roots
}

func client(t *testing.T, proxy *url.URL, roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// A client that trusts the authority reaches a host that is known, as it was asked
// for, several times on one connection.
func TestTunnel(t *testing.T) {
	proxy, roots := world(t)
	c := client(t, proxy, roots)
	for range 3 {
		r, err := c.Post("https://"+known+"/k%20ey?a=b;c", "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if want := "POST " + known + " /k%20ey?a=b;c body"; err != nil || string(text) != want {
			t.Errorf("got %q, %v, want %q", text, err, want)
		}
	}
}

func TestNobodyElseTrustsTheAuthority(t *testing.T) {
	proxy, _ := world(t)
	_, err := client(t, proxy, x509.NewCertPool()).Get("https://" + known + "/")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
}

// The authority's certificates are no good for hosts outside of its domain, nor for
// addresses, which are in no domain.
func TestAuthorityIsBoundToItsDomain(t *testing.T) {
	authority, err := NewAuthority(domain)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	verify := func(raw []byte, host string) error {
		leaf, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
		return err
	}
	var invalid x509.CertificateInvalidError
	for host, may := range map[string]bool{known: true, "s3.amazonaws.com": false, "x" + domain: false} {
		c, err := authority.certificateFor(host)
		if err != nil {
			t.Fatal(err)
		}
		err = verify(c.Certificate[0], host)
		if refused := errors.As(err, &invalid) && invalid.Reason == x509.CANotAuthorizedForThisName; refused == may || may && err != nil {
			t.Errorf("%s: %v; may the authority sign for it: %t", host, err, may)
		}
	}
	for _, address := range []string{"127.0.0.1", "203.0.113.1", "::1", "2001:db8::1"} {
		template, err := newTemplate(address)
		if err != nil {
			t.Fatal(err)
		}
		template.IPAddresses = []net.IP{net.ParseIP(address)}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		raw, err := x509.CreateCertificate(rand.Reader, template, authority.certificate, &authority.key.PublicKey, authority.key)
		if err != nil {
			t.Fatal(err)
		}
		err = verify(raw, address)
		if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
			t.Errorf("%s: %v, want that the authority may not", address, err)
		}
	}
}

// Nothing leaves the machine by the proxy.
func TestOtherHostsAreRefused(t *testing.T) {
	proxy, roots := world(t)
	c := client(t, proxy, roots)
	for _, address := range []string{
		"https://example.com/", "https://" + known + ":8443/", "https://127.0.0.1/", "https://" + domain + "/",
	} {
		if r, err := c.Get(address); err == nil || !strings.Contains(err.Error(), "Forbidden") {
			if err == nil {
				_ = r.Body.Close()
			}
			t.Errorf("%s: %v, want Forbidden", address, err)
		}
	}
	r, err := c.Get("http://" + known + "/") // in plain, which a proxy is asked for without a tunnel
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusForbidden || !strings.HasPrefix(string(text), "the sandbox leads to its access points alone") {
		t.Errorf("in plain: %s, %q", r.Status, text)
	}
}
