package alert

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// attempts is how often it is tried to send a message, in one evaluation.
	attempts = 3
	// firstPause is how long the first pause between them is. The next one is three times
	// as long.
	firstPause = time.Second
	// deliveryTimeout is for how long an evaluation sends.
	deliveryTimeout = 45 * time.Second
)

// route is a receiver, and of which channels it gets messages.
type route struct {
	to       *Receiver
	channels []Channel
}

// routes returns the receivers, each once.
func (e *Evaluator) routes() []route {
	var routes []route
	for _, channel := range []Channel{Page, Notify} {
		for _, r := range e.receivers()[channel] {
			i := slices.IndexFunc(routes, func(known route) bool { return known.to.mark() == r.mark() })
			if i < 0 {
				i = len(routes)
				routes = append(routes, route{to: r})
			}
			routes[i].channels = append(routes[i].channels, channel)
		}
	}
	return routes
}

// deliver sends what waits, to all receivers at once and to each in order. What one does
// not take waits, and all that comes after it. If only what is urgent is sent, the rest
// waits as well.
func (e *Evaluator) deliver(ctx context.Context, m *memory, now time.Time, urgent bool) (sent []Sent, errs []error) {
	ctx, cancel := context.WithTimeoutCause(ctx, deliveryTimeout, fmt.Errorf("not sent within %v", deliveryTimeout))
	defer cancel()
	routes := e.routes()
	results := make([]result, len(routes))
	var sending sync.WaitGroup
	for i, r := range routes {
		due := m.Outbox.due(r.to, r.channels, now)
		if urgent {
			due = slices.DeleteFunc(due, func(d *delivery) bool { return !d.Message.urgent() })
		}
		if len(due) == 0 {
			continue
		}
		sending.Go(func() { results[i] = e.deliverTo(ctx, r.to, due) })
	}
	sending.Wait()
	for i, r := range routes {
		if len(results[i].done) == 0 && results[i].err == nil {
			continue
		}
		m.Outbox.sent(r.to, results[i].done, results[i].err, now)
		for _, d := range results[i].done {
			sent = append(sent, Sent{To: r.to, Message: d.Message})
		}
		if err := results[i].err; err != nil {
			sent = append(sent, Sent{To: r.to, Message: results[i].failed.Message, Err: err})
			errs = append(errs, fmt.Errorf("%s: %w; it is tried again", r.to, err))
		}
	}
	m.Outbox.tidy(e.receivers())
	return sent, errs
}

// result is what became of the messages to one receiver.
type result struct {
	done   []*delivery
	failed *delivery
	err    error
}

func (e *Evaluator) deliverTo(ctx context.Context, r *Receiver, due []*delivery) (res result) {
	for _, d := range due {
		if err := e.send(ctx, r, d.Message); err != nil {
			res.failed, res.err = d, err
			return res
		}
		res.done = append(res.done, d)
	}
	return res
}

// send sends a message to a receiver, and tries again if that may help.
func (e *Evaluator) send(ctx context.Context, r *Receiver, m Message) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := e.sendOnce(ctx, r, m)
		if err == nil || attempt == attempts || !isTransient(err) || ctx.Err() != nil {
			return err
		}
		if e.cfg.Sleep(ctx, pause) != nil {
			return err
		}
		pause *= 3
	}
}

func (e *Evaluator) sendOnce(ctx context.Context, r *Receiver, m Message) error {
	switch r.kind {
	case "exec":
		return runCommand(ctx, r.cmd, m)
	case "ntfy":
		return e.poster.ntfy(ctx, r.url, m)
	case "heartbeat":
		return e.poster.heartbeat(ctx, r.url)
	}
	return e.poster.webhook(ctx, r.url, m, m.ID)
}
