package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"example.com/rotatelog"
)

// heardStore is a store that is asked for keys and objects, until it has said nothing for
// too long.
type heardStore struct {
	rotatelog.Store
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// untilSilent returns a context that ends, with that cause, when the store that it returns
// has said nothing for the limit. What it still says in time may take as long as it likes.
func untilSilent(ctx context.Context, store rotatelog.Store, limit time.Duration, cause error) (context.Context, *heardStore) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &heardStore{store, limit, time.AfterFunc(limit, func() { cancel(cause) }), cancel}
}

// stop ends the context. It has to be called once.
func (s *heardStore) stop() {
	s.timer.Stop()
	s.cancel(nil)
}

// heard has the limit begin anew.
func (s *heardStore) heard() { s.timer.Reset(s.limit) }

// Location implements [rotatelog.Located].
func (s *heardStore) Location() string {
	if l, ok := s.Store.(rotatelog.Located); ok {
		return l.Location()
	}
	return ""
}

// Stat implements [rotatelog.Store].
func (s *heardStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	defer s.heard()
	return s.Store.Stat(ctx, key)
}

// List implements [rotatelog.Lister].
func (s *heardStore) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lister, ok := s.Store.(rotatelog.Lister)
		if !ok {
			yield("", fmt.Errorf("the store: %w", errors.ErrUnsupported))
			return
		}
		for key, err := range lister.List(ctx, prefix) {
			s.heard()
			if !yield(key, err) {
				return
			}
		}
	}
}
