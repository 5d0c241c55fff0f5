package prom

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
)

// TestReadsOnlyWhatHasChanged: within a second not at all, later only if a file changed,
// and what changed a moment ago is read again in any case.
func TestReadsOnlyWhatHasChanged(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45)
	inspected := 0
	r := &reader{dir: w.cfg.Dir, name: "all_api", inspect: func() (rotatelog.SpoolStatus, error) {
		inspected++
		return rotatelog.Inspect(w.cfg.Dir, "")
	}}
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
	if last.spool.Number != 2 {
		t.Errorf("it is fetch %d", last.spool.Number)
	}
	if last.disk == nil || last.disk.FreeBytes == 0 {
		t.Errorf("the disk: %+v", last.disk)
	}
	if err := os.RemoveAll(filepath.Join(w.cfg.Dir, "all_api.spool")); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if r.read(w.clock.Now()).ok {
		t.Error("a spool that is gone was read")
	}
}

// TestFailureIsNotRemembered: what could not be read is tried again, though no file has
// changed.
func TestFailureIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45)
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"all_api.json", "all_api.spool", "all_api.spool/pending", "all_api.spool/uploaded", "all_api.spool/intents", "all_api.spool/damaged"} {
		if err := os.Chtimes(filepath.Join(w.cfg.Dir, name), old, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	reads := 0
	r := &reader{dir: w.cfg.Dir, name: "all_api", inspect: func() (rotatelog.SpoolStatus, error) {
		switch reads++; reads {
		case 1:
			return rotatelog.SpoolStatus{}, fs.ErrPermission
		case 2:
			return rotatelog.SpoolStatus{Problems: []string{"read state.append.json: permission denied"}}, nil
		}
		return rotatelog.Inspect(w.cfg.Dir, "")
	}}
	for i, want := range []int{1, 2, 3, 3} {
		got := r.read(w.clock.Now())
		if reads != want || got.ok != (want > 1) {
			t.Errorf("scrape %d: %d readings, want %d; %+v", i+1, reads, want, got)
		}
		w.clock.Advance(time.Second)
	}
}

// TestNoticesEachChange: in each directory of the spool, and in the unfinished batch. A
// directory that a later version adds has to be looked at, too.
func TestNoticesEachChange(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45, fetch45, fetch45)
	spool := filepath.Join(w.cfg.Dir, "all_api.spool")
	old := time.Now().Add(-time.Hour)
	entries, err := os.ReadDir(spool)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(w.cfg.Dir, "all_api.json"), spool}
	for _, e := range entries {
		switch {
		case !e.IsDir() || e.Name() == "reserve": // which says nothing
		default:
			paths = append(paths, filepath.Join(spool, e.Name()))
		}
	}
	if len(paths) < 5 {
		t.Fatalf("found only %q", paths)
	}
	for _, path := range paths {
		for _, path := range paths {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		before := stampsOf(w.cfg.Dir, "all_api")
		if !slices.Equal(settled(before), stampsOf(w.cfg.Dir, "all_api")) {
			t.Errorf("%s: nothing has changed, and it looks so", path)
		}
		if err := os.Chtimes(path, old, old.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(before, stampsOf(w.cfg.Dir, "all_api")) {
			t.Errorf("a change of %s is not noticed", path)
		}
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
