package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"example.com/rotatelog/dashboard"
	"example.com/rotatelog/health"
)

type serveCommand struct {
	Listen string `setting:"" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the page is (default 127.0.0.1:8080)."`
	expectFlags
	settingsFlags
}

// Help is added to the help of the command.
func (serveCommand) Help() string {
	return `A live page of what rotatelog status prints, for a browser, from the spool in
--dir and the store, beside whatever appends. It changes nothing. Beside it are
/healthz, for monitors: 200, or 503 if something is worth a mail; /metrics, for
Prometheus; and /api/v1/status, the lines of rotatelog status --json.

Only this machine can look, unless --listen has another address. That needs
PAGE_TOKEN, of 16 characters or more, in the settings file or the environment:
browsers ask for it as a password, with any user name. It travels as it is, so
let a proxy with TLS stand before it, or look through a tunnel instead:

  ssh -L 8080:127.0.0.1:8080 web1`
}

// tokenName is the variable that has the token of the page.
const tokenName = "PAGE_TOKEN"

// leastToken is how long a token is at least, in characters.
const leastToken = 16

// Run serves the page until it is interrupted.
func (c *serveCommand) Run(ctx context.Context, a *app) error {
	streams, err := a.streams()
	if err != nil {
		return err
	}
	token, err := c.token(a)
	if err != nil {
		return err
	}
	facts := newServeFacts(a, streams)
	cfg := dashboard.Config{Token: token, Clock: a.env.Clock}
	for _, s := range streams {
		shown, err := facts.stream(s)
		if err != nil {
			return err
		}
		cfg.Streams = append(cfg.Streams, shown)
	}
	if cfg.Metrics, err = metricsOf(cfg.Streams); err != nil {
		return err
	}
	page, err := dashboard.New(cfg)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return failed(fmt.Errorf("--listen: %w: say another with --listen", err))
	}
	a.printf("The page is at http://%s/, until this is interrupted.\n", listener.Addr())
	return serve(ctx, listener, ownNames(page, token != ""), page.Watch, facts.keep)
}

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

// serve serves a handler until ctx is done, and runs what works beside it as long.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, beside ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, len(beside))
	for _, work := range beside {
		go func() { done <- work(ctx) }()
	}
	context.AfterFunc(ctx, func() { server.Close() })
	err := server.Serve(listener)
	stop()
	for range beside {
		<-done
	}
	if errors.Is(err, http.ErrServerClosed) {
		return errInterrupted()
	}
	return err
}

// stream returns what the page shows of a stream.
func (f *serveFacts) stream(s stream) (dashboard.Stream, error) {
	if s.Dir == "" {
		return dashboard.Stream{}, errNoDir()
	}
	expect, err := s.expected()
	if err != nil {
		return dashboard.Stream{}, err
	}
	options, err := f.app.optionsOf(s, expect)
	if err != nil {
		return dashboard.Stream{}, err
	}
	return dashboard.Stream{Name: s.Name, Dir: s.Dir, Counted: s.Count != "", Options: options,
		Facts:   func(facts *health.Facts) { f.add(s.Name, facts) },
		Unknown: func() []string { return f.unknown(s.Name) },
		Finding: s.typedFinding,
		DiskOf:  f.app.env.DiskOf,
	}, nil
}
