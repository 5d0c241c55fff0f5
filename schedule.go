package rotatelog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// plan says to the workers what there is to do.
func (p *publisher) plan(batches []batch, drained bool) error {
	p.mu.Lock()
	drained = drained || p.awaited > 0
	p.mu.Unlock()
	old, err := p.uploadedHere()
	if err != nil {
		return err
	}
	waiting := byDay(batches)
	unclosed, err := p.unclosedDays(old, batches, drained)
	if err != nil {
		return err
	}
	prunable, sweeping := p.prunableDays(p.spool, old), p.sweepDays(waiting)
	over, tight := p.takeDaysOver(), p.spool.isTight()
	for _, day := range slices.Concat(slices.Collect(maps.Keys(waiting)), unclosed, prunable, sweeping, over) {
		p.worker(day)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for day, w := range p.workers {
		w.toReport = w.toReport || slices.Contains(over, day)
		if !w.idle {
			w.setMakesRoom(w.makesRoom || drained && tight && w.toPrune && !w.begun.IsZero())
			continue
		}
		if w.awaited {
			p.awaited--
		}
		w.waiting, w.drained = waiting[day], drained
		if len(w.waiting) == 0 {
			w.retry = retryState{}
		}
		w.toClose = slices.Contains(unclosed, day)
		w.toPrune = slices.Contains(prunable, day)
		w.toSweep = w.toSweep || slices.Contains(sweeping, day)
		w.setMakesRoom((w.makesRoom || drained) && tight && w.toPrune)
		if w.awaited = (w.awaited || drained) && w.hasWork(); w.awaited {
			p.awaited++
		}
	}
	return nil
}

// setMakesRoom records whether a drain waits for kept batches of the day to make room. The
// caller has locked mu.
func (w *dayWorker) setMakesRoom(makes bool) {
	switch {
	case makes && !w.makesRoom:
		w.makingRoom++
	case !makes && w.makesRoom:
		w.makingRoom--
	}
	w.makesRoom = makes
}

// worker returns the worker of a day's object.
func (p *publisher) worker(day dayKey) *dayWorker {
	w := p.workers[day]
	if w == nil {
		w = &dayWorker{publisher: p, day: day, idle: true, spool: p.spool.usedBy(day.String()),
			loaded: map[string]loaded{}, damaged: map[string]bool{}}
		p.workers[day] = w
	}
	return w
}

// startDue starts attempts, that of today first. Today, which new fetches belong to,
// never waits for another day; all others take turns. An attempt that has lasted for
// slowAttempt keeps nobody waiting any more.
func (p *publisher) startDue(ctx context.Context) time.Duration {
	now := p.cfg.Clock.Now()
	wait := longestWait
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.dueWorkers(now, &wait)
	today := p.cfg.today()
	for _, w := range due {
		if p.mayStart(w, today, now, &wait) {
			w.begun, w.moved, w.idle = now, now, false
			p.stats.update(func(s *Stats) { s.Uploading++ })
			p.running.Go(func() { w.attempt(ctx) })
		}
	}
	return wait
}

// dueWorkers returns the workers with something to do now, those first that were at
// work least recently. wait becomes the time to the next.
func (p *publisher) dueWorkers(now time.Time, wait *time.Duration) []*dayWorker {
	var due []*dayWorker
	for _, w := range p.workers {
		if !w.idle {
			continue
		}
		switch d, ok := w.due(now); {
		case ok && d == 0:
			due = append(due, w)
		case ok:
			*wait = min(*wait, d)
		}
	}
	slices.SortFunc(due, func(a, b *dayWorker) int { return cmp.Or(a.ended.Compare(b.ended), a.day.compare(b.day)) })
	return due
}

// mayStart reports whether there is room for an attempt, and lowers wait to when
// there may be, if that is not the end of another attempt.
func (p *publisher) mayStart(w *dayWorker, today Day, now time.Time, wait *time.Duration) bool {
	for _, other := range p.workers {
		if other.begun.IsZero() {
			continue
		}
		if other.day.day == w.day.day { // its object of another compression
			return false
		}
		if (other.day.day == today) != (w.day.day == today) {
			continue
		}
		if lasted := now.Sub(other.begun); 0 <= lasted && lasted < slowAttempt {
			*wait = min(*wait, slowAttempt-lasted)
			return false
		}
	}
	return true
}

// markIdle records which workers are idle. What is listed after that is true for them
// until the loop gives them something to do; others are at work on it.
func (p *publisher) markIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := 0
	for _, w := range p.workers {
		if !w.idle && w.begun.IsZero() {
			w.idle = true
			ended++
		}
	}
	p.stats.update(func(s *Stats) { s.Uploading -= ended })
}

// reportSlow logs the attempts in which nothing has been uploaded for long.
func (p *publisher) reportSlow() {
	now := p.cfg.Clock.Now()
	var slow []Day
	p.mu.Lock()
	for _, w := range p.workers {
		if !w.begun.IsZero() && now.Sub(w.moved) >= silence {
			w.moved = now
			slow = append(slow, w.day.day)
		}
	}
	p.mu.Unlock()
	slices.SortFunc(slow, Day.Compare)
	for _, day := range slow {
		p.cfg.reportSlow(day, silence)
	}
}

func byDay(batches []batch) map[dayKey][]batch {
	days := map[dayKey][]batch{}
	for _, b := range batches {
		days[b.dayKey()] = append(days[b.dayKey()], b)
	}
	return days
}

// The waits between attempts to upload: doubled from the least to the most, and
// each cut by up to half at random, so that Writers that failed together do not
// come back together.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 60 * time.Second
)

