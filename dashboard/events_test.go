package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/prom"
)

// event is what the page hears.
type event struct {
	Version, State, Title string
	Parts                 map[string]string
}

// browser listens to events, in a goroutine of its own.
type browser struct {
	http.ResponseWriter
	mu     sync.Mutex
	text   strings.Builder
	code   int
	stuck  chan struct{} // a Write waits for it, unless it is nil
	leave  context.CancelFunc
	done   chan struct{}
	header http.Header
}

func (b *browser) Header() http.Header  { return b.header }
func (b *browser) WriteHeader(code int) { b.code = code }
func (b *browser) Flush()               {}

func (b *browser) Write(p []byte) (int, error) {
	if b.stuck != nil {
		if _, ok := <-b.stuck; !ok {
			return 0, errors.New("connection reset")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// events returns what was heard so far.
func (b *browser) events(t *testing.T) []event {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []event
	for text := range strings.SplitSeq(strings.TrimSuffix(b.text.String(), "\n\n"), "\n\n") {
		var e event
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "data: ")), &e); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, e)
	}
	return all
}

// listen opens a page.
func (w *world) listen(h http.Handler, path string, stuck chan struct{}) *browser {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	b := &browser{code: http.StatusOK, stuck: stuck, leave: cancel, done: make(chan struct{}), header: http.Header{}}
	go func() {
		defer close(b.done)
		h.ServeHTTP(b, httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx))
	}()
	return b
}

// close closes a page.
func (b *browser) close() {
	b.leave()
	<-b.done
}

// What a page shows after some events is what a new one shows: of what happens between, it
// hears what has changed.
func TestEventsSayWhatChanges(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{Streams: []Stream{w.stream("all_api"), w.stream("merge")}})
		b := w.listen(h, "/events?stream=all_api", nil)
		time.Sleep(100 * time.Millisecond)
		first := b.events(t)
		if len(first) != 1 || first[0].State != "unknown" || first[0].Parts["calendar"] == "" {
			t.Fatalf("at first: %+v", first)
		}
		time.Sleep(10 * time.Second)
		w.fetches("merge", 1)
		w.fetches("all_api", 1)
		time.Sleep(2 * time.Second)
		shown := map[string]string{}
		events := b.events(t)
		for i, e := range events {
			if i > 0 && i < 9 && e.Parts["calendar"] != "" {
				t.Errorf("event %d has what did not change", i)
			}
			for id, html := range e.Parts {
				shown[id] = html
			}
		}
		if len(events) < 12 || len(events) > 14 {
			t.Errorf("%d events in 12 s", len(events))
		}
		s, err := h.board.look(w.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for id, html := range h.board.page(s, "all_api").parts {
			if shown[id] != html {
				t.Errorf("%s is %q, want %q", id, shown[id], html)
			}
		}
		if last := events[len(events)-1]; last.State != "ok" || last.Title != "ALL GOOD · rotatelog web1" || !strings.Contains(shown["fetched"], "#13 today") {
			t.Errorf("%+v", last)
		}
		b.close()
	})
}

// However many look and in whatever way, pages, metrics and alerts, there is one reading a
// second in all, and once the last one has left, none.
func TestOneReadingASecond(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		c := prom.New()
		metrics, err := prom.Handler(c)
		if err != nil {
			t.Fatal(err)
		}
		h := w.handler(Config{Metrics: metrics})
		look := func() (health.Facts, error) { return h.Facts(w.t.Context(), "all_api") }
		if err := c.Add(prom.Stream{Name: "all_api", Dir: w.dir, Look: look}); err != nil {
			t.Fatal(err)
		}
		var all []*browser
		for range Listeners {
			all = append(all, w.listen(h, "/events", nil))
		}
		seconds := 60
		for range seconds * 4 {
			w.get(h, "/")
			w.get(h, "/healthz")
			w.get(h, "/api/v1/status")
			if text := w.get(h, "/metrics").Body.String(); !strings.Contains(text, "\nrotatelog_fetches_total{stream=\"all_api\"} 12\n") {
				t.Fatal(text)
			}
			if s, err := h.Snapshot(w.t.Context()); err != nil || s.Streams[0].Facts.Spool.Number != 12 { // as for alerts
				t.Fatal(s, err)
			}
			w.touch("all_api") // as a fetch would
			time.Sleep(time.Second / 4)
		}
		if reads := int(w.reads.Load()); reads < seconds-2 || reads > seconds+1 {
			t.Errorf("%d readings in %d s", reads, seconds)
		}
		for _, b := range all {
			if n := len(b.events(t)); n < seconds-2 {
				t.Errorf("%d events in %d s", n, seconds)
			}
			b.close()
		}
		time.Sleep(2 * time.Second)
		before := w.reads.Load()
		time.Sleep(time.Minute)
		h.board.mu.Lock()
		if reads := w.reads.Load(); reads != before || h.board.loops || len(h.board.pages) > 1 {
			t.Errorf("%d readings with nobody there; %d pages are kept", reads-before, len(h.board.pages))
		}
		h.board.mu.Unlock()
		b := w.listen(h, "/events", nil) // and then somebody comes again
		time.Sleep(5 * time.Second)
		if n := len(b.events(t)); n < 5 {
			t.Errorf("%d events in 5 s", n)
		}
		b.close()
	})
}

