package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// serve starts serve in the bubble of the world, with a network of its own.
func (w *world) serve(args ...string) *serving {
	w.t.Helper()
	network := newInProcess()
	outer := w.env
	w.env = func(e *env) {
		outer(e)
		e.Listen = network.listen
	}
	defer func() { w.env = outer }()
	r := w.shell.serve(args...)
	r.transport = network.transport()
	return r
}

// minutes appends a fetch each minute.
func (w *world) minutes(n int) {
	w.t.Helper()
	for range n {
		w.fetches(1, nil)
		time.Sleep(time.Minute)
	}
}

// With the page open or not, serve tells what is new as status --notify does: within two
// evaluations of when it is wrong, once, and when it is over.
func TestServeTells(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_EVERY", "1m")
		w.set("ROTATELOG_EXPECT_UPLOAD", "24h")
		w.fetches(1, nil)
		r := w.serve()
		time.Sleep(time.Second)
		w.minutes(5)
		e.want(t, "alive.example heartbeat") // as soon as it runs for five minutes
		time.Sleep(5 * time.Minute)          // of silence, which one evaluation has seen
		e.want(t, "alive.example heartbeat")
		time.Sleep(time.Minute)
		e.want(t, "mail.example ERROR append_stale: all_api")
		time.Sleep(10 * time.Minute)
		e.want(t, "page.example CRITICAL append_stale: all_api", "alive.example heartbeat", "alive.example heartbeat")
		w.minutes(12)
		e.want(t, "mail.example RESOLVED append_stale: all_api", "page.example RESOLVED append_stale: all_api",
			"alive.example heartbeat", "alive.example heartbeat")
		r.end()
		if out := r.out.String(); !strings.HasPrefix(out, "What is wrong is told to webhook mail.example, webhook page.example, heartbeat\nalive.example.\n") ||
			strings.Count(out, "told webhook ") != 4 || strings.Contains(out, "SECRET") || strings.Contains(out, "told heartbeat") || r.err.String() != "" {
			t.Errorf("%s%s", out, r.err.String())
		}
	})
}

// With cron beside it, nothing is told twice, and nothing is left out.
func TestServeBesideCron(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_EVERY", "1m")
		w.fetches(3, nil)
		r := w.serve()
		time.Sleep(10 * time.Second)
		w.notify(7) // of which the first is made before serve judges
		e.want(t, "mail.example ERROR append_stale: all_api", "page.example CRITICAL append_stale: all_api",
			"alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat",
			"alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat")
		r.end()
	})
}

// At eight there is a line about each stream, and one that evaluates beside serve adds none.
func TestServeSaysGoodMorning(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_EXPECT", "10:00-10:20")
		w.fetches(20, nil)
		w.notify(1)
		w.waitUntil("2025-07-10 03:30:00")
		w.run("verify")
		w.waitUntil("2025-07-10 07:50:00")
		r := w.serve()
		w.waitUntil("2025-07-10 08:00:30")
		w.notify(1)
		e.want(t, "alive.example heartbeat", "mail.example good morning", "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat")
		if len(e.text) != 1 || !strings.Contains(e.text[0], "all_api Wed 07/09: complete. 20 fetches, 2 uploads, 900 match records, ") ||
			!strings.HasSuffix(e.text[0], ". Verified. Disk more than 90 d.") {
			t.Errorf("%q", e.text)
		}
		r.end()
	})
}

