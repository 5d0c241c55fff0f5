package archive_test

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// world is a store, the machine of a stream, and the time in a bubble, which begins at
// noon on July 10, 2025 in New York.
type world struct {
	t    *testing.T
	mem  *storetest.Mem
	cfg  rotatelog.Config
	zone *time.Location
	n    int // fetches appended

	alike int // besides, that are like each other
}

var day = rotatelog.Day{Year: 2025, Month: time.July, Date: 10}

const noon = "2025-07-10T12:00:00-04:00"

func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start, err := time.Parse(time.RFC3339, noon)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation("America/New_York")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(start))
		w := &world{t: t, mem: storetest.NewMem(), zone: zone}
		w.cfg = rotatelog.Config{Dir: t.TempDir(), Store: w.mem, MaxFetches: 2, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
		test(t, w)
	})
}

// archive returns the days of the stream.
func (w *world) archive() rotatelog.Archive {
	return rotatelog.Archive{Store: w.mem, Name: "all_api", Prefix: "all_api_rotating_logs/", ReadOptions: rotatelog.ReadOptions{Location: w.zone}}
}

// write has a Writer append n fetches, a minute apart, and upload them.
func (w *world) write(n int) {
	w.t.Helper()
	if err := w.tryToWrite(n); err != nil {
		w.t.Fatal(err)
	}
}

// tryToWrite has a Writer append n fetches, and returns why they cannot be uploaded.
func (w *world) tryToWrite(n int) error {
	w.t.Helper()
	wr := w.open()
	defer wr.Close()
	for range n {
		w.append(wr)
	}
	return wr.Flush(w.t.Context())
}

// open opens a Writer.
func (w *world) open() *rotatelog.Writer {
	w.t.Helper()
	wr, err := rotatelog.Open(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return wr
}

// append appends the next fetch, and waits a minute.
func (w *world) append(wr *rotatelog.Writer) {
	w.t.Helper()
	w.appendNow(wr)
	time.Sleep(time.Minute)
}

// appendNow appends the next fetch, which counts as many matches as there are fetches by
// then.
func (w *world) appendNow(wr *rotatelog.Writer) {
	w.t.Helper()
	w.n++
	fetch := rotatelog.Fetch{Data: fmt.Appendf(nil, `{"n":%d,"odds":[1.10,[]],"text":"café \u2028"}`, w.n), TotalMatches: int64(w.n), ID: fmt.Sprintf("ID%010d", w.n)}
	if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
		w.t.Fatal(err)
	}
}

// key returns the key of the one object there is.
func (w *world) key() string {
	w.t.Helper()
	keys := w.mem.Keys()
	keys = slices.DeleteFunc(keys, func(key string) bool { return strings.Contains(key, "/damaged/") })
	if len(keys) != 1 {
		w.t.Fatalf("the store holds %q", keys)
	}
	return keys[0]
}

// edit changes an object, and leaves its metadata.
func (w *world) edit(key string, change func(string) string) {
	w.t.Helper()
	obj, err := w.mem.Stat(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mem.Put(key, []byte(change(string(w.mem.Bytes(key)))), obj.Meta)
}

func (w *world) verify(opts archive.VerifyOptions) archive.Report {
	w.t.Helper()
	r, err := archive.VerifyDay(w.t.Context(), w.archive(), day, opts)
	if err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	return r
}

// codes returns the codes of findings that are no notes.
func codes(r archive.Report) string {
	var all []string
	for _, f := range r.Findings {
		if f.Severity() > archive.Note {
			all = append(all, string(f.Code))
		}
	}
	return strings.Join(all, " ")
}
