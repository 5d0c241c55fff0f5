package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/football"
)

var (
	yearDays = flag.Int("yeardays", 30, "days of the simulated year")
	yearDir  = flag.String("yeardir", "", "directory for the simulated year, which syncs half a million times; best one in memory (default: the system's for temporary files)")
)

// BenchmarkYear plays a year of a fetch a minute, with midnights and days of 23 and 25
// hours, on a clock that is moved by hand and a Rope.
func BenchmarkYear(b *testing.B) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, newYork)
	minutes := int(begin.AddDate(0, 0, *yearDays).Sub(begin).Minutes())
	fetch := football.New(8, 0).Next()
	b.Run(fmt.Sprintf("days=%d", *yearDays), func(b *testing.B) {
		var uploads int
		for b.Loop() {
			uploads = liveThrough(b, begin, minutes, fetch)
		}
		b.ReportMetric(float64(minutes), "fetches/op")
		b.ReportMetric(float64(uploads), "uploads/op")
	})
}

// liveThrough appends a fetch each minute, and returns how many uploads that
// made. It fails unless each day's object has each of its minutes.
func liveThrough(b *testing.B, begin time.Time, minutes int, fetch []byte) (uploads int) {
	dir, err := os.MkdirTemp(*yearDir, "year")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	rope, err := NewRope(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer rope.Close()
	clock := clocktest.New(begin)
	cfg := Stream{filepath.Join(dir, "stream"), "days/"}.Config(rope, b.Output())
	cfg.Clock = clock
	days := map[rotatelog.Day]rotatelog.Totals{}
	cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { days[u.Day] = u.Totals }
	w := open(b, cfg)
	defer w.Close()
	for range minutes {
		r, err := w.Append(b.Context(), fetch)
		if err != nil {
			b.Fatal(err)
		}
		if r.Sealed {
			if err := w.Drain(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		clock.Advance(time.Minute)
	}
	if err := w.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	fetches := 0
	for _, day := range days {
		fetches += day.Fetches
		uploads += day.Uploads
	}
	if fetches != minutes || len(days) != *yearDays {
		b.Fatalf("%d fetches of %d days are there, want %d of %d", fetches, len(days), minutes, *yearDays)
	}
	return uploads
}
