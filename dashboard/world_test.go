package dashboard

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// world is a machine with streams, and the store of all. Time is that of a bubble.
type world struct {
	t     *testing.T
	dir   string
	store *storetest.Mem
	fault error // of the store
	zone  *time.Location
	reads atomic.Int64 // of spools
	n     int          // fetches
	each  int64
}

// inWorld runs a test in a world in which it is 10 AM in New York on July 10, 2025.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: filepath.Join(t.TempDir(), "rotatelog"), store: storetest.NewMem(), zone: newYork(), each: 45}
		w.waitUntil("2025-07-10 10:00:00")
		test(w)
	})
}

// waitUntil waits until a time in New York.
func (w *world) waitUntil(at string) {
	w.t.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04:05", at, w.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Until(t))
}

// open opens a Writer of a stream.
func (w *world) open(stream string) *rotatelog.Writer {
	w.t.Helper()
	store := &storetest.Faulty{Store: w.store, Fault: func(storetest.Op) storetest.Fault { return storetest.Fault{Err: w.fault} }}
	wr, err := rotatelog.Open(w.t.Context(), rotatelog.Config{Dir: w.dir, Name: stream, Store: store, Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return wr
}

// append appends a fetch.
func (w *world) append(wr *rotatelog.Writer) {
	w.t.Helper()
	w.n++
	fetch := rotatelog.Fetch{Data: fmt.Appendf(nil, `{"score":"FETCHCONTENT %d"}`, w.n), TotalMatches: w.each, ID: fmt.Sprintf("ID%010d", w.n)}
	if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
		w.t.Fatal(err)
	}
}

// fetches appends n fetches, one a minute, each by a Writer of its own, as append --one
// does.
func (w *world) fetches(stream string, n int) {
	w.t.Helper()
	for i := range n {
		if i > 0 {
			time.Sleep(time.Minute)
		}
		wr := w.open(stream)
		w.append(wr)
		wr.Drain(w.t.Context()) // or not
		wr.Close()
		w.touch(stream)
	}
}

// touch gives the local file the time of the bubble, which the disk does not know.
func (w *world) touch(stream string) {
	w.t.Helper()
	if err := os.Chtimes(filepath.Join(w.dir, stream+".json"), time.Now(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// stream returns a stream to show.
func (w *world) stream(name string) Stream {
	return Stream{Name: name, Dir: w.dir, Counted: true, Store: "us-ord-1.linodeobjects.com/sports-json-logs-all",
		inspect: func() (rotatelog.SpoolStatus, error) {
			w.reads.Add(1)
			return rotatelog.Inspect(w.dir, name)
		},
		DiskOf: func(string) (health.Disk, error) {
			return health.Disk{FreeBytes: 61_000_000_000, FreeInodes: -1}, nil
		},
	}
}

// handler returns the page of streams.
func (w *world) handler(cfg Config) *Handler {
	w.t.Helper()
	if cfg.Host == "" {
		cfg.Host = "web1"
	}
	if cfg.Streams == nil {
		cfg.Streams = []Stream{w.stream("all_api")}
	}
	h, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// get returns the answer to a request.
func (w *world) get(h http.Handler, path string) *httptest.ResponseRecorder {
	w.t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

// page returns the page, which must be there.
func (w *world) page(h http.Handler, path string) string {
	w.t.Helper()
	answer := w.get(h, path)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		w.t.Fatalf("%s: %d %s\n%s", path, answer.Code, answer.Header(), answer.Body)
	}
	return answer.Body.String()
}

// golden compares a page, without what is the same on all, with a file.
func (w *world) golden(name, page string) {
	w.t.Helper()
	page = strings.ReplaceAll(page, w.dir, "/var/lib/rotatelog")
	page = strings.NewReplacer(style(), "", script, "", version(), "").Replace(page)
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// refused is what a store says of a key that is no longer good.
func refused() error {
	return fmt.Errorf("%w: the server does not know the access key", errors.Join(rotatelog.ErrPermanent))
}

// lastDays returns what the store says of the n days before today, of which June 20 has no
// object.
func lastDays(today rotatelog.Day, n int) []rotatelog.DayMetadata {
	var all []rotatelog.DayMetadata
	for i := range n {
		day := daysBefore(today, i+1)
		if day == (rotatelog.Day{Year: 2025, Month: 6, Date: 20}) {
			continue
		}
		all = append(all, rotatelog.DayMetadata{Size: 2_610_000_000,
			Totals: rotatelog.Totals{Day: day, Uploads: 144, Fetches: 1440, Matches: 64_801}, Layout: "metadata first"})
	}
	return all
}
