package dashboard

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A thousand connections want to listen. A hundred may, and the others are told when to come
// again; the page is there for all. Once the server is closed, nobody is left.
func TestThousandListeners(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand connections")
	}
	t.Parallel()
	w := &world{t: t, dir: t.TempDir()}
	h := w.handler(Config{})
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	const all = 1000
	var heard []*bufio.Reader
	refused := 0
	for range all {
		answer, err := client.Get(server.URL + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		switch answer.StatusCode {
		case http.StatusOK:
			heard = append(heard, bufio.NewReader(answer.Body))
		case http.StatusServiceUnavailable:
			text, err := io.ReadAll(answer.Body)
			if refused++; err != nil || string(text) != "too many listen already\n" || answer.Header.Get("Retry-After") != "10" {
				t.Fatalf("%q, %v, %s", text, err, answer.Header)
			}
		}
	}
	if len(heard) != Listeners || refused != all-Listeners {
		t.Errorf("%d listen, and %d were refused", len(heard), refused)
	}
	for i, r := range heard { // of the first and of the last one
		if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
			t.Fatalf("listener %d: %q, %v", i, line, err)
		}
	}
	if answer, err := client.Get(server.URL + "/"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the page: %v, %v", answer, err)
	} else {
		answer.Body.Close()
	}
	server.CloseClientConnections()
	for i, r := range heard {
		if _, err := io.Copy(io.Discard, r); err == nil {
			t.Errorf("listener %d: its connection ended as if the answer were whole", i)
		}
	}
	server.Close() // waits for all requests
	h.board.mu.Lock()
	defer h.board.mu.Unlock()
	if n := len(h.board.listeners); n > 0 {
		t.Errorf("%d listeners are left", n)
	}
}

// A Handler that is mounted twice is one: it shows the same at both places, reads once for
// both, and counts all who listen.
func TestHandlerMountedTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fetches("all_api", 12)
		h := w.handler(Config{})
		mux := http.NewServeMux()
		mux.Handle("/a/", http.StripPrefix("/a", h))
		mux.Handle("/b/c/", http.StripPrefix("/b/c", h))
		if a, b := w.page(mux, "/a/"), w.page(mux, "/b/c/"); a != b {
			t.Error("the pages differ")
		}
		var all []*browser
		for i := range Listeners {
			all = append(all, w.listen(mux, []string{"/a/events", "/b/c/events"}[i%2], nil))
		}
		synctest.Wait()
		for _, path := range []string{"/a/events", "/b/c/events"} {
			if answer := w.get(mux, path); answer.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d", path, answer.Code)
			}
		}
		w.reads.Store(0)
		for range 10 {
			w.touch("all_api")
			time.Sleep(time.Second)
		}
		if n := w.reads.Load(); n < 9 || n > 11 {
			t.Errorf("%d readings in 10 s", n)
		}
		for i, b := range all {
			if n := len(b.events(t)); n < 10 {
				t.Errorf("listener %d: %d events", i, n)
			}
			b.close()
		}
	})
}

// A Writer that is closed while the page has it is one that appends no more: who listens
// goes on to hear what the spool says.
func TestWriterIsClosedWhileSomebodyListens(t *testing.T) {
	inWorld(t, func(w *world) {
		wr := w.open("all_api")
		for range 3 {
			w.append(wr)
			time.Sleep(time.Minute)
		}
		s := w.stream("all_api")
		s.Writer = wr
		h := w.handler(Config{Streams: []Stream{s}})
		var all []*browser
		for range 20 {
			all = append(all, w.listen(h, "/events", nil))
		}
		time.Sleep(3*time.Second + time.Second/2)
		w.touch("all_api")
		if err := wr.Close(); err != nil {
			t.Fatal(err)
		}
		before := w.page(h, "/")
		w.fetches("all_api", 1) // by another
		time.Sleep(2 * time.Second)
		if page := w.page(h, "/"); page == before || !strings.Contains(page, "#4 today") || !strings.Contains(page, "<strong>4 fetches</strong>") {
			t.Errorf("%s", plain(page[strings.Index(page, "<main"):]))
		}
		for i, b := range all {
			events := b.events(t)
			shown := ""
			for _, e := range events {
				if text, ok := e.Parts["fetched"]; ok {
					shown = text
				}
			}
			if !strings.Contains(shown, "#4 today") {
				t.Errorf("listener %d: %d events, and %s", i, len(events), shown)
			}
			b.close()
		}
	})
}
