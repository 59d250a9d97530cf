package edge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
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

// The authority's certificates are no good for hosts outside of its domain.
func TestAuthorityIsBoundToItsDomain(t *testing.T) {
	authority, err := NewAuthority(domain)
	if err != nil {
		t.Fatal(err)
	}
	c, err := authority.certificateFor("s3.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	var invalid x509.CertificateInvalidError
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "s3.amazonaws.com"}); !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
		t.Errorf("got %v, want that the authority may not", err)
	}
}

// Nothing leaves the machine by the proxy.
func TestOtherHostsAreRefused(t *testing.T) {
	proxy, roots := world(t)
	c := client(t, proxy, roots)
	for _, address := range []string{"https://example.com/", "https://" + known + ":8443/", "https://127.0.0.1/", "https://" + domain + "/"} {
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
