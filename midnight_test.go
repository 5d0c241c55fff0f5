package rotatelog_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// TestGroupIsSplitAtMidnight: two fetches that wait for the disk at midnight belong
// to two days, and so to two batches.
func TestGroupIsSplitAtMidnight(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		time.Sleep(5*time.Hour - 5*time.Second) // 23:59:55
		synctest.Wait()
		slow := true
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" && slow {
				slow = false
				time.Sleep(15 * time.Second)
			}
			return nil
		})
		var all sync.WaitGroup
		for i, at := range []time.Duration{0, 2 * time.Second, 8 * time.Second} {
			all.Go(func() {
				time.Sleep(at)
				b.append(10 + i)
			})
		}
		all.Wait()
		b.flush()
		if old, next := b.day(dayA).Metadata, b.day(dayB).Metadata; old.Fetches != 3 || next.Fetches != 1 {
			t.Errorf("%d fetches on the old day, %d on the new, want 3 and 1", old.Fetches, next.Fetches)
		}
	})
}

// TestQuietDayIsReported: a day on which nothing was appended ends, too, and is
// reported once, with no uploads.
func TestQuietDayIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var reported []rotatelog.Totals
		b.cfg.Hooks.DayComplete = func(d rotatelog.Totals) { reported = append(reported, d) }
		b.open()
		b.append(1)
		b.flush()
		time.Sleep(3 * 24 * time.Hour)
		synctest.Wait()
		var days []string
		for i, d := range reported {
			days = append(days, d.Day.String())
			want := rotatelog.Totals{Name: "all_api", Day: d.Day}
			if i == 0 {
				want = rotatelog.Totals{Name: "all_api", Day: d.Day, Uploads: 1, Fetches: 1, Matches: 1}
			}
			if d != want {
				t.Errorf("%+v, want %+v", d, want)
			}
		}
		if !slices.Equal(days, []string{"1999-12-31", "2000-01-01", "2000-01-02"}) {
			t.Errorf("reported of %q", days)
		}
	})
}