// One too many is refused, and gets in as soon as somebody leaves.
func TestListenersAreLimited(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 1)
		h := w.handler(Config{})
		var all []*browser
		for range Listeners {
			all = append(all, w.listen(h, "/events", nil))
		}
		synctest.Wait()
		if answer := w.get(h, "/events"); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s", answer.Code, answer.Header())
		}
		if answer := w.get(h, "/"); answer.Code != http.StatusOK {
			t.Errorf("the page itself: %d", answer.Code)
		}
		all[0].close()
		all[0] = w.listen(h, "/events", nil)
		synctest.Wait()
		if n := len(all[0].events(t)); n != 1 {
			t.Errorf("%d events", n)
		}
		for _, b := range all {
			b.close()
		}
	})
}

// Who does not read is dropped, others do not wait, and what waits for it is bounded.
func TestSlowListenersAreDropped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{})
		stuck := make(chan struct{})
		slow, quick := w.listen(h, "/events", stuck), w.listen(h, "/events", nil)
		time.Sleep(30*time.Second + time.Second/2)
		if n := len(quick.events(t)); n < 30 {
			t.Errorf("%d events for another", n)
		}
		h.board.mu.Lock()
		if len(h.board.listeners) != 1 {
			t.Errorf("%d listeners, want one", len(h.board.listeners))
		}
		h.board.mu.Unlock()
		close(stuck) // as the deadline of writing does
		<-slow.done
		quick.close()
	})
}

// A browser that lost its connection connects again, and shows what it would have shown.
func TestEventsThroughDisconnects(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 1)
		h := w.handler(Config{})
		for n := 2; n < 12; n++ {
			b := w.listen(h, "/events", nil)
			time.Sleep(time.Duration(n) * 700 * time.Millisecond)
			b.close()
			w.fetches("all_api", 1)
			time.Sleep(time.Second)
			b = w.listen(h, "/events", nil)
			synctest.Wait()
			if first := b.events(t)[0]; !strings.Contains(first.Parts["today"], "fetches") || len(first.Parts) < 12 {
				t.Errorf("%+v", first)
			}
			b.close()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		h.board.mu.Lock()
		defer h.board.mu.Unlock()
		if len(h.board.listeners) > 0 || h.board.loops {
			t.Error("somebody is still there")
		}
	})
}

// A disk that hangs costs a goroutine, not one for each who asks; they hear of it.
func TestDiskThatHangs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 1)
		s := w.stream("all_api")
		hangs := make(chan struct{})
		var reads atomic.Int64
		s.inspect = func() (rotatelog.SpoolStatus, error) {
			reads.Add(1)
			<-hangs
			return rotatelog.Inspect(w.dir, "all_api")
		}
		h := w.handler(Config{Streams: []Stream{s}})
		for range 20 {
			if answer := w.get(h, "/healthz"); answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "see whether its disk hangs") {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		}
		b := w.listen(h, "/events", nil)
		<-b.done
		if b.code != http.StatusServiceUnavailable || reads.Load() != 1 {
			t.Errorf("%d, %d readings", b.code, reads.Load())
		}
		close(hangs)
		synctest.Wait()
		if answer := w.get(h, "/healthz"); answer.Code != http.StatusOK {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}

// Who watches has the whole day, though the spool remembers the last 60 fetches only.
func TestWatchSeesTheWholeDay(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 1)
		h := w.handler(Config{})
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error)
		go func() { done <- h.Watch(ctx) }()
		w.fetches("all_api", 150)
		time.Sleep(2 * time.Second)
		s, err := h.board.look(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, b := range s.streams[0].day {
			seen += b.fetches
		}
		if seen != 151 {
			t.Errorf("%d fetches were seen", seen)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A long-lived Writer of the same process shows what one process for each fetch does.
func TestWriterInTheSameProcess(t *testing.T) {
	inWorld(t, func(w *world) {
		wr := w.open("all_api")
		defer wr.Close()
		for range 47 {
			w.append(wr)
			time.Sleep(time.Minute)
		}
		synctest.Wait() // until its state is saved, which is due now
		w.touch("all_api")
		s := w.stream("all_api")
		s.Writer = wr
		with := w.page(w.handler(Config{Streams: []Stream{s}}), "/")
		without := w.page(w.handler(Config{}), "/")
		if with != without || !strings.Contains(with, "<strong>2,115 match records</strong> <strong>47 fetches</strong>") {
			t.Errorf("with the Writer\n%s\nwithout\n%s", with, without)
		}
	})
}

// A spool that cannot be read is not good, whatever was known before.
func TestSpoolThatCannotBeRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{})
		if page := w.page(h, "/"); !strings.Contains(page, "ALL GOOD") {
			t.Error(page)
		}
		if err := os.RemoveAll(w.dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		page := w.page(h, "/")
		if strings.Contains(page, "ALL GOOD") || !strings.Contains(page, "Nothing of all_api was ever put on disk in ") {
			t.Error(page)
		}
	})
}
