package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog/internal/fakes3"
)

// rotation is a bucket whose key is replaced, and the settings file with the key.
type rotation struct {
	t    *testing.T
	srv  *fakes3.Server
	file string
	dir  string

	mu      sync.Mutex
	atWrite func() // called before a PutObject is answered
	again   bool   // and not only before the next
}

func newRotation(t *testing.T) *rotation {
	r := &rotation{t: t, srv: fakes3.New(fakes3.Options{Profile: fakes3.Linode()}), file: filepath.Join(t.TempDir(), "env"), dir: t.TempDir()}
	r.srv.CreateBucket("logs")
	r.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		r.mu.Lock()
		do := r.atWrite
		if op.Name == "PutObject" && op.Key == july10 {
			if !r.again {
				r.atWrite = nil
			}
		} else {
			do = nil
		}
		r.mu.Unlock()
		if do != nil {
			do()
		}
		return fakes3.Fault{}
	}
	r.revoke("first")
	r.edit("first")
	return r
}

// revoke has the server take this key only.
func (r *rotation) revoke(key string) { r.srv.SetKey(key, "secret-"+key) }

// edit puts a key into the settings file.
func (r *rotation) edit(key string) {
	text := fmt.Sprintf("ROTATELOG_DIR=%s\nROTATELOG_STORE=s3://logs?endpoint=https://us-ord-1.linodeobjects.com&region=us-east-1\n"+
		"AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=secret-%[2]s\n", r.dir, key)
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Error(err)
	}
}

// duringWrite does something before the next write to the day's object is answered.
func (r *rotation) duringWrite(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.atWrite = do
}

// duringEach does something before each write to the day's object is answered.
func (r *rotation) duringEach(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.atWrite, r.again = do, true
}

// env returns the environment of a run.
func (r *rotation) env(stdin io.Reader, stdout, stderr io.Writer, args ...string) env {
	return env{Args: append(args, "--config", r.file), Stdin: stdin, Stdout: stdout, Stderr: stderr,
		Clock: systemClock{}, Transport: fakes3.Transport(r.srv), Width: 80}
}

// begin waits until it is 10 AM in New York on 10 July 2025.
func (r *rotation) begin() time.Time {
	begin := time.Date(2025, 7, 10, 14, 0, 0, 0, time.UTC)
	time.Sleep(time.Until(begin))
	return begin
}

// rotate does with the key what is due after a minute's fetch: it is replaced between two
// uploads; during one; and, as at 3 am, revoked some minutes before the file has another.
func (r *rotation) rotate(minute int) {
	switch minute {
	case 13:
		r.revoke("second")
		r.edit("second")
	case 19:
		r.duringWrite(func() { r.revoke("third"); r.edit("third") })
	case 25:
		r.revoke("fourth")
	case 33:
		r.edit("fourth")
	}
}

// wantLog checks that each fetch was on disk in its minute, and each batch in the bucket
// in the minute in which it was full; but for the third, which waits for the edit.
func (r *rotation) wantLog(log string, minutes int) {
	r.t.Helper()
	var fetches, uploads []string
	line := regexp.MustCompile(`(?m)^07/10/2025 (\d\d:\d\d):\d\d AM EDT all_api (?:#(\d+): 1 match|upload (\d+): 10 fetches)`)
	for _, m := range line.FindAllStringSubmatch(log, -1) {
		if m[2] != "" {
			fetches = append(fetches, m[1]+" "+m[2])
		} else {
			uploads = append(uploads, m[1]+" "+m[3])
		}
	}
	var wantFetches []string
	for n := 1; n <= minutes; n++ {
		wantFetches = append(wantFetches, fmt.Sprintf("10:%02d %d", n, n))
	}
	if !slices.Equal(fetches, wantFetches) {
		r.t.Errorf("on disk are %q", fetches)
	}
	if want := []string{"10:10 1", "10:20 2", "10:34 3", "10:40 4"}; !slices.Equal(uploads, want) {
		r.t.Errorf("uploaded are %q, want %q\n%s", uploads, want, log)
	}
	content, _, _ := r.srv.Object("logs", july10)
	next := 1
	for _, upload := range uploadsIn(r.t, content) {
		for _, n := range upload {
			if n != next {
				r.t.Errorf("the object has %d where %d should be", n, next)
			}
			next++
		}
	}
	if next != 41 {
		r.t.Errorf("the object ends before %d", next)
	}
}

