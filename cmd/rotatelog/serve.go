package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

type serveCommand struct {
	Listen string `setting:"" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the page is (default 127.0.0.1:8080)."`
	expectFlags
	settingsFlags
}

// Help is added to the help of the command.
func (serveCommand) Help() string {
	return `A live page of what rotatelog status prints, for a browser, from the spool in
--dir and the store, beside whatever appends. Nothing can be changed there.
Beside it are /healthz, for monitors: 200, or 503 if something is worth a mail;
/metrics, for Prometheus; and /api/v1/status, as rotatelog status --json.

If ROTATELOG_NOTIFY, ROTATELOG_PAGE or ROTATELOG_HEARTBEAT is set, it looks each
minute whether there is something to tell, as rotatelog status --notify does.
Both may run: nothing is told twice.

Only this machine can look, unless --listen has another address. That needs
PAGE_TOKEN, of 16 characters or more, in the settings file or the environment:
browsers ask for it as a password, with any user name. It travels as it is, so
let a proxy with TLS stand before it, or look through a tunnel instead:

  ssh -L 8080:127.0.0.1:8080 web1`
}

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
	page, err := facts.newPage(token)
	if err != nil {
		return err
	}
	beside := []func(context.Context) error{page.Watch, facts.keep}
	alerts, err := newServeAlerts(facts)
	if err != nil {
		return err
	}
	if alerts != nil {
		beside = append(beside, alerts.keep)
	}
	listener, err := a.env.listen("tcp", c.Listen)
	if err != nil {
		return failed(fmt.Errorf("--listen: %w: say another with --listen", err))
	}
	a.printf("The page is at http://%s/, until this is interrupted.\n", listener.Addr())
	if alerts != nil {
		a.paragraph(alerts.String())
	}
	return serve(ctx, listener, ownNames(page, token != ""), beside...)
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
