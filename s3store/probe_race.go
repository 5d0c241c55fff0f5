package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	racers     = 8
	raceRounds = 3

	// The bodies are larger than what a client or a server buffers before it looks
	// at it.
	raceHead = 16 << 10 // bytes of a body that are sent before the gate
	raceBody = 24 << 10

	gateLimit = 2 * time.Second
)

// race lets several writers replace the same version at once. Each has sent the
// headers and half of the body before any can finish: a server that checks the
// condition first and writes later lets several of them pass.
func (p *probe) race(ctx context.Context) {
	if p.found.IfMatch.Result != ResultYes {
		p.found.Atomic = p.found.IfMatch
		return
	}
	if err := p.put(ctx, "race", p.newBody(), nil); err != nil {
		p.found.Atomic.Err = p.explain(ctx, "write", err)
		return
	}
	for range raceRounds {
		p.found.Atomic = p.raceOnce(ctx)
		if p.found.Atomic.Result != ResultYes {
			return
		}
	}
}

func (p *probe) raceOnce(ctx context.Context) Finding {
	before, err := p.inspect(ctx, "race")
	if err != nil {
		return Finding{ResultUnknown, p.explain(ctx, "read", err)}
	}
	var all sync.WaitGroup
	var bodies [racers][]byte
	var replies [racers]error
	start := newGate(racers)
	for i := range racers {
		all.Go(func() {
			bodies[i] = p.raceBody()
			replies[i] = p.put(ctx, "race", bodies[i],
				func(in *s3.PutObjectInput) { in.IfMatch = aws.String(string(before.version)) }, start.through)
		})
	}
	all.Wait()
	after, err := p.inspect(ctx, "race")
	if err != nil {
		return Finding{ResultUnknown, p.explain(ctx, "read", err)}
	}
	return judgeRace(replies[:], slices.IndexFunc(bodies[:], after.holds))
}

func (p *probe) raceBody() []byte {
	body := make([]byte, raceBody)
	for n := copy(body, p.newBody()); n < len(body); n *= 2 {
		copy(body[n:], body[:n])
	}
	return body
}

// judgeRace decides by all replies, and by whose body the object has now. winner is
// -1 if it is nobody's.
func judgeRace(replies []error, winner int) Finding {
	won, lost := 0, 0
	for _, err := range replies {
		switch status := statusOf(err); {
		case err == nil:
			won++
		case status == http.StatusPreconditionFailed, status == http.StatusConflict, status == http.StatusInternalServerError:
			lost++
		}
	}
	switch {
	case won > 1, won == 1 && (winner < 0 || replies[winner] != nil):
		return Finding{ResultNo, fmt.Errorf("of %d writers at once %d were told that they succeeded, but only one can have", len(replies), won)}
	case won == 0 || lost < len(replies)/2:
		return Finding{ResultUnknown, fmt.Errorf("of %d writers at once %d succeeded, %d were refused: %w", len(replies), won, lost, errors.Join(replies...))}
	}
	return Finding{Result: ResultYes}
}

// gate holds requests until the expected number of them has arrived.
type gate struct {
	missing atomic.Int32
	open    chan struct{}
}

func newGate(n int32) *gate {
	g := &gate{open: make(chan struct{})}
	g.missing.Store(n)
	return g
}

// wait returns when all have arrived, or after gateLimit: a server may take
// requests for one object one after the other.
func (g *gate) wait(ctx context.Context) {
	if g.missing.Add(-1) == 0 {
		close(g.open)
	}
	t := time.NewTimer(gateLimit)
	defer t.Stop()
	select {
	case <-g.open:
	case <-t.C:
	case <-ctx.Done():
	}
}

// through makes a request wait at the gate in the middle of its body.
func (g *gate) through(o *s3.Options) { o.HTTPClient = &gatedClient{o.HTTPClient, g} }

type gatedClient struct {
	client s3.HTTPClient
	gate   *gate
}

// Do implements [s3.HTTPClient].
func (c *gatedClient) Do(req *http.Request) (*http.Response, error) {
	req.Body = &gatedBody{ReadCloser: req.Body, ctx: req.Context(), gate: c.gate, before: raceHead}
	return c.client.Do(req)
}

type gatedBody struct {
	io.ReadCloser
	ctx    context.Context // of the request
	gate   *gate
	before int // bytes to go
	passed bool
}

func (b *gatedBody) Read(p []byte) (int, error) {
	if b.before == 0 && !b.passed {
		b.gate.wait(b.ctx)
		b.passed = true
	}
	if b.before > 0 {
		p = p[:min(len(p), b.before)]
	}
	n, err := b.ReadCloser.Read(p)
	b.before = max(0, b.before-n)
	return n, err
}
