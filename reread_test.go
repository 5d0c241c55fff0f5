package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// readCounter counts the bytes that are read from a Store.
type readCounter struct {
	rotatelog.Store
	mu   sync.Mutex // guards read
	read int64
}

func (c *readCounter) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	o, err := c.Stat(ctx, key)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.read += o.Size
	c.mu.Unlock()
	return c.Store.Read(ctx, key, v, off, n)
}

// TestRefusedVersionIsReadOnce: an object that is not a daily document is read once,
// and then only looked at until it changes, for today and for past days.
func TestRefusedVersionIsReadOnce(t *testing.T) {
	strange := []byte(`{"another program's": "` + strings.Repeat("x", 1<<20) + `"}`)
	for _, when := range []string{"today", "yesterday"} {
		t.Run(when, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				counter := &readCounter{Store: b.mem}
				b.cfg.Store = counter
				b.open()
				if when == "yesterday" {
					b.append(ten...)
					b.flush()
				}
				b.mem.Put(dayA, strange, nil)
				if when == "today" {
					b.append(ten...)
				}
				time.Sleep(10 * time.Hour)
				synctest.Wait()
				if times := counter.read / int64(len(strange)); times != 1 {
					t.Errorf("it was read %d times", times)
				}
				if when == "yesterday" {
					return
				}
				b.mem.Put(dayA, nil, nil) // another version, which makes no sense either
				b.mem.Put(dayA, []byte(`{"uploads":[]}`), nil)
				time.Sleep(2 * time.Minute)
				if n := len(b.pending()); n != 0 {
					t.Errorf("%d batches wait though the object can be read now", n)
				}
			})
		})
	}
}

// TestRefusedVersionIsReadOnceByProcesses: where each process lives for one fetch, the
// next one does not read again what the one before has refused. After a day it does,
// since it may be a newer release.
func TestRefusedVersionIsReadOnceByProcesses(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		strange := []byte(`{"uploads":[` + strings.Repeat(" ", 1<<16))
		counter := &readCounter{Store: b.mem}
		b.cfg.Store, b.cfg.MaxFetches = counter, 1
		b.mem.Put(dayA, strange, nil)
		one := func() error {
			b.open()
			defer b.Close()
			b.append(1)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			return b.Drain(ctx)
		}
		first := one()
		for range 30 {
			time.Sleep(time.Minute)
			if err := one(); !errors.Is(err, rotatelog.ErrPermanent) || !errors.Is(err, rotatelog.ErrDamaged) || err.Error() != first.Error() {
				t.Fatalf("first %v, then %v", first, err)
			}
		}
		if n := counter.read / int64(len(strange)); n != 1 {
			t.Errorf("it was read %d times", n)
		}
		time.Sleep(24*time.Hour + time.Second)
		b.cfg.TimeOf = func([]byte) (time.Time, error) { return time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC), nil }
		for range 3 {
			one()
		}
		if n := counter.read / int64(len(strange)); n != 2 {
			t.Errorf("a day later it was read %d times in all", n)
		}
		b.mem.Put(dayA, []byte(`{"uploads":[]}`), nil)
		if err := one(); err != nil || len(b.day(dayA).Uploads) != 35 {
			t.Errorf("once it is a daily document: %v", err)
		}
	})
}

// TestRefusedVersionHidesNoLoss: that a version was refused says nothing of what the object
// held before.
func TestRefusedVersionHidesNoLoss(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		lost := b.losses()
		b.open()
		b.uploadEach(1, 3)
		b.Close()
		if err := b.disk.Remove("all_api.spool/seen.json"); err != nil { // which is not synced
			t.Fatal(err)
		}
		b.mem.Put(dayA, []byte("another program's"), nil)
		b.open()
		b.append(4)
		if err := b.Drain(t.Context()); !errors.Is(err, rotatelog.ErrDamaged) {
			t.Errorf("drain: %v", err)
		}
		b.mem.Delete(dayA)
		b.reopen()
		b.flush()
		if m := b.day(dayA).Metadata; m.Matches != 1+2+3+4 || len(*lost) == 0 {
			t.Errorf("%+v, reported %v", m, *lost)
		}
	})
}

// TestUnwrittenDayIsReadOnce: a day of the old script, of which nothing is known but by
// reading it, is not read again each time that the store refuses a write to it.
func TestUnwrittenDayIsReadOnce(t *testing.T) {
	for name, refusal := range map[string]error{
		"for good": fmt.Errorf("403 AccessDenied: %w", rotatelog.ErrPermanent),
		"for now":  errors.New("503 SlowDown"),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				day := []byte(`{"uploads":[{"upload_sequence":1,"upload_timestamp":"12/31/1999 06:00:00 PM EST","matches_in_upload":0,"fetch_data":[{"old":"` +
					strings.Repeat("x", 1<<20) + `"}]}]}`)
				b.mem.Put(dayA, day, nil)
				counter := &readCounter{Store: b.cfg.Store}
				b.cfg.Store = counter
				b.onStore(func(op storetest.Op) storetest.Fault {
					if op.Name == "write" {
						return storetest.Fault{Err: refusal, Skip: true}
					}
					return storetest.Fault{}
				})
				b.open()
				b.append(ten...)
				time.Sleep(4 * time.Hour)
				if n := counter.read / int64(len(day)); n != 1 {
					t.Errorf("it was read %d times, for %d attempts", n, b.Stats().Attempts)
				}
				b.onStore(nil)
				b.flush()
				if m := parseDayLoosely(t, b.mem.Bytes(dayA)).Metadata; m.Uploads != 2 || m.Fetches != 11 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}
