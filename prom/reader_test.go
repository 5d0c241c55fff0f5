package prom

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/spoolwatch"
)

// TestReadsOnlyWhatHasChanged: within a second not at all, later only if a file changed,
// and what changed a moment ago is read again in any case.
func TestReadsOnlyWhatHasChanged(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45)
	inspected := 0
	r := &reader{dir: w.cfg.Dir, spool: spoolwatch.New(w.cfg.Dir, "all_api", func() (rotatelog.SpoolStatus, error) {
		inspected++
		return rotatelog.Inspect(w.cfg.Dir, "")
	})}
	wantRead := func(when string, want int) {
		t.Helper()
		r.read(w.clock.Now())
		if inspected != want {
			t.Fatalf("%s: it was inspected %d times, want %d", when, inspected, want)
		}
	}
	age := func() { // the files are as they were for an hour
		old := time.Now().Add(-time.Hour)
		err := filepath.WalkDir(w.cfg.Dir, func(name string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Chtimes(name, old, old)
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	wantRead("at first", 1)
	wantRead("within a second", 1)
	w.clock.Advance(time.Second)
	wantRead("what has just been written may be written again", 2)
	age()
	w.clock.Advance(time.Second)
	wantRead("its times are other ones", 3)
	w.clock.Advance(time.Hour)
	wantRead("nothing has changed", 3)
	w.process(fetch45)
	age()
	w.clock.Advance(time.Second)
	wantRead("a fetch came", 4)
	last := r.read(w.clock.Now())
	if last.facts.Spool.Number != 2 {
		t.Errorf("it is fetch %d", last.facts.Spool.Number)
	}
	if disk := last.facts.Disk; disk == nil || disk.FreeBytes == 0 {
		t.Errorf("the disk: %+v", disk)
	}
	if err := os.RemoveAll(filepath.Join(w.cfg.Dir, "all_api.spool")); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if r.read(w.clock.Now()).ok {
		t.Error("a spool that is gone was read")
	}
}

// TestLook: what another has found out is not found out again.
func TestLook(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45, fetch45, fetch45)
	spool, err := rotatelog.Inspect(w.cfg.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	off := 10 * time.Minute
	c := w.collector()
	w.add(c, Stream{Look: func() (health.Facts, error) {
		if looked++; looked > 1 {
			return health.Facts{}, errors.New("the disk hangs")
		}
		disk := health.Disk{FreeBytes: 61_000_000_000, FreeInodes: -1}
		return health.Facts{Now: w.clock.Now(), Spool: spool, Disk: &disk, ClockOff: &off}, nil
	}})
	w.want(c, map[string]float64{"fetches_total": 3, "unfinished_fetches": 1, "disk_free_bytes": 61_000_000_000, "finding_severity{clock}": 3, "stream_readable": 1})
	w.want(c, map[string]float64{"fetches_total": -1, "unfinished_fetches": -1, "stream_readable": 0})
	if looked != 2 {
		t.Errorf("it looked %d times for two scrapes", looked)
	}
}

// TestScrapesAtOnce: several scrapers, Writers that append, and streams that come and go.
func TestScrapesAtOnce(t *testing.T) {
	w := newWorld(t)
	c := New()
	w.cfg.Hooks = c.Hooks(rotatelog.Hooks{})
	writer := w.open()
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 20 {
				writer.Append(t.Context(), []byte(fetch45))
				w.values(c)
				if err := c.Add(Stream{Name: fmt.Sprint("s", n), Dir: w.cfg.Dir, Writer: writer}); err != nil {
					t.Error(err)
				}
				c.Remove(fmt.Sprint("s", (n+1)%4))
			}
		})
	}
	wg.Wait()
	if n := writer.Stats().Appended; n != 80 {
		t.Errorf("%d appended", n)
	}
}

// TestWriterIsClosedDuringAScrape: what it counted is there all the same, in that scrape and
// after it.
func TestWriterIsClosedDuringAScrape(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	writer := w.open()
	for range 3 {
		if _, err := writer.Append(t.Context(), []byte(fetch45)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed := 0
	w.add(c, Stream{Name: "all_api", Writer: writer, Look: func() (health.Facts, error) {
		closed++
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
		spool, err := rotatelog.Inspect(w.cfg.Dir, "")
		return health.Facts{Now: w.clock.Now(), Spool: spool}, err
	}})
	want := map[string]float64{"fetches_total": 3, "matches_total": 135, "uploads_total": 1, "unfinished_fetches": 1, "pending_batches": 0, "stream_readable": 1}
	w.want(c, want)
	w.want(c, want)
	if closed != 2 {
		t.Errorf("it was scraped %d times", closed)
	}
}
