//go:build chromium

package chromium

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/dashboard"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

// state is a state of the page.
type state struct {
	name  string
	title string // how the title begins
	build func(w *world)
	down  bool // the server goes away while the page is open

	store   string   // where the objects are, unless that is a bucket
	streams []string // unless there is one
}

func states() []state {
	return []state{
		{name: "ok", title: "ALL GOOD ", build: func(w *world) { w.fetches(213); w.days = true }},
		{name: "error", title: "ERROR upload_refused ", build: func(w *world) { w.fetches(102); w.fault = refused(); w.fetches(25) }},
		{name: "critical", title: "CRITICAL append_stale ", build: func(w *world) { w.fetches(73); w.clock.Advance(20 * time.Minute); w.days = true }},
		{name: "warning", title: "WARNING key_old ", build: func(w *world) { w.fetches(73); w.days, w.keyAge = true, 120 }},
		{name: "not-live", title: "NOT LIVE ", build: func(w *world) { w.fetches(57) }, down: true},
		{name: "first-day", title: "WAITING for the first fetch ", build: func(w *world) { w.fetches(0) }},
		{name: "unknown", title: "UNKNOWN ", build: func(*world) {}},
		{name: "directory", title: "ALL GOOD ", build: func(w *world) { w.fetches(43); w.days = true }, store: "/srv/archive/sports-json-logs-all/of-this-machine"},
		{name: "streams", title: "ERROR upload_refused ", build: func(w *world) {
			w.fetches(43)
			w.clock.Set(w.clock.Now().Add(-43 * time.Minute)) // at the same time
			w.stream, w.fault = "merge", refused()
			w.fetches(43)
			w.clock.Set(w.clock.Now().Add(-43 * time.Minute)) // at the same time
			w.stream, w.fault = "odds_of_all_leagues_of_europe", nil
			w.fetches(43)
		}, streams: []string{"all_api", "merge", "odds_of_all_leagues_of_europe", "not_begun"}},
	}
}

// world is a machine with a stream, and a page that shows it.
type world struct {
	t     *testing.T
	dir   string
	store *storetest.Mem
	fault error // of the store
	days  bool  // the store has those before

	stream string // that is fetched
	keyAge int    // days
	clock  *clocktest.Clock
	n      int
	page   *dashboard.Handler
}

// switched is a clock in place of which another can be put.
type switched struct{ rotatelog.Clock }

// running is a clock that is ahead of that of the machine.
type running struct{ offset time.Duration }

func (r running) Now() time.Time { return time.Now().Add(r.offset) }

func (r running) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// serve returns the page in a state.
func serve(t *testing.T, s state) (*world, *httptest.Server) {
	t.Helper()
	w := &world{t: t, stream: "all_api", dir: filepath.Join(t.TempDir(), "rotatelog"), store: storetest.NewMem(), clock: clocktest.New(time.Date(2025, 7, 10, 4, 1, 0, 0, time.UTC))}
	clock := &switched{w.clock}
	w.page = w.handler(clock, s)
	s.build(w)
	clock.Clock = running{time.Until(w.clock.Now().Add(-48 * time.Second))} // 12 s after the last fetch
	server := httptest.NewServer(w.page)
	t.Cleanup(server.Close)
	return w, server
}

func (w *world) handler(clock rotatelog.Clock, s state) *dashboard.Handler {
	w.t.Helper()
	cfg := dashboard.Config{Host: "web1", Clock: clock}
	if s.streams == nil {
		s.streams = []string{"all_api"}
	}
	for _, name := range s.streams {
		cfg.Streams = append(cfg.Streams, dashboard.Stream{
			Name: name, Dir: w.dir, Store: cmp.Or(s.store, "us-ord-1.linodeobjects.com/sports-json-logs-all"), Counted: true,
			Facts: w.facts, Options: health.Options{Every: time.Minute},
			DiskOf: func(string) (health.Disk, error) {
				return health.Disk{FreeBytes: 61_000_000_000, FreeInodes: -1}, nil
			},
		})
	}
	page, err := dashboard.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

// facts adds what the store would say of the days before.
func (w *world) facts(f *health.Facts) {
	today := rotatelog.Day{Year: 2025, Month: time.July, Date: 10}
	if w.keyAge > 0 {
		f.KeySince = today.Start(time.UTC).AddDate(0, 0, -w.keyAge)
	}
	for n := 1; n < 28 && w.days; n++ {
		day := rotatelog.DayOf(today.Start(time.UTC).AddDate(0, 0, -n), time.UTC)
		if n == 9 {
			f.NoObject = append(f.NoObject, day)
			continue
		}
		f.Days = append(f.Days, rotatelog.DayMetadata{Size: 2_610_000_000, Layout: "metadata first",
			Totals: rotatelog.Totals{Day: day, Uploads: 144, Fetches: 1440, Matches: 64_801 - int64(n)*100}})
	}
}

// fetches appends fetches, one a minute, with ever more matches.
func (w *world) fetches(n int) {
	w.t.Helper()
	store := &storetest.Faulty{Store: w.store, Fault: func(storetest.Op) storetest.Fault { return storetest.Fault{Err: w.fault} }}
	wr, err := rotatelog.Open(w.t.Context(), rotatelog.Config{Dir: w.dir, Name: w.stream, Store: store, Sync: rotatelog.SyncSeal, Clock: w.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	defer wr.Close()
	for range n {
		w.n++
		fetch := rotatelog.Fetch{Data: fmt.Appendf(nil, `{"n":%d}`, w.n), TotalMatches: int64(30 + w.n%20 + w.n/7), ID: fmt.Sprintf("ID%010d", w.n)}
		if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
			w.t.Fatal(err)
		}
		if w.n%10 == 0 {
			wr.Drain(w.t.Context()) // or not
		}
		if w.n%50 == 0 {
			w.page.Snapshot(w.t.Context()) // so that the line has the whole day
		}
		w.clock.Advance(time.Minute)
	}
	if err := wr.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.touch()
}

// touch gives the local file the time of the last fetch, which the disk does not know. A
// Writer would take that for somebody else's change.
func (w *world) touch() {
	w.t.Helper()
	last := w.clock.Now().Add(-time.Minute)
	if err := os.Chtimes(filepath.Join(w.dir, w.stream+".json"), last, last); err != nil {
		w.t.Fatal(err)
	}
}

// refused is what a store says of a key that is no longer good.
func refused() error {
	return fmt.Errorf("%w: the server does not know the access key", errors.Join(rotatelog.ErrPermanent))
}
