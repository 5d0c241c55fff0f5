package prom

import (
	"io/fs"
	"os"
	"path/filepath"
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
	r := &reader{dir: w.cfg.Dir, name: "all_api", inspect: func(dir, name string) (rotatelog.SpoolStatus, error) {
		inspected++
		return rotatelog.Inspect(dir, name)
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
