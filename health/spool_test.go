package health_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

// world is a spool on this machine's disk, for which a Writer is opened for each fetch.
type world struct {
	*testing.T
	dir   string
	clock *clocktest.Clock
	mem   *storetest.Mem
	fault storetest.Fault // of each request
}

const dayKey = "all_api_rotating_logs/all_api_json_log_2025-07-10.json"

func newWorld(t *testing.T) *world {
	return &world{T: t, dir: t.TempDir(), mem: storetest.NewMem(), clock: clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC))}
}

// append appends a fetch, in a process of its own, and tries to upload what waits.
func (w *world) append(fetch string) {
	w.Helper()
	store := &storetest.Faulty{Store: w.mem, Fault: func(storetest.Op) storetest.Fault { return w.fault }}
	writer, err := rotatelog.Open(w.Context(), rotatelog.Config{Dir: w.dir, Store: store, Clock: w.clock, MaxFetches: 1, KeepFor: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.Fatal(err)
	}
	writer.Append(w.Context(), []byte(fetch)) // which may be refused
	if err := writer.Drain(w.Context()); err != nil && !errors.Is(err, rotatelog.ErrPermanent) {
		w.Error(err)
	}
	if err := writer.Close(); err != nil {
		w.Error(err)
	}
}

// fetches appends good fetches, a minute apart.
func (w *world) fetches(n int) {
	w.Helper()
	for range n {
		w.append(`{"FETCH_FOOTER":{"total_matches":45}}`)
		w.clock.Advance(time.Minute)
	}
}

// evaluate says what is wrong by the spool alone. The times of files are not this clock's,
// and so newer than it: that says nothing.
func (w *world) evaluate() []health.Finding {
	w.Helper()
	s, err := rotatelog.Inspect(w.dir, "")
	if err != nil {
		w.Fatal(err)
	}
	return health.Evaluate(health.Facts{Now: w.clock.Now(), Spool: s}, health.Options{})
}

// want wants one finding.
func (w *world) want(code health.Code, severity health.Severity) {
	w.Helper()
	if found := w.evaluate(); len(found) != 1 || found[0].Code != code || found[0].Severity != severity {
		w.Errorf("%v\nwant %s, %v", found, code, severity)
	}
}

// TestFindingsFromSpool provokes what a spool can say, with one process for each fetch: no
// process that could remember anything.
func TestFindingsFromSpool(t *testing.T) {
	for name, provoke := range map[health.Code]func(w *world){
		health.AppendStale: func(w *world) {
			w.clock.Advance(4 * time.Minute) // and one since the last fetch
			w.want(health.AppendStale, health.Error)
		},
		health.AppendInvalid: func(w *world) {
			for range 3 {
				w.append("<html>")
			}
			w.want(health.AppendInvalid, health.Error)
		},
		health.Uncounted: func(w *world) {
			for range 7 {
				w.append(`{"FETCH_FOOTER":{"total_matches":"many"}}`)
			}
			w.want(health.Uncounted, health.Error)
		},
		health.UploadRefused: func(w *world) {
			w.fault = storetest.Fault{Err: fmt.Errorf("%w: 403 InvalidAccessKeyId", rotatelog.ErrPermanent)}
			w.fetches(5)
			w.wantNothing()
			w.fetches(1)
			w.want(health.UploadRefused, health.Error)
			w.fault = storetest.Fault{}
			w.fetches(1)
			w.wantNothing()
		},
		health.UploadsGone: func(w *world) {
			w.mem.Delete(dayKey)
			w.fetches(1)
			w.want(health.UploadsGone, health.Critical) // two of twelve are no longer in the spool
		},
		health.Corrupt: func(w *world) {
			w.mem.Put(dayKey, []byte("<html>"), nil)
			w.fetches(1)
			w.want(health.Corrupt, health.Critical)
		},
		health.Repaired: func(w *world) {
			if err := os.Remove(filepath.Join(w.dir, "all_api.json")); err != nil {
				w.Fatal(err)
			}
			w.fetches(1)
			w.want(health.Repaired, health.Warning)
		},
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fetches(12)
			w.wantNothing()
			provoke(w)
		})
	}
}

func (w *world) wantNothing() {
	w.Helper()
	if found := w.evaluate(); len(found) > 0 {
		w.Errorf("%v, want nothing", found)
	}
}

// TestSummaryFromSpool: what status prints is known without a process that runs.
func TestSummaryFromSpool(t *testing.T) {
	w := newWorld(t)
	w.fetches(12)
	s, err := rotatelog.Inspect(w.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	got := health.Summarize(health.Facts{Now: w.clock.Now(), Spool: s}, health.Options{BatchSize: 1})
	if got.Fetched.Number != 12 || got.Fetched.Matches != 45 || w.clock.Now().Sub(got.Fetched.Last) != time.Minute {
		t.Errorf("%+v", got.Fetched)
	}
	if got.Uploaded.Uploads != 12 || got.Uploaded.Fetches != 12 || got.Uploaded.Matches != 12*45 || got.Waiting.Batches != 0 {
		t.Errorf("%+v, %+v", got.Uploaded, got.Waiting)
	}
}
