package rotatelog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// wantToday wants Today to say that of the day's object and of what waits.
func (b *bench) wantToday(uploads, fetches int, matches int64, waiting int, waitingMatches int64) {
	b.t.Helper()
	got := b.Today()
	if got.Day != rotatelog.DayOf(time.Now(), b.zone()) || got.Uploads != uploads || got.Fetches != fetches || got.Matches != matches ||
		got.Waiting != waiting || got.WaitingMatches != waitingMatches {
		b.t.Errorf("%+v; want %d uploads, %d fetches, %d matches; %d fetches and %d matches wait", got, uploads, fetches, matches, waiting, waitingMatches)
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestTodayCountsEachFetchOnce: what is in the object, and what is on its way.
func TestTodayCountsEachFetchOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.wantToday(0, 0, 0, 0, 0)
		if looked := b.Today().Looked; !looked.IsZero() {
			t.Errorf("looked at %v", looked)
		}
		b.append(1, 2)
		b.wantToday(0, 0, 0, 2, 3)
		b.append(3, 4, 5, 6, 7, 8, 9, 10)
		synctest.Wait()
		b.wantToday(1, 10, 55, 0, 0)
		if looked := b.Today().Looked; !looked.Equal(time.Now()) {
			t.Errorf("looked at %v, now it is %v", looked, time.Now())
		}
		b.onStore(storeAway)
		b.append(ten...)
		b.append(4)
		synctest.Wait()
		b.wantToday(1, 10, 55, 11, 59)
		b.onStore(nil)
		b.flush()
		b.wantToday(3, 21, 114, 0, 0)
	})
}

// TestTodayAfterRestart: at noon the totals are those that were known before, and a
// second later those that the store has.
func TestTodayAfterRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		pass(17 * time.Hour) // noon
		b.append(ten...)
		b.append(1, 2)
		pass(time.Minute)
		b.reopen()
		b.wantToday(1, 10, 55, 2, 3)
		before := b.Today().Looked
		pass(2 * time.Second)
		b.wantToday(1, 10, 55, 2, 3)
		if looked := b.Today().Looked; !looked.After(before) {
			t.Errorf("looked at %v, and before the restart at %v", looked, before)
		}
		b.append(3)
		b.die()
		b.open()
		pass(2 * time.Second)
		b.wantToday(1, 10, 55, 3, 6)
	})
}

// TestTodayWithTheStoreAway: a Writer that is opened for one fetch knows what waits.
func TestTodayWithTheStoreAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		matches := int64(0)
		for n := 1; n <= 35; n++ {
			b.open()
			b.append(n)
			matches += int64(n)
			b.wantToday(0, 0, 0, n, matches)
			b.Close()
			pass(time.Minute)
		}
		b.onStore(nil)
		b.open()
		b.flush()
		b.wantToday(4, 35, matches, 0, 0)
	})
}

// TestAppendOnly: such a Writer asks no store, needs none, and leaves uploading to others.
func TestAppendOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		with := b.cfg
		b.cfg.AppendOnly, b.cfg.Store = true, nil
		b.open()
		b.append(ten...)
		b.append(1)
		pass(30 * time.Hour)
		if err := b.Drain(t.Context()); err == nil || !strings.Contains(err.Error(), "AppendOnly") {
			t.Errorf("Drain: %v", err)
		}
		if n := len(b.pending()); n != 2 {
			t.Errorf("%d batches wait, want the full one and the one that midnight ended", n)
		}
		b.cfg = with
		b.reopen()
		b.flush()
		if n := len(b.pending()); n != 0 || len(b.day(dayA).Uploads) != 2 {
			t.Errorf("%d batches wait; %+v", n, b.day(dayA))
		}
	})
}

// TestTodayAfterMidnight: the new day begins with nothing, and its object is looked at.
func TestTodayAfterMidnight(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		pass(5*time.Hour + time.Minute)
		b.wantToday(0, 0, 0, 0, 0)
		if looked := b.Today().Looked; looked.IsZero() {
			t.Error("nobody has looked at the new day's object")
		}
		b.append(2)
		b.wantToday(0, 0, 0, 1, 2)
		b.Close()
		pass(24 * time.Hour)
		b.open()
		b.wantToday(0, 0, 0, 0, 0)
	})
}

// TestTodayWithTimeOf: today is the day it is, whatever day the fetches are of.
func TestTodayWithTimeOf(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		at := time.Now().Add(-48 * time.Hour)
		b.cfg.TimeOf = func([]byte) (time.Time, error) { return at, nil }
		b.open()
		b.append(1)
		pass(time.Minute)
		b.wantToday(0, 0, 0, 0, 0)
		at = time.Now()
		b.append(2, 3)
		b.wantToday(0, 0, 0, 2, 5)
		b.flush()
		b.wantToday(1, 2, 5, 0, 0)
	})
}

// TestTodayOfAnotherProgram: an object that another program began counts, with what is
// appended to it, and the log says so once.
func TestTodayOfAnotherProgram(t *testing.T) {
	old, err := os.ReadFile(filepath.Join("testdata", "old_script_day.json"))
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.mem.Put(dayA, old, nil)
		b.open()
		pass(2 * time.Second)
		b.wantToday(2, 3, 7, 0, 0)
		if log := b.log.String(); strings.Count(log, "begun by another program") != 1 || strings.Count(log, "msg=ready") != 1 {
			t.Error(log)
		}
		b.append(ten...)
		synctest.Wait()
		b.wantToday(3, 13, 62, 0, 0)
	})
}

