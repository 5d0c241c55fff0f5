package rotatelog

import (
	"context"
	"errors"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// dayWorker uploads, closes and tidies one day's object. While an attempt is under
// way its goroutine owns the fields; before and after it the publisher's loop does.
type dayWorker struct {
	*publisher
	day   dayKey
	spool *spool // as this day's goroutine uses it
	idle  bool   // nothing was under way when the loop looked last; the loop's

	// What there is to do.
	waiting []batch // in order
	drained bool    // somebody waits for it
	toClose bool
	toPrune bool
	toSweep bool

	// How that went so far.
	retry     retryState // of uploads
	closing   retryState
	reporting retryState
	pruning   retryState
	locked    time.Time // until when the day's lock is not asked for again
	ended     time.Time // when the last attempt ended

	last    batch             // the last that was confirmed, with its upload_sequence
	loaded  map[string]loaded // the batches that were read, by id
	damaged map[string]bool   // batches whose odd bytes were set aside, by id
	read    reading           // of the object, the last one

	// publisher.mu guards these.
	begun     time.Time // of the attempt under way; zero: none
	moved     time.Time // when that uploaded something last, or began
	again     bool      // forget the backoffs at its end
	awaited   bool      // a drain waits for the end of the attempt, or of the next
	makesRoom bool      // the same, for that of what is deleted on a full disk
	toReport  bool      // the day has ended
}

// loaded is what is remembered of a batch that was read.
type loaded struct {
	counts
	bytes int64         // in the day's object, without the head
	took  time.Duration // the last write that was to bring it
}

// counts are what a batch adds to its day.
type counts struct {
	fetches int
	matches int64
}

// due returns how long it is until there is something to do. ok is false if there
// is nothing.
func (w *dayWorker) due(now time.Time) (wait time.Duration, ok bool) {
	consider := func(d time.Duration) {
		if !ok || d < wait {
			wait, ok = d, true
		}
	}
	if len(w.waiting) > 0 {
		consider(w.retry.wait(now, maxBackoff))
	} else {
		if w.toClose {
			consider(w.closing.wait(now, refusedPause))
		}
		if w.toReport {
			consider(w.reporting.wait(now, refusedPause))
		}
		if w.toPrune {
			consider(w.pruning.wait(now, refusedPause))
		}
		if w.toSweep {
			consider(0)
		}
	}
	if locked := w.locked.Sub(now); ok && 0 < locked && locked <= dayLockPause {
		wait = max(wait, locked)
	}
	return wait, ok
}

// hasWork reports whether there is anything to do, now or later.
func (w *dayWorker) hasWork() bool {
	return len(w.waiting) > 0 || w.toClose || w.toReport || w.toSweep
}

// dayLockPause is the wait for another program that works on the day.
const dayLockPause = time.Second

// attempt does what is due. Nobody else changes the day's object, or its confirmed
// batches, meanwhile.
func (w *dayWorker) attempt(ctx context.Context) {
	defer w.finish()
	unlock, err := w.lockDay()
	if errors.Is(err, vfs.ErrLocked) {
		w.cfg.reportDayLocked(w.day.day)
		w.locked = w.cfg.Clock.Now().Add(dayLockPause)
		return
	}
	if err != nil {
		w.failed(ctx, newError("lock", w.cfg.path(w.spool.dayLockPath(w.day.day)), err))
		return
	}
	defer unlock()
	now := w.cfg.Clock.Now()
	if len(w.waiting) > 0 && w.retry.wait(now, maxBackoff) == 0 {
		w.state.record(func(_ *WriterState, today *DayCounts) { today.Attempts++ })
		w.stats.update(func(s *Stats) { s.Attempts++ })
		if err := w.publish(ctx, w.waiting); err != nil {
			w.failed(ctx, err)
			return
		}
		w.retry, w.waiting = retryState{}, nil
		w.toClose = w.closable()
		w.lookedToPublish()
	}
	if len(w.waiting) > 0 || ctx.Err() != nil {
		return
	}
	w.tidyUp(ctx, now)
}

// tidyUp does what is due besides uploading.
func (w *dayWorker) tidyUp(ctx context.Context, now time.Time) {
	if w.toClose && w.closing.wait(now, refusedPause) == 0 {
		if err := w.close(ctx); err != nil {
			w.closeFailed(ctx, err)
		} else {
			w.closing, w.toClose = retryState{}, false
		}
	}
	w.mu.Lock()
	over := w.toReport
	w.mu.Unlock()
	if over && w.reporting.wait(now, refusedPause) == 0 {
		w.reportOver(ctx)
	}
	if w.toPrune && w.pruning.wait(now, refusedPause) == 0 {
		w.pruneSeen(ctx)
	}
	if w.toSweep {
		w.sweep(ctx)
		w.toSweep = false
	}
}

// finish gives the worker back to the publisher's loop.
func (w *dayWorker) finish() {
	w.ended = w.cfg.Clock.Now()
	w.forgetReading()
	w.mu.Lock()
	if w.again {
		w.retry, w.closing, w.reporting = retryState{}, retryState{}, retryState{}
	}
	if w.awaited {
		w.publisher.awaited--
	}
	w.setMakesRoom(false)
	w.begun, w.again, w.awaited = time.Time{}, false, false
	w.mu.Unlock()
	w.endRound()
	w.wake()
}

// recordMove records that the attempt has uploaded something.
func (w *dayWorker) recordMove() {
	now := w.cfg.Clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved = now
}

// failed records and reports that uploading failed.
func (w *dayWorker) failed(ctx context.Context, err error) {
	if ctx.Err() != nil { // closed, which is no failure
		return
	}
	if errors.Is(err, errContended) && w.retry.failures < patientRaces {
		w.retry.failures++
		retry := backoff(w.retry.failures, w.cfg.jitter)
		w.retry.due = w.cfg.Clock.Now().Add(retry)
		w.cfg.reportContended(w.day.day, w.retry.failures, retry, err)
		return
	}
	w.report(&w.retry, w.day, len(w.waiting), err)
}

// reportOver reports the totals of a day that has ended.
func (w *dayWorker) reportOver(ctx context.Context) {
	seen, err := w.look(ctx, anySequence)
	if err != nil {
		if ctx.Err() == nil {
			w.report(&w.reporting, w.day, 0, err)
			if permanent(err) {
				w.reporting.due = w.cfg.Clock.Now().Add(refusedPause)
			}
		}
		return
	}
	w.reporting = retryState{}
	w.mu.Lock()
	w.toReport = false
	w.mu.Unlock()
	complete := w.dayLook(seen, w.cfg.stateTime())
	w.state.record(func(s *WriterState, _ *DayCounts) { s.LastComplete = &complete })
	w.cfg.reportDayComplete(seen.doc.totals)
}
