package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/health"
)

// evaluateEvery is the time between two evaluations.
const evaluateEvery = time.Minute

// serveAlerts tells people what the page shows, once a minute, whether somebody looks at it
// or not. It has a goroutine of its own: who takes long to tell holds nothing up.
type serveAlerts struct {
	facts   *serveFacts
	started time.Time

	cfg  alert.Config
	ev   *alert.Evaluator
	said string // of what has failed last, so that it is not said each minute
}

// newServeAlerts returns what tells those whom the settings name; nil if they name nobody.
func newServeAlerts(f *serveFacts) (*serveAlerts, error) {
	cfg, err := f.app.alertConfig(f.streams)
	if err != nil || !tells(cfg) {
		return nil, err
	}
	ev, err := alert.New(cfg)
	return &serveAlerts{facts: f, started: f.app.now(), cfg: cfg, ev: ev}, err
}

// String says who is told, without what is secret.
func (s *serveAlerts) String() string {
	var names []string
	for _, r := range append(slices.Concat(s.cfg.Notify, s.cfg.Page), s.cfg.Heartbeat) {
		if r != nil && !slices.Contains(names, r.String()) {
			names = append(names, r.String())
		}
	}
	return "What is wrong is told to " + strings.Join(names, ", ") + "."
}

// keep evaluates until ctx is done.
func (s *serveAlerts) keep(ctx context.Context) error {
	for {
		began := s.facts.app.now()
		s.evaluate(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		left := evaluateEvery - s.facts.app.now().Sub(began)
		if err := s.facts.app.env.Clock.Sleep(ctx, max(0, min(left, evaluateEvery))); err != nil {
			return err
		}
	}
}

// evaluate tells what is new, once.
func (s *serveAlerts) evaluate(ctx context.Context) {
	look, err := s.look(ctx)
	if err == nil {
		err = s.move()
	}
	var sent []alert.Sent
	if err == nil {
		sent, err = s.ev.Evaluate(ctx, look)
	}
	if ctx.Err() != nil { // and the next one sends the rest
		return
	}
	s.print(sent)
	s.complain(err)
}

// move has what is said be remembered where rotatelog status does, which is elsewhere once
// the first stream has a spool.
func (s *serveAlerts) move() error {
	cfg, err := s.facts.app.alertConfig(s.facts.streams)
	if err != nil || cfg.Dir == s.cfg.Dir && cfg.Name == s.cfg.Name {
		return err
	}
	ev, err := alert.New(cfg)
	if err == nil {
		s.cfg, s.ev = cfg, ev
	}
	return err
}

// look returns what the page shows, for an Evaluator.
func (s *serveAlerts) look(ctx context.Context) (alert.Look, error) {
	app := s.facts.app
	seen, notSeen := s.facts.page.Snapshot(ctx)
	var all []streamStatus
	for i, of := range s.facts.streams {
		options, err := s.facts.optionsOf(of)
		if err != nil {
			return alert.Look{}, err
		}
		status := streamStatus{stream: of, options: options, err: notSeen, Summary: health.Summary{Stream: of.Name, Now: app.now()}}
		if notSeen == nil {
			status.facts, status.err = seen.Streams[i].Facts, seen.Streams[i].Err
		}
		if status.err == nil {
			status.Summary = health.Summarize(status.facts, options)
			status.problems = status.facts.Spool.Problems
			status.blindTo = s.facts.blindTo(of.Name)
		}
		all = append(all, status)
	}
	look := app.alertLook(all)
	look.Started = s.started
	return look, nil
}

// print says what was sent. That somebody hears each five minutes that all is well is none
// of it.
func (s *serveAlerts) print(sent []alert.Sent) {
	for _, x := range sent {
		if x.Err == nil && x.Message.ID != "" && !s.facts.app.out.quiet {
			s.facts.app.paragraph(toldLine(x))
		}
	}
}

// complain says what could not be done, once while it lasts.
func (s *serveAlerts) complain(err error) {
	if errors.Is(err, rotatelog.ErrLocked) { // that one tells what is new
		return
	}
	text := ""
	if err != nil {
		text = explained(err)
	}
	if text != "" && text != s.said {
		fmt.Fprintf(s.facts.app.env.Stderr, "rotatelog: %s\n", text)
	}
	s.said = text
}
