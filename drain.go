package rotatelog

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
)

// drain waits until the batches that are pending now are so no more, and the days
// that are due are closed or could not be. It looks at the end of a round, when hooks
// and Stats know what the directory says.
func (p *publisher) drain(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	batches, err := p.outer.pending()
	if err != nil {
		return err
	}
	round := p.skipBackoff()
	if len(batches) == 0 {
		return nil
	}
	for {
		select {
		case <-round:
		case <-ctx.Done():
		case <-p.ctx.Done():
		}
		switch { // whatever else happened meanwhile
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
	return p.round, p.retryNow || p.awaited > 0
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
