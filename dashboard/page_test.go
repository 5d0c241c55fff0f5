package dashboard

import (
	"os"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// What each page has, as files to read and to look at.
func TestPages(t *testing.T) {
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("ok", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.fetches("all_api", 25)
			w.waitUntil("2025-07-11 00:00:30")
			s := w.stream("all_api")
			s.Facts = func(f *health.Facts) {
				f.Days = lastDays(rotatelog.DayOf(f.Now, w.zone), 26)
				f.NoObject = []rotatelog.Day{{Year: 2025, Month: 6, Date: 20}}
			}
			h := w.handler(Config{Streams: []Stream{s, w.stream("merge")}})
			for range 13 {
				w.each++
				w.fetches("all_api", 30)
				w.get(h, "/") // who looks now and then sees the whole day
				time.Sleep(time.Minute)
			}
			w.fetches("merge", 7)
			w.fetches("all_api", 3)
			time.Sleep(12 * time.Second)
			w.golden("ok", w.page(h, "/"))
		})
	})
	t.Run("refused", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.fetches("all_api", 25)
			w.fault = refused()
			w.fetches("all_api", 15)
			time.Sleep(9 * time.Second)
			w.golden("refused", w.page(w.handler(Config{}), "/"))
		})
	})
	t.Run("first", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.open("all_api").Close()
			w.golden("first", w.page(w.handler(Config{}), "/"))
		})
	})
	t.Run("nothing", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.golden("nothing", w.page(w.handler(Config{}), "/"))
		})
	})
}
