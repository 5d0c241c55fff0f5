package rotatelog

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Closing a day puts daily_metadata first again, so that a finished day reads as
// documented whatever its size. A day is due for it when it is over and nothing
// of it waits. uploaded/ says what is due: the last batch of a day stays
// there until the day is known to be closed, which closedFile remembers. So a
// day is closed by whichever process publishes next, and asked for once.
//
// Closing is tidiness, not safety: if it fails, uploads and Drain continue. While it
// is tried they wait, as for an upload to that day, which takes as long.

// closedFile holds the days that are known to be closed, of those that
// uploaded/ names. What it does not say costs one look at the store.
const closedFile = "closed.json"

// maxUnclosed is how many days keep a batch for being closed. If closing always
// fails, the disk must not fill up.
const maxUnclosed = 7

// refusedPause is the wait after a store that refuses to have a day closed, or
// does not come to an end with it.
const refusedPause = time.Hour

// closedDays returns the days that are known to be closed.
func (s *spool) closedDays() (map[closedDay]bool, error) {
	content, err := s.readFile(s.path(closedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var days []closedDay
	if json.Unmarshal(content, &days) != nil { // missing or odd: they are looked at again
		return nil, nil
	}
	closed := make(map[closedDay]bool, len(days))
	for _, day := range days {
		closed[day] = true
	}
	return closed, nil
}

// closedDay is a day that is closed in a place: 2025-07-10, or 2025-07-10@p1a2b3c4d
// where that is not the first place.
type closedDay string

func closedIn(day dayKey, placeMark string) closedDay {
	if placeMark == "" {
		return closedDay(day.String())
	}
	return closedDay(day.String() + "@" + placeMark)
}

// addClosed remembers that a day is closed.
func (s *spool) addClosed(day closedDay) error {
	named, err := s.uploaded()
	if err != nil {
		return err
	}
	closed, err := s.closedDays()
	if err != nil {
		return err
	}
	days := []closedDay{day}
	for _, b := range named {
		if d := closedIn(b.dayKey(), b.place); closed[d] && !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	content, err := json.Marshal(days)
	if err != nil {
		return err
	}
	return s.writeFile(s.path(closedFile), append(content, '\n'))
}

// unclosed returns, of confirmed batches in order, the last of each day that is
// not known to be closed.
func (s *spool) unclosed(old []batch) (map[dayKey]batch, error) {
	last := map[dayKey]batch{}
	for _, b := range old {
		last[b.dayKey()] = b
	}
	closed, err := s.closedDays()
	maps.DeleteFunc(last, func(day dayKey, b batch) bool { return closed[closedIn(day, b.place)] })
	return last, err
}

// spared returns those of confirmed batches, in order and of any place, that stay
// because their day is to be closed.
func (s *spool) spared(old []batch) map[string]bool {
	closed, _ := s.closedDays() // unreadable: then all days may be to be closed
	last := map[closedDay]batch{}
	for _, b := range old {
		if day := closedIn(b.dayKey(), b.place); !closed[day] {
			last[day] = b
		}
	}
	batches := slices.SortedFunc(maps.Values(last), byOrder)
	spared := map[string]bool{}
	for _, b := range batches[max(0, len(batches)-maxUnclosed):] {
		spared[b.id] = true
	}
	return spared
}

// isOver reports whether a day has ended by the clock. With Config.TimeOf the days
// are those of the fetches, and end when others come: see unclosedDays.
func (p *publisher) isOver(day Day) bool {
	return p.cfg.TimeOf == nil && day.Compare(p.cfg.today()) < 0
}

// arrange makes the parts that append uploads to what was seen. all says that
// nothing else of the day waits: if the day is over too, the same write closes it.
func (w *dayWorker) arrange(seen dayState, all bool, uploads []upload) ([]Part, dayState, error) {
	over := w.isOver(seen.totals.Day)
	parts, next := seen.appendWithin(w.cfg.largeDay, uploads...)
	switch {
	case over && all:
		parts, next = seen.appendAs(metadataFirst, uploads...)
	case next.layout() == seen.layout(): // or it would turn to metadataLast
	case over:
		parts, next = seen.append(uploads...)
	default:
		closed, err := w.spool.closedDays()
		if err != nil {
			return nil, dayState{}, newError("read", w.cfg.path(w.spool.path(closedFile)), err)
		}
		if closed[w.closedDay()] { // and stays so, though the clock was set back
			parts, next = seen.append(uploads...)
		}
	}
	return parts, next, nil
}

// wasClosed reports whether obj is the object of a day that was closed, as far as can be
// known: by this spool, or because it is large and has daily_metadata first.
func (w *dayWorker) wasClosed(ctx context.Context, obj Object) (bool, error) {
	closed, err := w.spool.closedDays()
	if err != nil {
		return false, newError("read", w.cfg.path(w.spool.path(closedFile)), err)
	}
	was, known := documentFromMeta(w.day, obj)
	if !known && obj.Version != "" {
		seen, err := w.lookUp(ctx, anySequence) // an object that cannot be read says nothing
		was, known = seen.doc, err == nil && seen.version == obj.Version
	}
	return closed[w.closedDay()] || known && was.layout() == metadataFirst && was.size >= w.cfg.largeDay, nil
}

// closedDay is how the day is remembered once it is closed.
func (w *dayWorker) closedDay() closedDay { return closedIn(w.day, w.place.mark()) }

// unclosedDays returns the days of old, the confirmed batches, to be closed as far as
// is known here, which are due for it: over, and nothing of them waits. With
// Config.TimeOf a day before today counts as over when a later batch was of another
// day, or when a Drain asks.
func (p *publisher) unclosedDays(old, waiting []batch, drained bool) ([]dayKey, error) {
	if len(old) == 0 {
		return nil, nil
	}
	today, newest := p.cfg.today(), latest(old).day
	if !slices.ContainsFunc(old, func(b batch) bool { return b.day != today }) {
		return nil, nil // as most of the day
	}
	last, err := p.spool.unclosed(old)
	if err != nil {
		return nil, newError("read", p.cfg.path(p.spool.path(closedFile)), err)
	}
	for _, b := range waiting {
		delete(last, b.dayKey())
	}
	maps.DeleteFunc(last, func(day dayKey, _ batch) bool {
		return day.day.Compare(today) >= 0 || p.cfg.TimeOf != nil && day.day == newest && !drained
	})
	return slices.SortedFunc(maps.Keys(last), dayKey.compare), nil
}

// recordClosed remembers that the day is closed.
func (w *dayWorker) recordClosed() error {
	w.files <- struct{}{}
	defer func() { <-w.files }()
	if err := w.spool.addClosed(w.closedDay()); err != nil {
		return newError("write", w.cfg.path(w.spool.path(closedFile)), err)
	}
	w.state.record(func(s *WriterState, _ *DayCounts) { s.forgetWrites(w.key()) })
	return nil
}

// closable reports whether the day is due to be closed now that all that waited of
// it is uploaded. A batch that was sealed meanwhile is appended to a closed day as
// well as to any.
func (w *dayWorker) closable() bool {
	old, err := w.uploadedHere()
	if err != nil {
		return false // the next pass will say so
	}
	days, err := w.unclosedDays(old, nil, w.drained)
	return err == nil && slices.Contains(days, w.day)
}

// closeFailed records and reports that the day could not be closed.
func (w *dayWorker) closeFailed(ctx context.Context, err error) {
	if ctx.Err() != nil { // closed, which is no failure
		return
	}
	w.closing.failures++
	wait := backoff(w.closing.failures, w.cfg.jitter)
	if permanent(err) {
		wait = refusedPause
	}
	w.closing.due = w.cfg.Clock.Now().Add(wait)
	w.cfg.reportNotClosed(w.day.day, w.closing.failures, wait, err)
}

// close closes the day. Another host may do the same; what is seen decides.
func (w *dayWorker) close(ctx context.Context) error {
	seen, err := w.lookResolved(ctx, anySequence)
	if err != nil {
		return err
	}
	wrote, back := false, []batch(nil)
	seen, err = w.advance(ctx, "close", seen, func(seen snapshot) (next step, err error) {
		next.seen, back, err = w.inspect(ctx, seen, nil)
		if err == nil && len(back) == 0 && next.seen.doc.layout() == metadataLast {
			next.parts, next.doc = next.seen.doc.appendAs(metadataFirst)
			wrote = true
		}
		return next, err
	})
	if err != nil {
		return err
	}
	if len(back) > 0 { // they are uploaded first
		w.wake()
		return nil
	}
	w.forgetBody(ctx, seen)
	if err := w.recordClosed(); err != nil {
		return err
	}
	if wrote {
		w.cfg.reportClosed(seen.doc.totals, w.key())
	}
	return nil
}
