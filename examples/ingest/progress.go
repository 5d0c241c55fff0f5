package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"example.com/rotatelog/examples/internal/cli"
)

// progress is a line at the bottom of a terminal that says how far a run has
// come. What else is written to the terminal goes through it, so that the line
// is out of the way. A nil progress shows nothing.
type progress struct {
	out io.Writer
	now func() time.Time

	mu           sync.Mutex // guards what follows
	start, shown time.Time
	visible      bool
}

const (
	eraseLine   = "\r\x1b[K"
	refreshRate = 250 * time.Millisecond
)

// newProgress takes over cmd's standard error, if that is a terminal.
func newProgress(cmd *cli.Command) *progress {
	f, ok := cmd.Stderr.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	p := &progress{out: f, now: time.Now}
	if cmd.Clock != nil {
		p.now = cmd.Clock.Now
	}
	p.start = p.now()
	cmd.Stderr = p
	return p
}

// update shows what was appended so far, unless the line is still fresh.
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
	fmt.Fprintf(p.out, "%s%d fetches, %.1f MB, %.0f fetches/s", eraseLine, fetches, float64(bytes)/1e6, float64(fetches)/seconds)
}

// clear takes the line away.
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
		io.WriteString(p.out, eraseLine)
		p.visible = false
	}
}