// backoff returns how long to wait after the given number of failures in a row.
// jitter returns some duration below the one given.
func backoff(failures int, jitter func(time.Duration) time.Duration) time.Duration {
	d := maxBackoff
	if shift := failures - 1; shift < 10 { // 100 ms << 10 is more than the most
		d = min(minBackoff<<shift, maxBackoff)
	}
	return d/2 + jitter(d/2+1)
}

func randomJitter(d time.Duration) time.Duration { return rand.N(d) }

// permanent reports whether no retry will fix err.
func permanent(err error) bool {
	return errors.Is(err, ErrPermanent) || errors.Is(err, fs.ErrPermission)
}

// retryState is what is known of something that fails.
type retryState struct {
	failures int
	due      time.Time // of the next attempt
}

// wait returns how long to wait for the next attempt, which is never more than
// most: the clock may have been set back.
func (r *retryState) wait(now time.Time, most time.Duration) time.Duration {
	if r.failures == 0 {
		return 0
	}
	wait := r.due.Sub(now)
	if wait > most {
		wait = most
		r.due = now.Add(most)
	}
	return max(wait, 0)
}

// failed records and reports a failure that is not one day's, and returns how long to
// wait.
func (p *publisher) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil { // closed, which is no failure
		return 0
	}
	return p.report(&p.retry, dayKey{}, 0, err)
}

// report counts a failed attempt, and returns how long to wait for the next one. The
// zero dayKey is for what is not one day's failure.
func (p *publisher) report(r *retryState, day dayKey, waiting int, err error) time.Duration {
	r.failures++
	f := Failed{Day: day.day, Err: err, Pending: waiting, Attempt: r.failures,
		Permanent: permanent(err), Retry: backoff(r.failures, p.cfg.jitter)}
	if f.Permanent {
		f.Retry = maxBackoff
		p.mu.Lock()
		p.refused[day] = err
		p.mu.Unlock()
	}
	r.due = p.cfg.Clock.Now().Add(f.Retry)
	p.stats.update(func(s *Stats) { s.Failed++; s.LastError = err })
	p.recordFailed(f, true)
	p.cfg.reportFailed(f)
	return f.Retry
}

// drain waits until the batches that are pending now are so no more, and the days
// that are due are closed or could not be. On a full disk it also waits until the days were
// looked at whose batches are kept: who runs for one fetch would never make room otherwise.
// It looks at the end of a round, when hooks and Stats know what the directory says.
func (p *publisher) drain(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case p.cfg.AppendOnly:
		return errors.New("this Writer uploads nothing: Config.AppendOnly is set")
	}
	batches, err := p.outer.pending()
	if err != nil {
		return err
	}
	round := p.skipBackoff()
	if packing := p.waitForPacking(); len(batches) == 0 && !packing && !p.outer.isTight() {
		return nil
	}
	for {
		select {
		case <-round:
		case <-ctx.Done():
		case <-p.ctx.Done():
		}
		switch { // whatever else happened meanwhile
		case (ctx.Err() != nil || p.ctx.Err() != nil) && p.waitsOnlyForKept(batches):
			return nil
		case ctx.Err() != nil:
			return p.unfinished(len(batches), context.Cause(ctx))
		case p.ctx.Err() != nil:
			return p.unfinished(len(batches), fs.ErrClosed)
		}
		var busy bool
		round, busy = p.nextRound()
		if batches, err = p.stillPending(batches); err != nil {
			return err
		}
		if err := p.refusal(batches); err != nil {
			return err
		}
		if len(batches) == 0 && !busy {
			return nil
		}
	}
}

// waitsOnlyForKept reports whether all that a drain of batches is for has been done. Who
// closes the Writer also ends the compression, and the looks at days that make room.
func (p *publisher) waitsOnlyForKept(batches []batch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(batches) == 0 && !p.retryNow && !p.planning && p.awaited == 0
}

// skipBackoff has every day tried at once, and returns what is closed at the end
// of the round.
func (p *publisher) skipBackoff() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retryNow = true
	clear(p.refused)
	p.wake()
	return p.round
}

// nextRound returns what is closed at the end of this round, and whether a day that
// was due when somebody drained is not done yet.
func (p *publisher) nextRound() (end <-chan struct{}, busy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.round, p.retryNow || p.planning || p.awaited > 0 || p.packDue || p.makingRoom > 0
}

// unfinished returns the error of a drain that ended before its batches.
func (p *publisher) unfinished(batches int, why error) error {
	p.stats.mu.Lock()
	last := p.stats.stats.LastError
	p.stats.mu.Unlock()
	wait := "batches wait"
	if batches == 1 {
		wait = "batch waits"
	}
	if last == nil {
		return fmt.Errorf("%d %s on disk: %w", batches, wait, why)
	}
	return fmt.Errorf("%d %s on disk: %w; the last attempt to upload: %w", batches, wait, why, last)
}

// stillPending returns those of batches that wait yet.
func (p *publisher) stillPending(batches []batch) ([]batch, error) {
	now, err := p.outer.pending()
	if err != nil {
		return nil, err
	}
	waits := make(map[string]bool, len(now))
	for _, b := range now {
		waits[b.id] = true
	}
	return slices.DeleteFunc(batches, func(b batch) bool { return !waits[b.id] }), nil
}

// refusal returns the permanent error of a day that one of batches belongs to.
func (p *publisher) refusal(batches []batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range batches {
		if err := cmp.Or(p.refused[b.dayKey()], p.refused[dayKey{}]); err != nil {
			return err
		}
	}
	return nil
}