func onePerMinute(n int) string {
	return fmt.Sprintf(`{"FETCH_HEADER":{"fetch_number":%d},"FETCH_FOOTER":{"total_matches":1}}`, n)
}

// A key that is replaced under load costs no fetch and no minute: one process for each
// fetch.
func TestKeyIsRotatedUnderProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t)
		begin := r.begin()
		var stdout, stderr strings.Builder
		for n := 1; n <= 44; n++ {
			time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Minute)))
			e := r.env(strings.NewReader(onePerMinute(n)), &stdout, &stderr, "append", "--one", "--wait", "20s")
			if code := run(t.Context(), e); code != codeOK {
				t.Errorf("minute %d: exit code %d", n, code)
			}
			r.rotate(n)
		}
		r.wantLog(stdout.String(), 44)
		for line := range strings.Lines(stderr.String()) {
			if !strings.Contains(line, " 1 batch (10 fetches, ") || !strings.Contains(line, "(InvalidAccessKeyId)") {
				t.Errorf("it says %s", line)
			}
		}
		if lines := strings.Count(stderr.String(), "\n"); lines != 4 { // of minutes 30 to 33
			t.Errorf("%d lines are about the key:\n%s", lines, stderr.String())
		}
	})
}

// The same with one process that reads a fetch each minute. It tries a refused key again
// each minute, and so notices the new one.
func TestKeyIsRotatedUnderOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t)
		begin := r.begin()
		stdin, feed := io.Pipe()
		var stdout, stderr screen
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		code := make(chan int)
		go func() { code <- run(ctx, r.env(stdin, &stdout, &stderr, "append", "--wait", "20s")) }()
		for n := 1; n <= 44; n++ {
			time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Minute)))
			if _, err := io.WriteString(feed, onePerMinute(n)+"\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			r.rotate(n)
		}
		feed.Close()
		if c := <-code; c != codeOK {
			t.Errorf("exit code %d", c)
		}
		r.wantLog(stdout.String(), 44)
		if log := stderr.String(); !strings.Contains(log, "10:30:00 AM EDT all_api: nothing can be uploaded; fetches are kept on disk: the server does not know the access key") ||
			strings.Count(log, "\n") != 1 {
			t.Errorf("it says %s", log)
		}
	})
}

// An upload that takes long ends by --wait only if nothing moves: here three writes, of ten
// batches at most, take longer together.
func TestUploadWaitsForWhatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t)
		r.begin()
		var stdout, stderr strings.Builder
		run(t.Context(), r.env(strings.NewReader(strings.Repeat(onePerMinute(1), 250)), &stdout, &stderr, "append", "--no-upload"))
		begin := time.Now()
		r.duringEach(func() { time.Sleep(25 * time.Second) })
		code := run(t.Context(), r.env(strings.NewReader(""), &stdout, &stderr, "upload", "--wait", "40s"))
		if took := time.Since(begin); code != codeOK || !strings.Contains(stdout.String(), "25 batches sent, nothing waits\n") || took < 75*time.Second {
			t.Errorf("exit code %d after %v\n%s%s", code, took, stdout.String(), stderr.String())
		}
		run(t.Context(), r.env(strings.NewReader(strings.Repeat(onePerMinute(1), 10)), &stdout, &stderr, "append", "--no-upload"))
		r.duringEach(func() { time.Sleep(time.Hour) })
		begin = time.Now()
		code = run(t.Context(), r.env(strings.NewReader(""), &stdout, &stderr, "upload", "--wait", "40s"))
		if took := time.Since(begin); code != codeFinding || took != 40*time.Second || !strings.Contains(stderr.String(), "1 batch (10 fetches, ") {
			t.Errorf("exit code %d after %v\n%s", code, took, stderr.String())
		}
		time.Sleep(2 * time.Hour) // until the server has ended, too
	})
}
