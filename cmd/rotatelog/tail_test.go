package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
)

// screen is a terminal's contents. It is safe for concurrent use.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// tailing is a command tail that runs.
type tailing struct {
	stdout, stderr screen
	interrupt      context.CancelFunc
	code           chan int
}

// tail starts tail.
func (w *world) tail(args ...string) *tailing {
	r := &tailing{code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(w.ctx)
	r.interrupt = cancel
	e := env{Args: append([]string{"tail"}, args...), Environ: w.environ, Stdin: strings.NewReader(""), Stdout: &r.stdout, Stderr: &r.stderr, Clock: systemClock{}, Width: 80}
	go func() { r.code <- run(ctx, e) }()
	time.Sleep(tailInterval / 2) // so that it looks between what the test does
	return r
}

// wantEnd interrupts it, and checks what it has printed.
func (r *tailing) wantEnd(t *testing.T, stdout string) {
	t.Helper()
	time.Sleep(tailInterval)
	r.interrupt()
	if code := <-r.code; code != codeInterrupted || r.stdout.String() != stdout || r.stderr.String() != "" {
		t.Errorf("exit code %d, stderr %q\n%s\nwant\n%s", code, r.stderr.String(), r.stdout.String(), stdout)
	}
}

// Beside one process for each fetch, over full batches and midnight, tail prints each
// fetch once.
func TestTailPrintsEachFetchOnce(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		one := func(n int) {
			w.stdin = fmt.Sprintf("{\n  \"n\": %d\n}", n)
			if w.run("append", "--one"); w.code != codeOK {
				t.Fatalf("exit code %d, %s", w.code, w.stderr)
			}
			time.Sleep(time.Minute)
		}
		for n := 1; n <= 12; n++ {
			one(n)
		}
		time.Sleep(time.Until(time.Date(2025, 7, 10, 23, 45, 0, 0, w.zone)))
		all, last, short := w.tail(), w.tail("-n", "5"), w.tail("--short", "--count", "n")
		var want, wantShort strings.Builder
		for n := 13; n <= 35; n++ {
			one(n)
			fmt.Fprintf(&want, "{\"n\":%d}\n", n)
			day, number := "2025-07-10", n
			if n >= 28 {
				day, number = "2025-07-11", n-27
			}
			fmt.Fprintf(&wantShort, "all_api %s #%d: %d matches, 13 bytes\n", day, number, n)
		}
		all.wantEnd(t, want.String())
		last.wantEnd(t, "{\"n\":8}\n{\"n\":9}\n{\"n\":10}\n{\"n\":11}\n{\"n\":12}\n"+want.String())
		short.wantEnd(t, wantShort.String())
	})
}

// Beside a Writer that appends more than it keeps, tail says what it has not seen.
func TestTailSaysWhatItMissed(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(1)
		tail := w.tail()
		cfg := w.config()
		cfg.KeepUploaded, cfg.KeepFor = -1, -1
		wr, err := rotatelog.Open(w.ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer wr.Close()
		if _, err := wr.Append(w.ctx, []byte(`{"n":2}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * tailInterval)
		for n := 3; n <= 40; n++ {
			if _, err := wr.Append(w.ctx, fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := wr.Flush(w.ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until what is confirmed is deleted
		time.Sleep(2 * tailInterval)
		tail.interrupt()
		<-tail.code
		if !strings.HasSuffix(tail.stdout.String(), "{\"n\":40}\n") || !strings.HasPrefix(tail.stdout.String(), "{\"n\":2}\n") ||
			!strings.HasPrefix(tail.stderr.String(), "rotatelog: all_api: fetches #3 to #") {
			t.Errorf("stdout %q, stderr %q", tail.stdout.String(), tail.stderr.String())
		}
	})
}

func TestTailFailures(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.wantError(codeUnreachable, "there is no directory /var/lib/rotatelog (ROTATELOG_DIR in the environment)", "tail")
		w.wantError(codeUsage, "--last: it cannot be negative", "tail", "--last=-1")
		w.environ = nil
		w.wantError(codeUsage, "--dir is not set", "tail")
	})
}
