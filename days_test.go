package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

// takesTime is a Store in which the writes to some keys take long, or never end.
type takesTime struct {
	rotatelog.Store
	takes map[string]time.Duration // by date; negative: until ctx ends
	other time.Duration

	mu       sync.Mutex // guards what follows
	atOnce   int
	mostOnce int
}

func (s *takesTime) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	s.mu.Lock()
	s.atOnce++
	s.mostOnce = max(s.mostOnce, s.atOnce)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.atOnce--
		s.mu.Unlock()
	}()
	d := s.other
	for date, takes := range s.takes {
		if strings.Contains(key, date) {
			d = takes
		}
	}
	end := time.After(d)
	if d < 0 {
		end = nil
	}
	select {
	case <-end:
		return s.Store.Write(ctx, key, old, parts, meta)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// replayed makes a fetch say on which day it was made.
func replayed(cfg *rotatelog.Config) {
	cfg.MaxFetches = 1
	cfg.TimeOf = rotatelog.HeaderTime
}

func madeOn(date string) []byte {
	day, err := rotatelog.ParseDay(date)
	if err != nil {
		panic(err)
	}
	at := time.Date(day.Year, day.Month, day.Date, 12, 0, 0, 0, time.UTC)
	return []byte(`{"FETCH_HEADER":{"nyc_timestamp":"` + at.Format("01/02/2006 03:04:05 PM") + ` EST"}}`)
}

// TestDaysDoNotWaitForEachOther: neither a day that hangs forever nor one that takes
// hours delays today's batches, or each other.
func TestDaysDoNotWaitForEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		store := &takesTime{Store: b.mem, takes: map[string]time.Duration{"1999-12-28": -1, "1999-12-29": 3 * time.Hour}}
		b.cfg.Store = store
		replayed(&b.cfg)
		b.open()
		for _, date := range []string{"1999-12-28", "1999-12-29", "1999-12-30", today} {
			if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if got := len(b.day(dayA).Uploads); got != 1 {
			t.Errorf("today has %d uploads a second later, want 1", got)
		}
		time.Sleep(10 * time.Minute)
		if b.mem.Bytes(strings.ReplaceAll(dayA, today, "1999-12-30")) == nil {
			t.Error("a day waits for two others that are slow")
		}
		time.Sleep(4 * time.Hour)
		if b.mem.Bytes(strings.ReplaceAll(dayA, today, "1999-12-29")) == nil {
			t.Error("a write of three hours was cut off")
		}
		if _, err := b.Append(t.Context(), madeOn(today)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := len(b.day(dayA).Uploads); got != 2 {
			t.Errorf("today has %d uploads, want 2", got)
		}
		if n := len(b.pending()); n != 1 {
			t.Errorf("%d batches wait, want that of the day that hangs", n)
		}
		if b.Stats().Failed != 0 {
			t.Errorf("%+v", b.Stats())
		}
	})
}

// takesLong is a Store in which looking at the object of one day takes long, or never
// ends.
type takesLong struct {
	rotatelog.Store
	date string
	what string
}

// wait returns at once, or once ctx ends if it is this that hangs.
func (s *takesLong) wait(ctx context.Context, key, what string) error {
	if s.what != what || !strings.Contains(key, s.date) {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *takesLong) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := s.wait(ctx, key, "the look hangs"); err != nil {
		return rotatelog.Object{}, err
	}
	return s.Store.Stat(ctx, key)
}

func (s *takesLong) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if err := s.wait(ctx, key, "reading hangs"); err != nil {
		return nil, err
	}
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil || s.what != "it is huge" || !strings.Contains(key, s.date) {
		return r, err
	}
	return bySeconds{r}, nil
}

// bySeconds reads 512 bytes a second.
type bySeconds struct{ io.ReadCloser }

func (r bySeconds) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return r.ReadCloser.Read(p[:min(len(p), 512)])
}

