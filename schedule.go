package rotatelog

import (
	"cmp"
	"context"
	"maps"
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
	prunable, sweeping := p.prunableDays(old), p.sweepDays()
	over := p.takeDaysOver()
	for _, day := range slices.Concat(slices.Collect(maps.Keys(waiting)), unclosed, prunable, sweeping, over) {
		p.worker(day)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for day, w := range p.workers {
		w.toReport = w.toReport || slices.Contains(over, day)
		if !w.idle {
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
		if w.awaited = (w.awaited || drained) && w.hasWork(); w.awaited {
			p.awaited++
		}
	}
	return nil
}

// worker returns the worker of a day's object.
func (p *publisher) worker(day dayKey) *dayWorker {
	w := p.workers[day]
	if w == nil {
		w = &dayWorker{publisher: p, day: day, idle: true, spool: p.spool.usedBy(day.String()),
			counts: map[string]counts{}, damaged: map[string]bool{}}
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
		if lockOf(other.day.day) == lockOf(w.day.day) {
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

// noteIdle notes which workers are idle. What is listed after that is true for them
// until the loop gives them something to do; others are at work on it.
func (p *publisher) noteIdle() {
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