// Who does not answer holds up neither the page nor the end.
func TestServeWithAReceiverThatHangs(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.listening()
		w.set("ROTATELOG_EVERY", "1m")
		w.fetches(3, nil)
		var asked atomic.Int64
		w.env = func(e *env) {
			e.Clock = systemClock{}
			e.Transport = roundTripper(func(request *http.Request) (*http.Response, error) {
				asked.Add(1)
				<-request.Context().Done()
				return nil, request.Context().Err()
			})
		}
		r := w.serve()
		time.Sleep(6*time.Minute + 5*time.Second) // it is being told
		synctest.Wait()
		before := asked.Load()
		for path, want := range map[string]int{"/": http.StatusOK, "/healthz": http.StatusServiceUnavailable, "/metrics": http.StatusOK, "/api/v1/status": http.StatusOK} {
			began := time.Now()
			if code, _ := r.get(path, nil); code != want || time.Since(began) > 0 {
				t.Errorf("%s: %d after %v", path, code, time.Since(began))
			}
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if after := asked.Load(); after < before+4 || before == 0 {
			t.Errorf("it was told %d times, and then %d times", before, after-before)
		}
		time.Sleep(3 * time.Second)
		began := time.Now()
		if r.end(); time.Since(began) > 0 {
			t.Errorf("it ended after %v", time.Since(began))
		}
		if text := r.err.String(); !strings.Contains(text, "webhook mail.example: no answer within 10s; it is tried again") || strings.Contains(text, "SECRET") {
			t.Errorf("%s", text)
		}
	})
}

// Before the first fetch there is no spool to remember in. That is said once, and told, and
// remembered in the spool as soon as there is one.
func TestServeTellsBeforeTheFirstFetch(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_NAME", "merge,all_api")
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := w.serve()
		time.Sleep(8 * time.Minute)
		e.want(t, "mail.example ERROR not_seen: merge, all_api", "alive.example heartbeat")
		if n := strings.Count(r.err.String(), "remember alerts in"); n != 1 {
			t.Errorf("%s", r.err.String())
		}
		w.name = "all_api"
		w.minutes(3)
		if names, err := filepath.Glob(w.dir + "/*.spool/alerts.json"); err != nil || len(names) != 1 || names[0] != w.dir+"/all_api.spool/alerts.json" {
			t.Errorf("%q, %v", names, err)
		}
		r.end()
	})
}

// What the store cannot be asked for any more is not over.
func TestServeKeepsWhatItCannotAskFor(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_EXPECT", "10:00-10:10")
		w.fetches(10, nil)
		w.waitFor("2025-07-09")
		w.fetches(10, nil)
		w.waitFor("2025-07-10")
		w.fetches(10, nil)
		if err := os.Remove(w.object("2025-07-09")); err != nil {
			t.Fatal(err)
		}
		r := w.serve()
		time.Sleep(8 * time.Minute)
		e.want(t, "mail.example ERROR day_missing: all_api", "alive.example heartbeat")
		if err := os.RemoveAll(w.store); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		e.want(t, "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat")
		r.end()
		r = w.serve() // which knows nothing of the days
		time.Sleep(18 * time.Minute)
		e.want(t, "alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat")
		r.end()
	})
}

// Metrics, page and alerts are made of one look: a fetch shows in all of them a second later,
// and in none before.
func TestServeLooksOnceForAll(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	r := s.serve()
	defer r.end()
	want := func(n string) {
		t.Helper()
		_, page := r.get("/", nil)
		_, metrics := r.get("/metrics", nil)
		_, status := r.get("/api/v1/status", nil)
		if !strings.Contains(page, "#"+n+" today") || !strings.Contains(metrics, "\nrotatelog_unfinished_fetches{stream=\"all_api\"} "+n[1:]+"\n") ||
			!strings.Contains(status, `"fetch_number":`+n) {
			t.Errorf("want %s: %s\n%s", n, metrics, status)
		}
	}
	want("13")
	s.stdin = `{"results":[]}`
	if s.run("append", "--one"); s.code != codeOK {
		t.Fatal(s.stderr)
	}
	if err := os.Chtimes(filepath.Join(s.spoolDir(), "all_api.json"), s.clock.Now(), s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	want("13")
	s.clock.Advance(time.Second)
	want("14")
}

// A receiver that cannot be told is an error at once, and has no secret.
func TestServeRefusesReceivers(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	s.set("ROTATELOG_PAGE", "ntfy:http://ntfy.example/SECRET")
	s.wantError(codeUsage, "ROTATELOG_PAGE in the environment: ntfy ntfy.example would be told in the clear", "serve")
	s.set("ROTATELOG_PAGE", "SECRET")
	s.wantError(codeUsage, "ROTATELOG_PAGE in the environment: receiver 1: it does not begin like", "serve")
	if strings.Contains(s.stderr, "SECRET") {
		t.Error(s.stderr)
	}
}
