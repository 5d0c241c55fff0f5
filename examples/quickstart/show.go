package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/s3store"
)

// The evening, in minutes after the first fetch, which is at 23:41:30.
const (
	fetches  = 54
	outage   = 14 // the store goes down at 23:55
	comeback = 41 // and is back at 00:22
)

// show is an evening with the football feed, printed line by line.
type show struct {
	clock *clocktest.Clock
	cfg   rotatelog.Config
	store *service

	mu      sync.Mutex // guards what follows
	out     io.Writer
	waiting map[rotatelog.Day]int  // batches
	failing map[rotatelog.Day]bool // its last upload failed
	tried   *sync.Cond             // an upload succeeded or failed
}

// appended is what the check will look for.
type appended struct {
	receipt rotatelog.Receipt
	fetch   rotatelog.Fetch
}

func newShow(out io.Writer, dir string, store *service) (*show, error) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return nil, err
	}
	bucketStore, err := s3store.New(store.client(), bucket, s3store.Options{})
	if err != nil {
		return nil, err
	}
	s := &show{
		clock:   clocktest.New(time.Date(2025, 7, 10, 23, 41, 30, 0, zone)),
		store:   store,
		out:     out,
		waiting: map[rotatelog.Day]int{},
		failing: map[rotatelog.Day]bool{},
	}
	s.tried = sync.NewCond(&s.mu)
	s.cfg = rotatelog.Config{
		Dir:    dir,
		Store:  bucketStore,
		Clock:  s.clock,
		Logger: slog.New(slog.DiscardHandler), // the hooks print less
		Hooks: rotatelog.Hooks{
			Sealed: s.sealed, Uploaded: s.uploaded, Failed: s.failed, DayComplete: s.dayChanged,
		},
	}
	return s, nil
}

// run plays the evening, and returns what was appended.
func (s *show) run(ctx context.Context) (all []appended, err error) {
	w, err := rotatelog.Open(ctx, s.cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	// A minute is over when both goroutines of the Writer sleep again, and no day is
	// being uploaded.
	s.clock.Settle = func() {
		s.clock.AwaitSleepers(ctx, 2)
		for w.Stats().Uploading > 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
			s.clock.AwaitSleepers(ctx, 2)
		}
	}
	feed := newLiveFeed()
	for minute := range fetches {
		if err := s.setStore(ctx, w, minute); err != nil {
			return nil, err
		}
		f, err := feed.fetch(minute)
		if err != nil {
			return nil, err
		}
		r, err := w.AppendFetch(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, appended{r, f})
		if minute == 0 {
			s.print("appended", r.Day, "fetch %d is on disk: %d matches, %d of %d", r.Number, r.Matches, r.Position, r.BatchSize)
		}
		if r.Sealed {
			s.awaitTry(r.Day)
		}
		s.clock.Advance(time.Minute)
	}
	return all, w.Drain(ctx)
}

// setStore takes the store down, and brings it up again.
func (s *show) setStore(ctx context.Context, w *rotatelog.Writer, minute int) error {
	switch minute {
	case outage:
		s.store.down.Store(true)
		s.print("store", rotatelog.Day{}, "goes down: it answers uploads with 503")
	case comeback:
		s.store.down.Store(false)
		s.print("store", rotatelog.Day{}, "is up again")
		// The Writer would try again automatically within a minute. Drain does not
		// wait for that, so that every run prints the same.
		return w.Drain(ctx)
	}
	return nil
}

// awaitTry waits until the Writer has tried to upload what waits of a day. It does
// not wait for a day that is failing already, which is tried less often.
func (s *show) awaitTry(day rotatelog.Day) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.waiting[day] > 0 && !s.failing[day] {
		s.tried.Wait()
	}
}
