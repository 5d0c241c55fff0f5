package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// benchHandler returns the page of a stream with 300 fetches.
func benchHandler(b *testing.B) *Handler {
	b.Helper()
	dir := b.TempDir()
	w, err := rotatelog.Open(b.Context(), rotatelog.Config{Dir: dir, Store: storetest.NewMem(), Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	for n := range 300 {
		if _, err := w.Append(b.Context(), fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
	h, err := New(Config{Host: "web1", Streams: []Stream{{Dir: dir}}})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// BenchmarkPage gets the page: anew, as the first one who looks at a changed spool, and as
// others do in the same second.
func BenchmarkPage(b *testing.B) {
	h := benchHandler(b)
	for name, anew := range map[string]bool{"first": true, "again": false} {
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				if anew {
					h.board.mu.Lock()
					h.board.last = nil
					h.board.mu.Unlock()
				}
				answer := httptest.NewRecorder()
				h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
				size = answer.Body.Len()
			}
			b.ReportMetric(float64(size), "B/page")
		})
	}
}

// BenchmarkListeners sends what changes in a second to a hundred.
func BenchmarkListeners(b *testing.B) {
	h := benchHandler(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all []*listener
	for range Listeners {
		l, err := h.board.listen(context.Background(), "all_api")
		if err != nil || l == nil {
			b.Fatal(err)
		}
		all = append(all, l)
	}
	for b.Loop() {
		s := h.board.watched.look()
		h.board.tell(s)
		for _, l := range all {
			for len(l.events) > 0 {
				<-l.events
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapInuse)-float64(before.HeapInuse), "B/listeners")
	for _, l := range all {
		h.board.leave(l)
	}
}
