package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"example.com/rotatelog"
)

const (
	eraseLine       = "\r\x1b[K"
	refreshInterval = 250 * time.Millisecond
	lineInterval    = time.Minute
)

// progress shows how far a long run has come: on a terminal in one line, which is
// erased at the end, and elsewhere in a line a minute. It is safe for concurrent use.
type progress struct {
	w        io.Writer
	clock    rotatelog.Clock
	terminal bool
	width    int

	start time.Time

	mu      sync.Mutex // guards what follows
	shown   time.Time
	visible bool
}

// newProgress returns the progress of a run that begins now.
func (a *app) newProgress() *progress {
	p := &progress{w: a.env.Stderr, clock: a.env.Clock, terminal: a.env.StderrTerminal, width: a.env.Width}
	if a.grammar.Quiet {
		p.w, p.terminal = io.Discard, false
	}
	p.start = p.clock.Now()
	if !p.terminal {
		p.shown = p.start
	}
	return p
}

// show shows the text, unless something was shown a moment ago.
func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	interval := lineInterval
	if p.terminal {
		interval = refreshInterval
	}
	if now.Sub(p.shown) < interval {
		return
	}
	p.shown = now
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	if r := []rune(text); len(r) >= p.width { // a line that wraps could not be erased
		text = string(r[:max(0, p.width-1)])
	}
	fmt.Fprint(p.w, eraseLine, text)
	p.visible = true
}

// hide erases the line, so that something else can be printed.
func (p *progress) hide() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible {
		fmt.Fprint(p.w, eraseLine)
		p.visible = false
	}
}

// took returns for how long the run has lasted.
func (p *progress) took() time.Duration { return p.clock.Now().Sub(p.start) }
