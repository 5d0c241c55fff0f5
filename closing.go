package rotatelog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Closing a day puts daily_metadata first again, so that a finished day reads as
// documented whatever its size. A day is due for it when it is over and nothing
// of it waits. What is due is told by uploaded/: the last batch of a day stays
// there until the day is known to be closed, which closedFile remembers. So a
// day is closed by whichever process publishes next, and asked for once.
//
// Closing is tidiness, not safety: if it fails, uploads and Drain go on. While it
// is tried they wait, as for an upload to that day, which takes as long.

// closedFile holds the days that are known to be closed, of those that
// uploaded/ names. What it does not tell costs one look at the store.
const closedFile = "closed.json"

// maxUnclosed is how many days keep a batch for being closed. If closing always
// fails, the disk must not fill up.
const maxUnclosed = 7

// refusedPause is the wait after a store that refuses to have a day closed, or
// does not come to an end with it.
const refusedPause = time.Hour

// closedDays returns the days that are known to be closed.
func (s *spool) closedDays() (map[daily]bool, error) {
	content, err := s.readFile(s.path(closedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var days []daily
	if json.Unmarshal(content, &days) != nil { // missing or odd: they are looked at again
		return nil, nil
	}
	closed := make(map[daily]bool, len(days))
	for _, day := range days {
		closed[day] = true
	}
	return closed, nil
}

// noteClosed remembers that a day is closed.
func (s *spool) noteClosed(day daily) error {
	named, err := s.uploaded()
	if err != nil {
		return err
	}
	closed, err := s.closedDays()
	if err != nil {
		return err
	}
	days := []daily{day}
	for _, b := range named {
		if closed[b.daily()] && !slices.Contains(days, b.daily()) {
			days = append(days, b.daily())
		}
	}
	slices.SortFunc(days, daily.compare)
	content, err := json.Marshal(days)
	if err != nil {
		return err
	}
	return s.writeFile(s.path(closedFile), append(content, '\n'))
}

// unclosed returns, of confirmed batches in order, the last of each day that is
// not known to be closed.
func (s *spool) unclosed(old []batch) (map[daily]batch, error) {
	last := map[daily]batch{}
	for _, b := range old {
		last[b.daily()] = b
	}
	closed, err := s.closedDays()
	maps.DeleteFunc(last, func(day daily, _ batch) bool { return closed[day] })
	return last, err
}

// spared returns those of confirmed batches, in order, that stay because their
// day is to be closed.
func (s *spool) spared(old []batch) map[string]bool {
	last, _ := s.unclosed(old) // unreadable: then all days may be
	batches := slices.SortedFunc(maps.Values(last), byOrder)
	spared := map[string]bool{}
	for _, b := range batches[max(0, len(batches)-maxUnclosed):] {
		spared[b.id] = true
	}
	return spared
}

// isOver reports whether a day has ended by the clock. With Config.Time the days
// are those of the fetches, and end when others come: see unclosedDays.
func (p *publisher) isOver(day Day) bool {
	return p.cfg.Time == nil && day.Compare(p.cfg.today()) < 0
}

// arrange makes the parts that append uploads to what was seen. all says that
// nothing else of the day waits: if the day is over too, the same write closes it.
func (p *publisher) arrange(seen document, all bool, uploads []upload) ([]Part, document, error) {
	over := p.isOver(seen.totals.Day)
	parts, next := seen.appendWithin(p.cfg.largeDay, uploads...)
	switch {
	case over && all:
		parts, next = seen.appendAs(metadataFirst, uploads...)
	case next.layout() == seen.layout(): // or it would turn to metadataLast
	case over:
		parts, next = seen.append(uploads...)
	default:
		closed, err := p.spool.closedDays()
		if err != nil {
			return nil, document{}, &Error{"read", p.cfg.path(p.spool.path(closedFile)), err}
		}
		if closed[seen.daily()] { // and stays so, though the clock was set back
			parts, next = seen.append(uploads...)
		}
	}
	return parts, next, nil
}

// unclosedDays returns the days to be closed as far as is known here, which are
// due for it: over, and nothing of them waits. With Config.Time a day before
// today counts as over when a later batch was of another day, or when a Drain
// asks.
func (p *publisher) unclosedDays(waiting []batch, drained bool) ([]daily, error) {
	old, err := p.spool.uploaded()
	if err != nil || len(old) == 0 {
		return nil, err
	}
	today, newest := p.cfg.today(), latest(old).day
	if !slices.ContainsFunc(old, func(b batch) bool { return b.day != today }) {
		return nil, nil // as most of the day
	}
	last, err := p.spool.unclosed(old)
	if err != nil {
		return nil, err
	}
	for _, b := range waiting {
		delete(last, b.daily())
	}
	maps.DeleteFunc(last, func(day daily, _ batch) bool {
		return day.day.Compare(today) >= 0 || p.cfg.Time != nil && day.day == newest && !drained
	})
	return slices.SortedFunc(maps.Keys(last), daily.compare), nil
}

// mayClose reports whether there is a day to be closed.
func (p *publisher) mayClose() bool {
	p.mu.Lock()
	drained := p.hurry
	p.mu.Unlock()
	days, err := p.unclosedDays(nil, drained)
	return err != nil || len(days) > 0
}

// closeDays closes the days that are due, and returns how long to wait for the
// next attempt.
func (p *publisher) closeDays(ctx context.Context, drained bool) time.Duration {
	waiting, err := p.spool.pending()
	var days []daily
	if err == nil {
		days, err = p.unclosedDays(waiting, drained)
	}
	if err != nil {
		return p.notClosed(ctx, daily{}, &Error{"list", p.cfg.path(p.spool.path(uploadedDir)), err})
	}
	delete(p.unclosed, daily{})
	if drained {
		clear(p.unclosed)
	}
	wait := longestWait
	for _, day := range days {
		if ctx.Err() != nil {
			break
		}
		if t := p.unclosed[day]; t != nil {
			if left := t.due.Sub(p.cfg.Clock.Now()); 0 < left && left <= refusedPause {
				wait = min(wait, left)
				continue
			}
		}
		if err := p.closeDay(ctx, day); err != nil {
			wait = min(wait, p.notClosed(ctx, day, err))
			continue
		}
		delete(p.unclosed, day)
	}
	return wait
}

// notClosed notes and tells that a day could not be closed.
func (p *publisher) notClosed(ctx context.Context, day daily, err error) time.Duration {
	if ctx.Err() != nil { // closed, which is no failure
		return 0
	}
	t := p.unclosed[day]
	if t == nil {
		t = &trouble{}
		p.unclosed[day] = t
	}
	t.failures++
	wait := backoff(t.failures, p.cfg.jitter)
	if permanent(err) || errors.Is(err, errStuck) {
		wait = refusedPause
	}
	t.due = p.cfg.Clock.Now().Add(wait)
	p.cfg.tellNotClosed(day.day, t.failures, wait, err)
	return wait
}

// closeDay closes a day: look, write, and whatever the reply, look again.
// Another host may do the same; the looks tell.
func (p *publisher) closeDay(ctx context.Context, day daily) error {
	attempt, cancel := context.WithTimeoutCause(ctx, maxAttempt, errStuck)
	defer cancel()
	err := p.closeWithin(attempt, day)
	if err != nil && attempt.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errStuck, err)
	}
	return err
}

func (p *publisher) closeWithin(ctx context.Context, day daily) error {
	var reply error
	for writes := 0; ; writes++ {
		if err := p.settle(ctx, day); err != nil {
			return errors.Join(reply, err)
		}
		seen, err := p.look(ctx, day, anySequence)
		if err != nil {
			return errors.Join(reply, err)
		}
		if seen.doc.layout() != metadataLast { // or there is no object any more
			if err := p.spool.noteClosed(day); err != nil {
				return &Error{"write", p.cfg.path(p.spool.path(closedFile)), err}
			}
			if writes > 0 {
				p.cfg.tellClosed(seen.doc.totals, p.cfg.key(day))
			}
			return nil
		}
		if writes > 0 && !errors.Is(reply, ErrConflict) || writes > maxRebases {
			if reply == nil {
				reply = errors.New("the store took the closed day, but does not have it")
			}
			return storeError("close", p.cfg.key(day), reply)
		}
		if err := p.checkOwner(seen); err != nil {
			return err
		}
		parts, doc := seen.doc.appendAs(metadataFirst)
		meta, err := p.meta(doc)
		if err != nil {
			return err
		}
		_, reply = p.write(ctx, day, seen, parts, meta)
	}
}
