package rotatelog_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// What a review found, each with the circumstances that showed it.

// TestHangingStoreDelaysNothingElse: midnight and the other days do not wait for it.
func TestHangingStoreDelaysNothingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = stuck{b.mem, dayA}
		b.open()
		b.append(ten...)
		time.Sleep(time.Minute) // the upload is under way, and stays so
		b.append(1)
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if n := len(b.array()); n != 0 {
			t.Errorf("%d fetches of yesterday were not sealed at midnight", n)
		}
		b.append(ten...)
		time.Sleep(time.Hour)
		if m := b.day(dayB).Metadata; m.Fetches != 10 {
			t.Errorf("%+v", m)
		}
		if !strings.Contains(b.log.String(), "an upload has been under way for long") {
			t.Errorf("nobody hears of it: %s", b.log)
		}
	})
}

// stuck is a store in which one key never answers.
type stuck struct {
	rotatelog.Store
	key string
}

func (s stuck) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if key == s.key {
		<-ctx.Done()
		return rotatelog.Object{}, ctx.Err()
	}
	return s.Store.Stat(ctx, key)
}

func TestYearOutOfRangeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.TimeOf = func([]byte) (time.Time, error) { return time.Unix(1752176722000, 0), nil } // milliseconds
		b.open()
		if _, err := b.Append(t.Context(), counted(1)); !errors.Is(err, rotatelog.ErrInvalidFetch) || !strings.Contains(err.Error(), "milliseconds") {
			t.Error(err)
		}
	})
}

// TestFullDiskHealsItself: confirmed batches give up their room.
func TestFullDiskHealsItself(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		for i := range 8 {
			b.append(i)
			b.flush()
		}
		used := 0
		for _, content := range b.disk.Tree() {
			used += len(content)
		}
		b.disk.SetCapacity(int64(used) + 10)
		b.append(8)
		b.flush()
		if m := b.day(dayA).Metadata; m.Fetches != 9 {
			t.Errorf("%+v", m)
		}
	})
}

// TestEnvelopeSaysNewYorkTime: the time in an envelope is in New York whatever the zone of the
// days, and its day is that of the fetch.
func TestEnvelopeSaysNewYorkTime(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Location, b.cfg.TimeOf = london, rotatelog.HeaderTime
		b.open()
		r, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte("{}")})
		if err != nil || r.Day.String() != "2000-01-01" {
			t.Errorf("%+v, %v", r, err)
		}
		if got := string(b.array()[0]); !strings.Contains(got, `"12/31/1999 07:00:00 PM EST"`) {
			t.Error(got)
		}
	})
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Clock = &skippingClock{now: time.Date(2025, 7, 11, 3, 59, 59, 0, time.UTC)}
		b.open()
		r, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		header, err := rotatelog.HeaderTime(b.array()[0])
		if err != nil || rotatelog.DayOf(header, time.FixedZone("EDT", -4*3600)) != r.Day {
			t.Errorf("header %v, %v; receipt %v", header, err, r.Day)
		}
	})
}

// skippingClock advances by 300 ms each time it is read.
type skippingClock struct {
	steppedClock
	now time.Time
}

func (c *skippingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(300 * time.Millisecond)
	return c.now
}

// TestUnusablePublishLockEndsADrain: it is reported with backoff, too.
func TestUnusablePublishLockEndsADrain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Lock" && strings.Contains(op.Name, "publish") {
				return &fs.PathError{Op: "open", Path: op.Name, Err: syscall.EACCES}
			}
			return nil
		})
		b.open()
		b.append(ten...)
		if err := b.Drain(t.Context()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "let the user") {
			t.Errorf("%v, want the reason and what to do", err)
		}
		time.Sleep(10 * time.Minute)
		if n := b.Stats().Failed; n > 25 {
			t.Errorf("reported %d times in ten minutes", n)
		}
		b.onDisk(nil)
		b.flush()
	})
}

func TestPanickingCountIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Count = func([]byte) (int64, error) { panic("oh") }
		b.open()
		b.append(1)
		b.flush()
		if b.Stats().Uncounted != 1 {
			t.Error("it is not reported")
		}
	})
}

// TestEveryDayIsReported: the end of each day is reported, even after two midnights
// without the store, and after a restart.
func TestEveryDayIsReported(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		var reported []string
		b.cfg.Hooks.DayComplete = func(d rotatelog.Totals) { reported = append(reported, d.Day.String()) }
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		for i := range 3 {
			b.append(i)
			time.Sleep(24 * time.Hour)
		}
		b.reopen()
		b.onStore(nil)
		b.flush()
		time.Sleep(time.Hour)
		if got := strings.Join(reported, " "); got != "1999-12-31 2000-01-01 2000-01-02" {
			t.Errorf("reported %s", got)
		}
	})
}

func TestOpenTwiceWithoutAFetchIsQuiet(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.reopen()
		b.reopen()
		if b.log.Len() > 0 {
			t.Error(b.log)
		}
	})
}

func TestReadOnlyDirectoryIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.Close()
		if err := b.disk.Chmod(".", 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "let the user") {
			t.Errorf("%v, want the reason and what to do", err)
		}
		b.disk.Chmod(".", 0o700)
		b.open()
		if n := len(b.array()); n != 1 {
			t.Errorf("%d fetches are left", n)
		}
	})
}

// TestDayOutlivesAPowerCut: the next Writer does not trust a batch.json whose
// name failed to become durable, even if it can be read. A power cut would put
// its fetches into the file of the day before.
func TestDayOutlivesAPowerCut(t *testing.T) {
	t.Parallel()
	for _, kill := range []bool{false, true} {
		for reopened := range 3 {
			inBubble(t, func(t *testing.T, b *bench) {
				b.open()
				b.append(1)
				b.flush()
				time.Sleep(25 * time.Hour)
				var renamed, failed atomic.Bool
				b.onDisk(func(op crashfs.Op) error {
					if op.Kind == "Rename" && strings.Contains(op.Name, "batch.json") {
						renamed.Store(true)
					}
					if op.Kind == "SyncDir" && op.Name == "all_api.spool" && renamed.Load() && failed.CompareAndSwap(false, true) {
						return syscall.EIO
					}
					return nil
				})
				if _, err := b.Append(t.Context(), counted(2)); err == nil || !failed.Load() {
					t.Fatalf("%v, failed %v", err, failed.Load())
				}
				b.onDisk(nil)
				if kill {
					b.die()
					b.open()
				}
				for range reopened {
					b.reopen()
				}
				if r := b.append(3)[0]; r.Day.String() != "2000-01-01" || r.Number != 1 {
					t.Fatalf("%+v", r)
				}
				disk := b.disk.Crash(crashfs.KeepNothing)
				b.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
				b.Close()
				b.onDisk(nil)
				b.setDisk(disk)
				b.open()
				b.flush()
				if a := b.day(dayA).Metadata; a.Fetches != 1 || b.mem.Bytes(dayB) == nil {
					t.Errorf("kill %v, opened %d times: %+v, and there are %q", kill, reopened, a, b.mem.Keys())
				}
			})
		}
	}
}
