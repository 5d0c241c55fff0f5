package alert

import (
	"fmt"
	"slices"
	"time"
)

const (
	// keptFor is for how long it is tried to send a message.
	keptFor = 24 * time.Hour
	// maxKept is how many messages wait at most.
	maxKept = 100
	// maxPause is the longest pause before a receiver is tried again.
	maxPause = 15 * time.Minute
)

// outbox is what has to be sent.
type outbox struct {
	Waiting []*delivery        `json:"waiting,omitempty"` // the oldest first
	Failing map[string]failing `json:"failing,omitempty"` // by the marks of receivers
}

// delivery is a message, and which receivers have it.
type delivery struct {
	To      Channel   `json:"to"`
	Since   time.Time `json:"since"`
	Message Message   `json:"message"`
	Done    []string  `json:"done,omitempty"` // the marks of receivers
}

// failing is a receiver that did not take the last message.
type failing struct {
	Times int       `json:"times"` // in a row
	Next  time.Time `json:"next"`  // when it is tried again
}

func (o *outbox) add(to Channel, m Message, now time.Time) {
	o.Waiting = append(o.Waiting, &delivery{To: to, Since: now, Message: m})
}

// turnBack has nothing be further in the future than it can be.
func (o *outbox) turnBack(now time.Time) {
	for _, d := range o.Waiting {
		if d.Since.After(now) {
			d.Since = now
		}
	}
	for mark, f := range o.Failing {
		if f.Next.After(now.Add(maxPause)) {
			f.Next = now
			o.Failing[mark] = f
		}
	}
}

// given is a delivery that is given up.
type given struct {
	*delivery
	why error
}

// expire removes what is too old. If there is too much, the oldest mails go first.
func (o *outbox) expire(now time.Time) []given {
	var all []given
	o.Waiting = slices.DeleteFunc(o.Waiting, func(d *delivery) bool {
		old := now.Sub(d.Since) >= keptFor
		if old {
			all = append(all, given{d, fmt.Errorf("a message could not be sent for a day, and is given up: %s", d.Message.Title())})
		}
		return old
	})
	for len(o.Waiting) > maxKept {
		i := max(0, slices.IndexFunc(o.Waiting, func(d *delivery) bool { return !d.wakes() }))
		d := o.Waiting[i]
		all = append(all, given{d, fmt.Errorf("more than %d messages wait to be sent, and the oldest is given up: %s", maxKept, d.Message.Title())})
		o.Waiting = slices.Delete(o.Waiting, i, i+1)
	}
	return all
}

// wakes reports whether somebody is to be woken.
func (d *delivery) wakes() bool { return d.To == Page || d.Message.urgent() }

// due returns what a receiver has to get now, the oldest first.
func (o *outbox) due(r *Receiver, channels []Channel, now time.Time) []*delivery {
	if now.Before(o.Failing[r.mark()].Next) {
		return nil
	}
	var due []*delivery
	for _, d := range o.Waiting {
		if slices.Contains(channels, d.To) && !slices.Contains(d.Done, r.mark()) {
			due = append(due, d)
		}
	}
	return due
}

// sent remembers how sending to a receiver went.
func (o *outbox) sent(r *Receiver, done []*delivery, err error, now time.Time) {
	for _, d := range done {
		d.Done = append(d.Done, r.mark())
	}
	if err == nil {
		delete(o.Failing, r.mark())
		return
	}
	f := o.Failing[r.mark()]
	f.Times++
	f.Next = now.Add(min(maxPause, time.Minute<<max(0, min(f.Times-1, 10))))
	if o.Failing == nil {
		o.Failing = map[string]failing{}
	}
	o.Failing[r.mark()] = f
}

// tidy forgets what all receivers have, and receivers that are none any more.
func (o *outbox) tidy(of map[Channel][]*Receiver) {
	known := map[string]bool{}
	for _, receivers := range of {
		for _, r := range receivers {
			known[r.mark()] = true
		}
	}
	for mark := range o.Failing {
		if !known[mark] {
			delete(o.Failing, mark)
		}
	}
	o.Waiting = slices.DeleteFunc(o.Waiting, func(d *delivery) bool {
		return !slices.ContainsFunc(of[d.To], func(r *Receiver) bool { return !slices.Contains(d.Done, r.mark()) })
	})
}

// stuck reports whether a page waits.
func (o *outbox) stuck() bool {
	return slices.ContainsFunc(o.Waiting, (*delivery).wakes)
}
