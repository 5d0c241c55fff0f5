package rotatelog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// large makes every day of the bench a large one.
func (b *bench) large() { b.cfg = rotatelog.LargeFrom(b.cfg, 1) }

// calls counts the calls of the store from now on.
func (b *bench) calls() map[string]int {
	n := map[string]int{}
	b.onStore(func(op storetest.Op) storetest.Fault { n[op.Name]++; return storetest.Fault{} })
	return n
}

// refuse makes the store refuse the writes of an object from now on, and counts
// them.
func (b *bench) refuse(key string) *int {
	n := new(int)
	b.onStore(func(op storetest.Op) storetest.Fault {
		if op.Name != "write" || op.Key != key {
			return storetest.Fault{}
		}
		*n++
		return storetest.Fault{Err: fmt.Errorf("403 AccessDenied: %w", rotatelog.ErrPermanent), Skip: true}
	})
	return n
}

func (b *bench) wantLayout(key string, closed bool) {
	b.t.Helper()
	b.day(key)
	if content := dayText(b.t, key, b.mem.Bytes(key)); metadataFirst(content) != closed || metadataLast(content) == closed {
		b.t.Errorf("%s: closed is not %v:\n%s", key, closed, content)
	}
}

func untilNextDay() { time.Sleep(25 * time.Hour) }

// TestDayIsClosedAtMidnightWithOneWrite: after that it is not looked at again.
func TestDayIsClosedAtMidnightWithOneWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.open()
		for range 3 {
			b.append(ten...)
			b.flush()
			b.wantLayout(dayA, false)
		}
		calls := b.calls()
		untilNextDay()
		b.wantLayout(dayA, true)
		if calls["write"] != 1 || calls["read"] != 0 || !strings.Contains(b.log.String(), `"daily file closed" day=1999-12-31`) {
			t.Errorf("%v\n%s", calls, b.log)
		}
		var asked []string
		b.onStore(func(op storetest.Op) storetest.Fault {
			asked = append(asked, op.Name+" "+op.Key)
			return storetest.Fault{}
		})
		b.reopen()
		time.Sleep(time.Hour)
		if !slices.Equal(asked, []string{"stat " + dayB}) { // the first look at today's object
			t.Errorf("the day is closed, and the store was asked: %q", asked)
		}
	})
}

// TestRestartReadsNothing: the metadata has everything that an append needs.
func TestRestartReadsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.open()
		b.append(ten...)
		b.flush()
		calls := b.calls()
		for range 20 {
			b.reopen()
			b.append(ten...)
			b.flush()
		}
		if calls["read"] != 0 || calls["write"] != 20 || calls["stat"] != 40 {
			t.Errorf("%v", calls)
		}
		b.mem.Put(dayA, b.mem.Bytes(dayA), map[string]string{"rotatelog": "v=1&day=1999-12-31"}) // of an older version
		b.append(1)
		b.flush()
		if m := b.day(dayA).Metadata; calls["read"] != 1 || m.Uploads != 22 {
			t.Errorf("%v, %+v", calls, m)
		}
	})
}

// TestOneProcessPerFetchCloses: the first that uploads something the next day
// has closed the day before when Drain returns, however many batches were kept.
func TestOneProcessPerFetchCloses(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 2, -1, -1
		one := func() {
			b.open()
			b.append(1)
			if err := b.CloseAppend(); err != nil {
				t.Fatal(err)
			}
			if err := b.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.Close()
		}
		for range 4 {
			one()
		}
		b.wantLayout(dayA, false)
		untilNextDay()
		for range 6 {
			one()
		}
		b.wantLayout(dayA, true)
		b.wantLayout(dayB, false)
		calls := b.calls()
		one() // does not fill a batch
		if len(calls) != 0 {
			t.Errorf("there is nothing to do, and the store was asked: %v", calls)
		}
	})
}

