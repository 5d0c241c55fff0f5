package main

import (
	"net"
	"net/http"
	"strings"
)

// tokenName is the variable that has the token of the page.
const tokenName = "PAGE_TOKEN"

// leastToken is how long a token is at least, in characters.
const leastToken = 16

// token returns what who looks has to know, "" if only this machine can look.
func (c *serveCommand) token(a *app) (string, error) {
	v, _ := a.settings.Env(tokenName)
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		return "", usagef("--listen: %w: write it as 127.0.0.1:8080", err)
	case v.Text == "" && !isLoopback(host):
		return "", usagef("--listen: others could look at %s: set %s in the settings file to at least %d random characters, which they have to know, as from openssl rand -hex 16",
			c.Listen, tokenName, leastToken)
	case v.Text != "" && len(v.Text) < leastToken:
		return "", usagef("%s: it is too short: take at least %d random characters, as from openssl rand -hex 16", v.Origin, leastToken)
	}
	return v.Text, nil
}

// isLoopback reports whether only this machine reaches a host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// ownNames refuses requests for another host, as long as nobody has to know a token: the
// page of somebody else may have its own name stand for this machine.
func ownNames(next http.Handler, hasToken bool) http.Handler {
	if hasToken {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]") // without a port, which 80 has
		if h, _, err := net.SplitHostPort(r.Host); err == nil {
			host = h
		}
		if !isLoopback(host) {
			w.Header().Set("Connection", "close") // the server would wait for a body before it answers
			http.Error(w, "this page is for 127.0.0.1 and localhost only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
