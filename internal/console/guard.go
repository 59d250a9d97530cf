package console

import (
	"crypto/rand"
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
)

// guard lets nobody in but the browser that was given the first URL. A page of
// another site in the same browser, or another name that resolves to loopback
// (DNS rebinding), gets nothing and changes nothing:
// https://owasp.org/www-community/attacks/csrf and
// https://www.w3.org/TR/fetch-metadata/ have the reasons.
type guard struct {
	hosts                map[string]bool // values of Host that are ours
	token, session, csrf string
	name                 string // of the cookie; cookies are of a host, whatever its port, so that two consoles need two
}

func newGuard(port string) *guard {
	hosts := map[string]bool{}
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]"} {
		hosts[name+":"+port] = true
		if port == "80" { // browsers leave the default out
			hosts[name] = true
		}
	}
	return &guard{hosts: hosts, token: rand.Text(), session: rand.Text(), csrf: rand.Text(), name: "s3fanout-" + rand.Text()[:8]}
}

// policy has no script, style or frame but those of this server's own files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !g.hosts[r.Host] {
			http.Error(w, "This console answers to 127.0.0.1 and localhost only.", http.StatusMisdirectedRequest)
			return
		}
		if token := r.URL.Query().Get("token"); r.URL.Path == "/" && r.Method == http.MethodGet && token != "" {
			g.signIn(w, token)
			return
		}
		cookie, err := r.Cookie(g.name)
		if err != nil || !same(cookie.Value, g.session) {
			http.Error(w, "Open the URL that s3fanout console printed; it has the token that lets you in.", http.StatusForbidden)
			return
		}
		if why := g.foreign(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signIn turns the token of the first URL into a cookie, and takes it out of the
// address.
func (g *guard) signIn(w http.ResponseWriter, token string) {
	if !same(token, g.token) {
		http.Error(w, "This token is of another console; open the URL that this one printed.", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: the console speaks plain HTTP, on loopback only
		Name: g.name, Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	// Not a redirect: one that follows a link of another site has no Strict cookie.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><title>s3fanout</title><link rel="icon" href="/static/icon.svg">
<meta http-equiv="refresh" content="0;url=/"><p><a href="/">To the console</a>`)
}

// foreign says why a request is not one of our own pages', empty if it is.
func (g *guard) foreign(r *http.Request) string {
	const why = "This request comes from a page that is not the console's."
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return why
	}
	origin := r.Header.Get("Origin")
	if origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" || u.Host != r.Host {
			return why
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	if origin == "" || !same(r.Header.Get("X-CSRF-Token"), g.csrf) && !same(r.PostFormValue("csrf"), g.csrf) {
		return why
	}
	return ""
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