// TestFailedClosingIsReportedAndTriedAgain: it is reported, tried again now and then, and holds up nothing.
func TestFailedClosingIsReportedAndTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.open()
		b.append(ten...)
		b.flush()
		tries := b.refuse(dayA)
		untilNextDay()
		b.append(ten...)
		b.flush()
		if b.Stats().LastError != nil || b.day(dayB).Metadata.Uploads != 1 {
			t.Errorf("%v, %+v", b.Stats().LastError, b.day(dayB).Metadata)
		}
		if *tries < 5 || *tries > 40 {
			t.Errorf("tried %d times in 20 hours", *tries)
		}
		if log := b.log.String(); !strings.Contains(log, "WARN msg=\"daily file could not be closed") || !strings.Contains(log, "403 AccessDenied") {
			t.Error(log)
		}
		b.wantLayout(dayA, false)
		b.onStore(nil)
		b.flush()
		time.Sleep(time.Minute)
		b.wantLayout(dayA, true)
	})
}

// TestDayToBeClosedIsRemembered: also across a restart, and when more batches of
// later days were confirmed than stay on disk.
func TestDayToBeClosedIsRemembered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.cfg.KeepUploaded, b.cfg.KeepFor = -1, -1
		b.open()
		b.append(ten...)
		b.flush()
		b.refuse(dayA)
		untilNextDay()
		for range 3 {
			b.append(ten...)
			b.flush()
		}
		b.wantLayout(dayA, false)
		b.onStore(nil)
		b.reopen()
		time.Sleep(time.Minute)
		b.wantLayout(dayA, true)
		b.wantLayout(dayB, false)
	})
}

// TestLostReplyWhileClosing: whatever the reply, what the object holds counts.
func TestLostReplyWhileClosing(t *testing.T) {
	for _, reply := range []error{errors.New("connection reset"), rotatelog.ErrConflict} {
		for _, skip := range []bool{false, true} {
			inBubble(t, func(t *testing.T, b *bench) {
				b.large()
				b.open()
				b.append(ten...)
				b.flush()
				writes := 0
				b.onStore(func(op storetest.Op) storetest.Fault {
					if op.Name != "write" {
						return storetest.Fault{}
					}
					if writes++; writes > 1 {
						return storetest.Fault{}
					}
					return storetest.Fault{Err: reply, Skip: skip}
				})
				untilNextDay()
				b.wantLayout(dayA, true)
				if want := map[bool]int{false: 1, true: 2}[skip]; writes != want {
					t.Errorf("%v, skip %v: %d writes, want %d", reply, skip, writes, want)
				}
			})
		}
	}
}

// TestLateBatchClosesTheDay: the last batches of a day close it with the write that brings
// them, and what comes after that leaves it closed. Neither reads the day.
func TestLateBatchClosesTheDay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.open()
		for range 20 {
			b.append(ten...)
			b.flush()
		}
		late := b.second()
		defer func() { late.Close() }()
		late.append(1)
		late.Close()
		b.append(1, 2)
		calls := b.calls()
		untilNextDay()
		b.wantLayout(dayA, true)
		if calls["write"] != 1 || calls["read"] != 0 {
			t.Errorf("the last batch: %v", calls)
		}
		late.open()
		synctest.Wait()
		late.flush()
		b.wantLayout(dayA, true)
		if m := b.day(dayA).Metadata; calls["write"] != 2 || m.Uploads != 22 || m.Fetches != 203 {
			t.Errorf("the late batch: %v, %+v", calls, m)
		}
	})
}

// TestDaysOfAnArchiveAreClosed: days of an archive are closed when another day's batches
// come, and the last of them by Flush.
func TestDaysOfAnArchiveAreClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.cfg.TimeOf, b.cfg.MaxFetches = rotatelog.HeaderTime, 1
		b.open()
		const key = "all_api_rotating_logs/all_api_json_log_1999-07-%d.json"
		for _, day := range []int{10, 10, 11, 11, 12} {
			if _, err := b.Append(t.Context(), fmt.Appendf(nil, `{"FETCH_HEADER":{"nyc_timestamp":"07/%d/1999 03:45:22 PM EDT"}}`, day)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			b.wantLayout(fmt.Sprintf(key, day), false)
		}
		b.wantLayout(fmt.Sprintf(key, 10), true)
		b.wantLayout(fmt.Sprintf(key, 11), true)
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.wantLayout(fmt.Sprintf(key, 12), true)
	})
}