// TestOpenReportsWithinSeconds: what would stop the first upload is reported before there
// is one, and all is well once that is put right.
func TestOpenReportsWithinSeconds(t *testing.T) {
	refuse := func(storetest.Op) storetest.Fault {
		return storetest.Fault{Err: fmt.Errorf("403 InvalidAccessKeyId: %w", rotatelog.ErrPermanent)}
	}
	for name, test := range map[string]struct {
		wrong, right func(b *bench)
		code         string
	}{
		"refused": {func(b *bench) { b.onStore(refuse) }, func(b *bench) { b.onStore(nil) }, "permanent"},
		"away":    {func(b *bench) { b.onStore(storeAway) }, func(b *bench) { b.onStore(nil) }, "other"},
		"other owner": {func(b *bench) {
			b.cfg.Store = owned{b.cfg.Store}
			other := b.second()
			other.append(1)
			other.flush()
			other.Close()
		}, func(b *bench) { b.mem.Delete(dayA) }, "other_owner"},
		"no daily document": {func(b *bench) { b.mem.Put(dayA, []byte("<html>"), nil) }, func(b *bench) { b.mem.Delete(dayA) }, "not_daily"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				var mu sync.Mutex
				var failed []rotatelog.Failed
				test.wrong(b)
				b.cfg.Hooks.Failed = func(f rotatelog.Failed) {
					mu.Lock()
					defer mu.Unlock()
					failed = append(failed, f)
				}
				b.open()
				pass(2 * time.Second)
				mu.Lock()
				if len(failed) == 0 || failed[0].Attempt != 1 || failed[0].Day.String() != today || failed[0].Permanent != errors.Is(failed[0].Err, rotatelog.ErrPermanent) {
					t.Errorf("%+v", failed)
				}
				mu.Unlock()
				if s := b.Stats(); s.LastError == nil || s.Failed != 0 {
					t.Errorf("%+v", s)
				}
				if f := b.state(publishState).LastFailure; f == nil || f.Code != test.code || f.Key != dayA || f.NextAttempt.IsZero() {
					t.Errorf("the state file says %+v", f)
				}
				if strings.Contains(b.log.String(), "msg=ready") {
					t.Errorf("it is not ready:\n%s", b.log)
				}
				test.right(b)
				pass(2 * time.Minute)
				if n := strings.Count(b.log.String(), "msg=ready"); n != 1 || b.Stats().LastError != nil {
					t.Errorf("ready %d times, %v\n%s", n, b.Stats().LastError, b.log)
				}
			})
		})
	}
}

// TestFirstLookIsOneRequest: and there is none where a program opens a Writer for each
// fetch, as long as another one has looked.
func TestFirstLookIsOneRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.flush()
		b.Close()
		calls := b.calls()
		b.open()
		pass(time.Hour)
		if calls["stat"] != 1 || calls["read"] != 0 {
			t.Errorf("after a restart: %v", calls)
		}
		b.Close()
		calls = b.calls()
		for range 60 { // each is slow: it fetches after Open
			b.open()
			pass(5 * time.Second)
			b.append(1)
			synctest.Wait()
			b.Close()
			pass(55 * time.Second)
		}
		if writes := calls["write"]; writes != 6 {
			t.Errorf("%d uploads, want 6", writes)
		}
		if looks := calls["stat"] - 2*calls["write"]; looks > 7 {
			t.Errorf("%d looks besides the uploads' in an hour: %v", looks, calls)
		}
		calls = b.calls()
		for range 9 {
			b.open()
			b.append(1)
			b.Close()
			pass(20 * time.Minute)
		}
		if len(calls) > 0 {
			t.Errorf("Writers that are open for an instant: %v", calls)
		}
	})
}

// TestFirstLookLeavesThePublishLock: another process can publish meanwhile, and its looks
// are known to this one.
func TestFirstLookLeavesThePublishLock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(ten...)
		pass(time.Minute)
		publishing := b.Writer
		if err := publishing.CloseAppend(); err != nil {
			t.Fatal(err)
		}
		b.open()
		calls := b.calls()
		pass(time.Minute)
		if len(calls) > 0 {
			t.Errorf("the store was asked though another process publishes: %v", calls)
		}
		b.wantToday(1, 10, 55, 0, 0)
		b.append(ten...)
		pass(2 * time.Minute)
		b.wantToday(2, 20, 110, 0, 0)
		publishing.Close()
		b.append(ten...)
		pass(time.Minute)
		b.wantToday(3, 30, 165, 0, 0)
	})
}

// TestTodayWhileBatchesAreConfirmed: a batch that was seen in the object waits no longer,
// though its file is still to be moved.
func TestTodayWhileBatchesAreConfirmed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		hooks := 0
		b.cfg.Hooks.Uploaded = func(rotatelog.Uploaded) {
			hooks++
			b.wantToday(2, 20, 110, 0, 0)
		}
		b.onStore(storeAway)
		b.open()
		b.append(ten...)
		b.append(ten...)
		synctest.Wait()
		b.onStore(nil)
		b.flush()
		if hooks != 2 {
			t.Errorf("%d uploads", hooks)
		}
	})
}
