package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// world is a machine with a stream, and the directory that is its store. Time is that of
// a bubble.
type world struct {
	*shell
	dir, store string
	zone       *time.Location
	name       string // of the stream that is written
	n          int    // fetches appended
	eachCounts int64  // matches, of those that write appends; 45 unless set
	eachHas    int    // bytes, of those that write appends, at least
	shows      []string
}

// longDir makes a directory whose path is too long for a line, wherever directories for tests
// are and whatever number they get: lines are laid out by it.
func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inWorld runs a test in a world in which it is 10 AM in New York on a day.
func inWorld(t *testing.T, day string, test func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		zone, err := time.LoadLocation("America/New_York")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{shell: newShell(t), dir: filepath.Join(longDir(t), "rotatelog"), store: longDir(t), zone: zone}
		w.env = func(e *env) { e.Clock = systemClock{} }
		w.shows = []string{w.dir, "/var/lib/rotatelog", w.store, "/srv/store"}
		w.replace = strings.NewReplacer(w.shows...)
		w.set("ROTATELOG_DIR", w.dir)
		w.set("ROTATELOG_STORE", "file://"+w.store)
		w.waitFor(day)
		test(w)
	})
}

// waitFor waits until it is 10 AM on a day.
func (w *world) waitFor(day string) {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", day+" 10:00", w.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Until(at))
}

func (w *world) config() rotatelog.Config {
	w.t.Helper()
	store, err := dirstore.Open(w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return rotatelog.Config{Dir: w.dir, Name: w.name, Store: store, Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler)}
}

// write appends n fetches, a minute apart, and uploads them.
func (w *world) write(n int) {
	w.t.Helper()
	wr, err := rotatelog.Open(w.t.Context(), w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	defer wr.Close()
	for range n {
		w.n++
		data := fmt.Appendf(nil, `{"n":%d}`, w.n)
		if w.eachHas > 0 {
			data = fmt.Appendf(nil, `{"n":%d,"text":%q}`, w.n, strings.Repeat("x", w.eachHas))
		}
		fetch := rotatelog.Fetch{Data: data, TotalMatches: cmp.Or(w.eachCounts, 45), ID: fmt.Sprintf("ID%010d", w.n)}
		if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
	if err := wr.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// edit changes the object of a day.
func (w *world) edit(day string, change func(string) string) {
	w.t.Helper()
	file := filepath.Join(w.store, "all_api_rotating_logs/all_api_json_log_"+day+".json")
	text, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		w.t.Fatalf("%s is not changed", file)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// contents returns the names of all files below the store, and their sizes.
func (w *world) contents() string {
	w.t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS(w.store), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, name, info.Size())
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}