// TestDayThatIsHardToReadDelaysNoOther: whether the object of a day cannot be looked at,
// cannot be read, or takes hours to read, and be it today's, each other day is uploaded.
func TestDayThatIsHardToReadDelaysNoOther(t *testing.T) {
	var huge strings.Builder // of the old script, so that it has to be read
	for n := range 4000 {
		fmt.Fprintf(&huge, `,{"upload_sequence":%d,"upload_timestamp":"12/29/1999 06:00:00 PM EST","matches_in_upload":0,"fetch_data":[{"n":"%0500d"}]}`, n+1, n)
	}
	for _, what := range []string{"the look hangs", "reading hangs", "it is huge"} {
		for _, date := range []string{"1999-12-29", "1999-12-23", today} { // the lock of the second is today's, too
			t.Run(what+" of "+date, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					keyOf := func(date string) string { return strings.ReplaceAll(dayA, today, date) }
					b.mem.Put(keyOf(date), []byte(`{"uploads":[`+huge.String()[1:]+`]}`), nil)
					b.cfg.Store = &takesLong{b.mem, date, what}
					replayed(&b.cfg)
					b.open()
					others := []string{"1999-12-28", "1999-12-30", today}
					others = slices.DeleteFunc(others, func(other string) bool { return other == date })
					for _, date := range append([]string{date}, others...) {
						if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
							t.Fatal(err)
						}
						synctest.Wait() // it is worked on before the next comes
					}
					time.Sleep(time.Second)
					if date != today && b.mem.Bytes(dayA) == nil {
						t.Error("today waits")
					}
					time.Sleep(10 * time.Minute)
					for _, other := range others {
						if b.mem.Bytes(keyOf(other)) == nil {
							t.Errorf("%s waits", other)
						}
					}
					if n := len(b.pending()); n != 1 {
						t.Errorf("%d batches wait, want that of %s", n, date)
					}
					if what != "it is huge" {
						return
					}
					time.Sleep(3 * time.Hour)
					if n := len(parseDayLoosely(t, b.mem.Bytes(keyOf(date))).Uploads); n != 4001 || b.Stats().Failed > 0 {
						t.Errorf("%d uploads, %+v", n, b.Stats())
					}
				})
			})
		}
	}
}

// TestDaysWithTheSameLock: as long as one of them is worked on, no other program gets the
// lock, and then it does.
func TestDaysWithTheSameLock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = &takesTime{Store: b.mem, takes: map[string]time.Duration{"1999-12-23": time.Hour, today: 10 * time.Minute}}
		replayed(&b.cfg)
		b.open()
		for _, date := range []string{"1999-12-23", today} {
			if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
				t.Fatal(err)
			}
		}
		free := func() bool { // the lock that both have
			l, err := b.disk.Lock("all_api.spool/day-4.lock")
			if err == nil {
				l.Close()
			}
			return err == nil
		}
		time.Sleep(5 * time.Minute)
		both := free()
		time.Sleep(25 * time.Minute)
		if one := free(); both || one || len(b.mem.Keys()) != 1 {
			t.Errorf("the lock was free with two days: %v, with one: %v; %q are stored", both, one, b.mem.Keys())
		}
		time.Sleep(time.Hour)
		if !free() || len(b.mem.Keys()) != 2 {
			t.Errorf("the lock was not given back; %q are stored", b.mem.Keys())
		}
	})
}

// TestTwoDaysAreUploadedAtOnce: whatever waits, memory is bounded by two attempts.
func TestTwoDaysAreUploadedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		store := &takesTime{Store: b.mem, other: time.Minute}
		b.cfg.Store = store
		replayed(&b.cfg)
		b.open()
		for _, date := range []string{"1999-12-20", "1999-12-21", "1999-12-22", "1999-12-23", "1999-12-24", today} {
			for range 3 {
				if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if store.mostOnce != 2 {
			t.Errorf("%d writes were under way at once, want 2", store.mostOnce)
		}
	})
}

// TestSlowStoreIsNoFailure: neither a write that takes longer than most nor a long
// backlog that goes well is reported as one.
func TestSlowStoreIsNoFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = &takesTime{Store: b.mem, other: 16 * time.Minute}
		b.cfg.MaxFetches = 1
		b.cfg.Hooks.Failed = func(f rotatelog.Failed) { t.Error(f.Err) }
		b.open()
		for i := range 30 {
			b.append(i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		if err := b.Drain(ctx); err != nil {
			t.Error(err)
		}
	})
}

// beforeLock does something just before a lock is asked for.
type beforeLock struct {
	vfs.FS
	before func(name string)
}

func (l beforeLock) Lock(name string) (io.Closer, error) {
	l.before(name)
	return l.FS.Lock(name)
}

