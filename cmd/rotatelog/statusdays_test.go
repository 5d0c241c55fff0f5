package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog"
)

// keep keeps n fetches on each day from one to another, the last one included.
func (w *world) keep(from, to string, n int) {
	w.t.Helper()
	last, err := rotatelog.ParseDay(to)
	if err != nil {
		w.t.Fatal(err)
	}
	for day, err := rotatelog.ParseDay(from); day.Compare(last) <= 0; day = day.Next() {
		if err != nil {
			w.t.Fatal(err)
		}
		w.waitFor(day.String())
		w.write(n)
	}
	w.touch()
}

func (w *world) object(day string) string {
	return filepath.Join(w.store, "all_api_rotating_logs/all_api_json_log_"+day+".json")
}

// Yesterday is held against what the store has of it, and of the days before.
func TestStatusOfYesterday(t *testing.T) {
	inWorld(t, "2025-07-01", func(w *world) {
		w.set("ROTATELOG_EXPECT", "10:00-10:04")
		w.keep("2025-07-01", "2025-07-08", 4)
		w.keep("2025-07-09", "2025-07-09", 3)
		w.keep("2025-07-10", "2025-07-10", 4)
		w.want(codeFinding, "status-short")
		w.run("verify", "2025-07-09")
		if w.run(); strings.Contains(w.stdout, "verify_old") {
			t.Errorf("after verify:\n%s", w.stdout)
		}
		if err := os.Remove(w.object("2025-07-09")); err != nil {
			t.Fatal(err)
		}
		w.want(codeFinding, "status-missing")
		if w.run("--store="); w.code != codeFinding || !strings.HasPrefix(w.stdout, "all_api  ERROR fetches_short ") {
			t.Errorf("without a store: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("--store=file:///none", "--every=80s"); w.code != codeOK || !strings.Contains(w.stdout, "  not known  what the store has of the days before: ") {
			t.Errorf("the store is not mounted: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// A fetch has as many matches as on the same weekday of the weeks before.
func TestStatusOfUnusualMatches(t *testing.T) {
	inWorld(t, "2025-06-01", func(w *world) {
		for _, day := range []string{"2025-06-04", "2025-06-11", "2025-06-18", "2025-06-25", "2025-07-02", "2025-07-09"} {
			w.waitFor(day)
			w.eachCounts = 45
			if day == "2025-07-09" {
				w.eachCounts = 20
			}
			w.write(3)
		}
		w.keep("2025-07-10", "2025-07-10", 2)
		w.run("--every=8h")
		if w.code != codeFinding || !strings.HasPrefix(w.stdout, "all_api  ERROR matches_unusual ") || !strings.Contains(w.stdout, "had 20.0 matches on average, and usually has 45.0: that\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// A day that is not closed is seen in its metadata, and the next upload closes it.
func TestStatusOfAnOpenDay(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.eachHas = 300_000
		w.write(20) // 6 MB, so that daily_metadata is last
		w.waitFor("2025-07-10")
		w.stdin = `{"n":21}`
		if w.run("append", "--one", "--no-upload"); w.code != codeOK {
			t.Fatalf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.touch()
		if w.run("--every=8h"); w.code != codeFinding || !strings.HasPrefix(w.stdout, "all_api  ERROR day_open ") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.eachHas = 0
		w.write(1)
		w.touch()
		if w.run("--every=8h"); w.code != codeOK || !strings.Contains(w.stdout, "\n  yesterday  complete ") {
			t.Errorf("after upload: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What all days have is estimated, and held against a budget.
func TestStatusOfABudget(t *testing.T) {
	inWorld(t, "2025-07-01", func(w *world) {
		w.keep("2025-07-01", "2025-07-04", 4)
		for day := (rotatelog.Day{Year: 2024, Month: 1, Date: 1}); day.Year < 2025; day = day.Next() { // 366 days
			if err := errors.Join(os.WriteFile(w.object(day.String()), nil, 0o600), os.Truncate(w.object(day.String()), 3_000_000)); err != nil {
				t.Fatal(err)
			}
		}
		for budget, want := range map[string]bool{"100MB": true, "1.05GB": true, "1.15GB": false, "2TiB": false} {
			w.run("status", "--fail-on=warning", "--every=6h", "--storage-budget", budget)
			if got := strings.Contains(w.stdout, "storage_over"); got != want || got != (w.code == codeFinding) {
				t.Errorf("%s: exit code %d\n%s%s", budget, w.code, w.stdout, w.stderr)
			}
		}
		w.wantError(codeUsage, `"much" is no size`, "status", "--storage-budget=much")
		w.wantError(codeUsage, "--key-since", "status", "--key-since=June")
	})
}

// A directory takes days of any size, unless a limit is set.
func TestStatusOfALargeDay(t *testing.T) {
	inWorld(t, "2025-07-01", func(w *world) {
		w.keep("2025-07-01", "2025-07-02", 4)
		if err := os.Truncate(w.object("2025-07-01"), 5<<30); err != nil {
			t.Fatal(err)
		}
		for args, want := range map[string]bool{"--every=6h": false, "--every=6h --day-limit=5TiB": false, "--every=6h --day-limit=5GiB": true} {
			if w.run(strings.Fields(args)...); strings.Contains(w.stdout, "day_large") != want || w.code != codeOK {
				t.Errorf("%s: exit code %d\n%s%s", args, w.code, w.stdout, w.stderr)
			}
		}
	})
}

// A day is asked for by few requests, none of which writes, reads a day or lasts.
func TestStatusAsksTheStore(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	for range 12 {
		w.write(w.dir, 3)
		w.clock.Advance(24*time.Hour - 3*time.Minute)
	}
	w.write(w.dir, 3)
	if err := os.Chtimes(filepath.Join(w.dir, "all_api.json"), w.clock.Now(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	var requests, atOnce, most atomic.Int64
	answer := func(req *http.Request) (*http.Response, error) {
		requests.Add(1)
		if n := atOnce.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer atOnce.Add(-1)
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			t.Errorf("%s %s", req.Method, req.URL)
		}
		answer, err := http.DefaultTransport.RoundTrip(req)
		if err == nil && answer.ContentLength > 10_000 {
			t.Errorf("%s %s is answered with %d bytes", req.Method, req.URL, answer.ContentLength)
		}
		return answer, err
	}
	w.env = func(e *env) { e.Transport = roundTripper(answer) }
	w.ahead.Store(int64(time.Until(w.clock.Now())))
	if w.run("--every=8h"); w.code != codeOK || !strings.HasPrefix(w.stdout, "all_api  WARNING verify_old ") || strings.Contains(w.stdout, "not known") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if n := requests.Load(); n > 16 || most.Load() > 9 { // one of them asks for the time
		t.Errorf("%d requests, %d of them at once", n, most.Load())
	}
}

// A store that does not answer what it is asked does not keep anybody waiting.
func TestStatusOfAStoreThatHangs(t *testing.T) {
	inWorld(t, "2025-07-01", func(w *world) {
		w.keep("2025-07-01", "2025-07-02", 4)
		w.set("ROTATELOG_STORE", "s3://logs?endpoint=https://us-ord-1.linodeobjects.com")
		w.environ = append(w.environ[:2:2], w.environ[3:]...) // and not the directory
		w.set("AWS_ACCESS_KEY_ID", "AKIDTEST")
		w.set("AWS_SECRET_ACCESS_KEY", testSecret)
		w.env = func(e *env) {
			e.Clock = systemClock{}
			e.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("Authorization") == "" { // it is asked for its time
					h := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
					return &http.Response{StatusCode: http.StatusForbidden, Header: h, Body: http.NoBody, Request: req}, nil
				}
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		}
		began := time.Now()
		w.run("--every=12h")
		if took := time.Since(began); took > daysTimeout {
			t.Errorf("it took %v", took)
		}
		if w.code != codeOK || !strings.Contains(w.stdout, "\n  not known  what the store has of the days before: not within 5s\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// The age of a key is that of the file that has it, unless a setting says since when.
func TestStatusOfAnOldKey(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.fetches(2)
		at := func(days int) {
			t.Helper()
			since := o.clock.Now().AddDate(0, 0, -days)
			if err := os.Chtimes(o.file, since, since); err != nil {
				t.Fatal(err)
			}
		}
		at(89)
		o.types(codeOK, "rotatelog", "all_api  OK ")
		at(91)
		o.types(codeOK, "rotatelog", "all_api  WARNING key_old ", "in use for 91 days, since", "  2. put it into", o.file)
		text, err := os.ReadFile(o.file)
		if err != nil {
			t.Fatal(err)
		}
		for since, want := range map[string]string{"2025-06-01": "OK", "2025-03-01": "WARNING key_old"} {
			if err := os.WriteFile(o.file, fmt.Appendf(text, "ROTATELOG_KEY_SINCE=%s\n", since), 0o600); err != nil {
				t.Fatal(err)
			}
			at(91)
			o.types(codeOK, "rotatelog", "all_api  "+want+" ")
		}
		if err := os.WriteFile(o.file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		at(91)
		o.set("AWS_ACCESS_KEY_ID", "AKIDOTHER") // which is not in the file
		o.types(codeOK, "rotatelog", "all_api  OK ")
	})
}
