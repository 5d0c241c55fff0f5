package rotatelog_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/storetest"
)

// The sums of a day are the same on every machine, and never negative.

func countedAs(n int64) []byte {
	return fmt.Appendf(nil, `{"FETCH_FOOTER":{"total_matches":%d}}`, n)
}

func TestCountsBeyond32BitsAreKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var hooked rotatelog.Uploaded
		b.cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { hooked = u }
		b.open()
		const large = 3_000_000_000
		for i := range 3 {
			r, err := b.Append(t.Context(), countedAs(large))
			if err != nil || r.Matches != large {
				t.Fatalf("append: %+v, %v", r, err)
			}
			b.flush()
			if i == 1 {
				b.reopen() // the rest of the totals come from the object's metadata
			}
		}
		if _, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte("{}"), TotalMatches: large, MatchesInPlay: large}); err != nil {
			t.Fatal(err)
		}
		b.flush()
		d := b.day(dayA)
		if d.Metadata.Matches != 4*large || hooked.Matches != large || hooked.Totals.Matches != 4*large {
			t.Errorf("metadata %+v, hook %+v; want a total of %d", d.Metadata, hooked, int64(4*large))
		}
		if last := string(d.Uploads[3].Data[0]); !strings.Contains(last, `"total_matches":3000000000,"matches_in_play":3000000000`) {
			t.Errorf("the envelope is %s", last)
		}
	})
}

// A sum that exceeds int64 stays at its largest value: in a batch, over the day, and
// in metadata that a Writer reads again.
func TestCountsThatOverflowStayAtTheLargest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		for _, n := range []int64{math.MaxInt64, math.MaxInt64, 1} {
			if _, err := b.Append(t.Context(), countedAs(n)); err != nil {
				t.Fatal(err)
			}
		}
		b.flush()
		reads := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "read" {
				reads++
			}
			return storetest.Fault{}
		})
		for i := range 3 {
			b.append(i)
			b.flush()
			b.reopen()
		}
		d := b.day(dayA)
		if d.Uploads[0].Matches != math.MaxInt64 || d.Metadata.Matches != math.MaxInt64 {
			t.Errorf("%d matches in the batch, %d in the day", d.Uploads[0].Matches, d.Metadata.Matches)
		}
		if reads > 0 {
			t.Errorf("the day was read %d times: its metadata is refused", reads)
		}
	})
}

// The names of files and objects have four digits for the year. A batch of a day
// outside them would not be found again.
func TestClockOutsideTheYearsThatHaveNames(t *testing.T) {
	for _, tt := range []struct {
		name string
		wall time.Time
		year string
	}{
		{"after the last year", time.Date(12000, 5, 1, 12, 0, 0, 0, time.UTC), "12000"},
		{"after the last year in UTC only", time.Date(10000, 1, 1, 2, 0, 0, 0, time.UTC), "10000"},
		{"before the first year", time.Date(0, 5, 1, 12, 0, 0, 0, time.UTC), "0"},
		{"before the first year in New York only", time.Time{}, "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				clock := clocktest.New(tt.wall)
				clock.Settle = synctest.Wait
				b.cfg.Clock = clock
				b.open()
				want := "the clock is in the year " + tt.year
				if _, err := b.Append(t.Context(), counted(1)); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("append: %v", err)
				}
				if _, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte("{}")}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("append of an envelope: %v", err)
				}
				clock.Set(time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC))
				b.append(2) // once the clock is right, without a restart
				clock.Set(tt.wall)
				clock.Advance(time.Minute) // what midnight would seal, too; the name of a batch has the time in UTC
				if err := b.Seal(t.Context()); tt.wall.Year() != 1 && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("seal: %v", err)
				}
				b.reopen() // which would seal a past day
				b.die()
				b.open()
				clock.Set(time.Date(2025, 7, 10, 13, 0, 0, 0, time.UTC))
				b.append(3)
				flushWith(t, b, clock)
				if d := b.day("all_api_rotating_logs/all_api_json_log_2025-07-10.json"); d.Metadata.Matches != 5 {
					t.Errorf("%+v", d)
				}
				if keys := b.mem.Keys(); len(keys) != 1 {
					t.Errorf("objects %q", keys)
				}
			})
		})
	}
}

// flushWith flushes under a clock that must be moved.
func flushWith(t *testing.T, b *bench, clock *clocktest.Clock) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- b.Flush(context.WithoutCancel(t.Context())) }()
	clock.Advance(time.Minute)
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("flush: %v", err)
		}
	default:
		t.Fatal("flush did not end")
	}
}

// An archive's fetches say when they were made, but the name of a batch has the
// time of sealing, too.
func TestClockOutsideTheYearsWithTimesOfTheFetchesOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		clock := clocktest.New(time.Date(12000, 5, 1, 12, 0, 0, 0, time.UTC))
		clock.Settle = synctest.Wait
		b.cfg.Clock = clock
		b.cfg.MaxFetches = 2
		b.cfg.TimeOf = func([]byte) (time.Time, error) { return time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC), nil }
		b.open()
		b.append(1, 2)
		if _, err := b.Append(t.Context(), counted(3)); err == nil || !strings.Contains(err.Error(), "the clock is in the year 12000") {
			t.Errorf("append: %v", err)
		}
		clock.Set(time.Date(2026, 7, 10, 13, 0, 0, 0, time.UTC))
		b.append(3)
		flushWith(t, b, clock)
		if d := b.day("all_api_rotating_logs/all_api_json_log_2025-07-10.json"); d.Metadata.Matches != 6 {
			t.Errorf("%+v", d)
		}
	})
}
