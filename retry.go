package rotatelog

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"time"
)

// The waits between attempts to upload: doubled from the least to the most, and
// each cut by up to half at random, so that Writers that failed together do not
// come back together.
const (
	leastBackoff = 100 * time.Millisecond
	mostBackoff  = 60 * time.Second
)

// backoff returns how long to wait after the given number of failures in a row.
// jitter returns some duration below the one given.
func backoff(failures int, jitter func(time.Duration) time.Duration) time.Duration {
	d := mostBackoff
	if shift := failures - 1; shift < 10 { // 100 ms << 10 is more than the most
		d = min(leastBackoff<<shift, mostBackoff)
	}
	return d/2 + jitter(d/2+1)
}

func randomJitter(d time.Duration) time.Duration { return rand.N(d) }

// permanent reports whether no retry will mend err.
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

// failed notes and tells a failure that is not one day's, and returns how long to
// wait.
func (p *publisher) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil { // closed, which is no failure
		return 0
	}
	return p.report(&p.retry, dayKey{}, 0, err)
}

// report counts a failed attempt, and returns how long to wait for the next one. The
// zero daily stands for what is not one day's trouble.
func (p *publisher) report(r *retryState, day dayKey, waiting int, err error) time.Duration {
	r.failures++
	f := Failed{Day: day.day, Err: err, Pending: waiting, Attempt: r.failures,
		Permanent: permanent(err), Retry: backoff(r.failures, p.cfg.jitter)}
	if f.Permanent {
		f.Retry = mostBackoff
		p.mu.Lock()
		p.refused[day] = err
		p.mu.Unlock()
	}
	r.due = p.cfg.Clock.Now().Add(f.Retry)
	p.stats.update(func(s *Stats) { s.Failed++; s.LastError = err })
	p.cfg.reportFailed(f)
	return f.Retry
}
