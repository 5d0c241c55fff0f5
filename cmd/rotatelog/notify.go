package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/internal/settings"
)

// notifier tells people what status finds.
type notifier struct {
	command *statusCommand
	app     *app
	ev      *alert.Evaluator
	mails   bool // what is no reason to wake somebody is told as well
}

// newNotifier returns what tells those whom the settings name. Nothing is sent yet.
func (c *statusCommand) newNotifier(a *app, streams []stream) (*notifier, error) {
	cfg, err := a.alertConfig(streams)
	if err != nil {
		return nil, err
	}
	if !tells(cfg) {
		return nil, usageError(&incomplete{fmt.Errorf("--notify: none of %s is set: say who is to be told, as %s", strings.Join(settings.AlertNames(), ", "), alert.Forms)})
	}
	ev, err := alert.New(cfg)
	return &notifier{c, a, ev, cfg.Notify != nil}, err
}

// tells reports whether somebody is told.
func tells(cfg alert.Config) bool {
	return cfg.Notify != nil || cfg.Page != nil || cfg.Heartbeat != nil
}

// alertConfig returns who is told, as the settings say, and where that is remembered: with
// the first stream that has a spool. Errors have no URL.
func (a *app) alertConfig(streams []stream) (alert.Config, error) {
	at := streams[0]
	for _, s := range streams {
		if s.Dir != "" && s.hasSpool() {
			at = s
			break
		}
	}
	if at.Dir == "" {
		return alert.Config{}, errNoDir()
	}
	cfg := alert.Config{Dir: at.Dir, Name: at.Name, Location: a.zone, Sleep: a.env.Clock.Sleep, Transport: a.env.Transport}
	for _, name := range settings.AlertNames() {
		v, ok := a.settings.Env(name)
		if !ok || v.Text == "" {
			continue
		}
		var err error
		switch name {
		case "ROTATELOG_NOTIFY":
			cfg.Notify, err = alert.ParseReceivers(v.Text)
		case "ROTATELOG_PAGE":
			cfg.Page, err = alert.ParseReceivers(v.Text)
		case "ROTATELOG_HEARTBEAT":
			cfg.Heartbeat, err = alert.ParseHeartbeat(v.Text)
		}
		if err == nil && !at.InsecureHTTP {
			err = notInClear(append(slices.Concat(cfg.Notify, cfg.Page), cfg.Heartbeat))
		}
		if err != nil {
			return cfg, usagef("%s: %w", v.Origin, err)
		}
	}
	return cfg, nil
}

// notInClear refuses receivers beyond this machine to which a secret would go unencrypted.
func notInClear(receivers []*alert.Receiver) error {
	for _, r := range receivers {
		if r != nil && r.InClear() {
			return fmt.Errorf("%s would be told in the clear, with what is secret in its URL: use https, or --insecure-http", r)
		}
	}
	return nil
}

// run takes in what is known of the streams, and tells what is new. The error is what the
// exit code says.
func (n *notifier) run(ctx context.Context, all []streamStatus) error {
	sent, err := n.ev.Evaluate(ctx, n.app.alertLook(all))
	n.print(sent)
	switch {
	case errors.Is(err, rotatelog.ErrLocked): // that one tells what is new
		return nil
	case err != nil:
		return failed(err)
	case !n.mails:
		return n.command.end(all)
	}
	return nil
}

// test sends one message of each kind.
func (n *notifier) test(ctx context.Context) error {
	sent := n.ev.Test(ctx, n.app.now())
	n.print(sent)
	for _, s := range sent {
		if s.Err != nil {
			return errFinding()
		}
	}
	return nil
}

// print says what was sent, and what was not.
func (n *notifier) print(sent []alert.Sent) {
	if n.command.JSON {
		return
	}
	for _, s := range sent {
		n.app.paragraph(toldLine(s))
	}
}

// toldLine says that a message was sent, or was not.
func toldLine(s alert.Sent) string {
	what := s.Message.Title()
	if s.Message.ID == "" {
		what = "heartbeat"
	}
	if s.Err != nil {
		return fmt.Sprintf("could not tell %s: %s: %v", s.To, what, s.Err)
	}
	return fmt.Sprintf("told %s: %s", s.To, what)
}

// alertLook returns what is known of the streams, for an Evaluator.
func (a *app) alertLook(all []streamStatus) alert.Look {
	look := alert.Look{Now: a.now(), Started: a.env.Started()}
	for _, s := range all {
		shown := s.shown(a)
		one := alert.Stream{Name: s.Stream, Unknown: s.blindTo, Findings: shown.Findings}
		switch {
		case shown.Blind != nil:
			one.NotSeen = strings.Join(shown.Blind, " ")
		case len(s.problems) > 0:
			one.NotSeen = "Not all can be seen: " + strings.Join(s.problems, "; ") + "."
		}
		if s.err == nil {
			one.Morning = s.morning().String()
		}
		look.Streams = append(look.Streams, one)
	}
	return look
}
