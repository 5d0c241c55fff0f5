package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"example.com/rotatelog/internal/cli"
)

// progress is a line at the bottom of a terminal that shows how far a run has come.
// All other output to the terminal goes through it, which erases the line first. A
// nil progress shows nothing.
type progress struct {
	out io.Writer
	now func() time.Time

	mu           sync.Mutex // guards what follows
	start, shown time.Time
	visible      bool
}

const refreshRate = 250 * time.Millisecond

// newProgress takes over cmd's standard error, if that is a terminal.
func newProgress(cmd *cli.Command) *progress {
	if !cli.IsTerminal(cmd.Stderr) {
		return nil
	}
	p := &progress{out: cmd.Stderr, now: time.Now}
	if cmd.Clock != nil {
		p.now = cmd.Clock.Now
	}
	p.start = p.now()
	cmd.Stderr = p
	return p
}

// update shows what was appended so far, unless it did so a moment ago.
func (p *progress) update(fetches int, bytes int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.shown) < refreshRate {
		return
	}
	p.shown, p.visible = now, true
	seconds := max(now.Sub(p.start).Seconds(), refreshRate.Seconds())
	fmt.Fprintf(p.out, "%s%d fetches, %.1f MB, %.0f fetches/s", cli.EraseLine, fetches, float64(bytes)/1e6, float64(fetches)/seconds)
}

// clear erases the line.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.out.Write(b)
}

func (p *progress) erase() {
	if p.visible {
		io.WriteString(p.out, cli.EraseLine)
		p.visible = false
	}
}