// TestPublishLockIsHandedOver: a Writer that publishes confirms its last batch and
// closes while another waits for the lock. The other must not take anything for
// lost.
func TestPublishLockIsHandedOver(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("down"), Skip: true} })
		b.cfg.MaxFetches = 1
		b.open()
		b.append(1)
		first := b.Writer
		if err := first.CloseAppend(); err != nil {
			t.Fatal(err)
		}
		var done atomic.Bool
		cfg := b.cfg
		cfg.Hooks.Failed = func(f rotatelog.Failed) { t.Errorf("a failure is reported where nothing failed: %v", f.Err) }
		disk := beforeLock{b.disk, func(name string) {
			if !strings.HasSuffix(name, "publish.lock") || !done.CompareAndSwap(false, true) {
				return
			}
			b.onStore(nil)
			if err := first.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			first.Close()
		}}
		second, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(cfg, disk, b.newID))
		if err != nil {
			t.Fatal(err)
		}
		b.Writer = second
		time.Sleep(time.Minute)
		if !done.Load() || len(b.day(dayA).Uploads) != 1 {
			t.Errorf("handed over: %v, %+v", done.Load(), b.day(dayA).Metadata)
		}
	})
}

// TestDayThatIsLocked: while another program holds the lock of a day, the Writer
// leaves that day alone and uploads others.
func TestDayThatIsLocked(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		replayed(&b.cfg)
		b.open()
		var locks []io.Closer
		for _, name := range []string{"day-0.lock", "day-1.lock", "day-2.lock", "day-3.lock", "day-4.lock", "day-5.lock", "day-6.lock", "day-7.lock"} {
			l, err := b.disk.Lock("all_api.spool/" + name)
			if err != nil {
				t.Fatal(err)
			}
			locks = append(locks, l)
		}
		for _, date := range []string{"1999-12-30", today} {
			if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		if keys := b.mem.Keys(); len(keys) != 0 {
			t.Fatalf("%q were written under the lock of another", keys)
		}
		for _, l := range locks[:4] {
			l.Close()
		}
		time.Sleep(time.Minute)
		first := len(b.mem.Keys())
		for _, l := range locks[4:] {
			l.Close()
		}
		time.Sleep(time.Minute)
		if n := len(b.mem.Keys()); n != 2 || first == 2 {
			t.Errorf("%d days were uploaded with half of the locks free, %d with all", first, n)
		}
		if b.Stats().Failed != 0 {
			t.Errorf("to wait for a lock is no failure: %+v", b.Stats())
		}
	})
}

// TestContentionIsNoFailure: lost races between Writers of one key are counted, and
// logged at debug level, until there are so many that something else must be wrong.
func TestContentionIsNoFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		lost := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name != "write" || lost == 30 {
				return storetest.Fault{}
			}
			lost++
			return storetest.Fault{Err: rotatelog.ErrConflict, Skip: true}
		})
		b.cfg.Hooks.Failed = func(f rotatelog.Failed) { t.Error(f.Err) }
		b.open()
		b.append(ten...)
		time.Sleep(time.Hour)
		if s := b.Stats(); s.Failed != 0 || s.Conflicts == 0 || s.Uploaded != 1 {
			t.Errorf("%+v", s)
		}
		b.Close()
		last := b.state(publishState).Days
		if got, want := last[len(last)-1].Conflicts, b.Stats().Conflicts; got != want {
			t.Errorf("the spool says that %d writes were lost, want %d", got, want)
		}
		if log := b.log.String(); strings.Contains(log, "WARN") || strings.Contains(log, "ERROR") {
			t.Error(log)
		}
	})
}

// TestEndlessContentionIsReported: a server that refuses each write looks like
// contention, and must not stay unnoticed.
func TestEndlessContentionIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name != "write" {
				return storetest.Fault{}
			}
			return storetest.Fault{Err: rotatelog.ErrConflict, Skip: true}
		})
		b.open()
		b.append(ten...)
		time.Sleep(time.Hour)
		if s := b.Stats(); s.Failed == 0 || !errors.Is(s.LastError, rotatelog.ErrConflict) {
			t.Errorf("%+v", s)
		}
	})
}

// TestDeletedDayIsNotClosed: a day whose object is gone is not taken for one that
// was closed.
func TestDeletedDayIsNotClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.open()
		b.append(ten...)
		b.flush()
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "stat" && op.Key == dayA {
				return storetest.Fault{Absent: true}
			}
			return storetest.Fault{}
		})
		untilNextDay()
		time.Sleep(2 * time.Hour)
		b.onStore(nil)
		time.Sleep(2 * time.Hour)
		b.wantLayout(dayA, true)
		if m := b.day(dayA).Metadata; m.Uploads != 1 {
			t.Errorf("%+v", m)
		}
	})
}
