package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/storetest"
)

// TestMain lets the tests run the program in separate processes.
func TestMain(m *testing.M) {
	if os.Getenv("ONESHOT_TEST") == "run" {
		main()
	}
	os.Exit(m.Run())
}

func fetch(n int) string {
	return fmt.Sprintf(`{"FETCH_HEADER":{"fetch_number":%d,"nyc_timestamp":"07/10/2025 03:45:22 PM EDT"},"FETCH_FOOTER":{"total_matches":%d}}`, n, n)
}

// runOnce runs the program in this process, at noon.
func runOnce(t *testing.T, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	return runWith(t, nil, dir, stdin, append([]string{"-store", "file://" + filepath.Join(dir, "store")}, args...)...)
}

// runWith is runOnce with the given environment and store.
func runWith(t *testing.T, getenv func(string) string, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(t.Context(), cli.Env{
		Args:  append([]string{"-dir", filepath.Join(dir, "work")}, args...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: getenv,
		Clock: clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)),
	})
	return code, out.String(), strings.ReplaceAll(errs.String(), dir+"/", "")
}

// TestCompressedInputIsRead: compressed input is read, and other encodings are named.
func TestCompressedInputIsRead(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, fetch(5)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := runOnce(t, dir, packed.String()); code != cli.OK || !strings.Contains(stdout, ": 5 matches, 1 of 10\n") || stderr != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	const want = "oneshot: standard input: it is UTF-16 text; convert it: iconv -f utf-16 -t utf-8\n"
	if code, stdout, stderr := runOnce(t, dir, "\xff\xfe{\x00}\x00"); code != cli.Failure || stdout != "" || stderr != want {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// stored returns the numbers of the fetches in each upload of the day.
func stored(t *testing.T, dir string) (uploads [][]int) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "store/all_api_rotating_logs/all_api_json_log_2025-07-10.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return uploadsIn(t, content)
}

func uploadsIn(t *testing.T, content []byte) (uploads [][]int) {
	t.Helper()
	var day struct {
		Uploads []struct {
			Fetches []json.RawMessage `json:"fetch_data"`
		} `json:"uploads"`
	}
	if err := json.Unmarshal(content, &day); err != nil {
		t.Fatal(err)
	}
	for _, u := range day.Uploads {
		uploads = append(uploads, numbers(t, u.Fetches))
	}
	return uploads
}

func numbers(t *testing.T, fetches []json.RawMessage) (all []int) {
	t.Helper()
	for _, f := range fetches {
		var v struct {
			Header struct {
				Number int `json:"fetch_number"`
			} `json:"FETCH_HEADER"`
		}
		if err := json.Unmarshal(f, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v.Header.Number)
	}
	return all
}

func unfinished(t *testing.T, dir string) []int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "work/all_api.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fetches []json.RawMessage
	if err := json.Unmarshal(content, &fetches); err != nil {
		t.Fatal(err)
	}
	return numbers(t, fetches)
}

func TestTenRunsMakeAnUpload(t *testing.T) {
	dir := t.TempDir()
	for n := 1; n <= 12; n++ {
		code, stdout, stderr := runOnce(t, dir, fetch(n)+"\n")
		want := fmt.Sprintf("2025-07-10 #%d: %d matches, %d of 10\n", n, n, (n-1)%10+1)
		if code != cli.OK || stdout != want || stderr != "" {
			t.Fatalf("run %d: code %d, stdout %q, want %q, stderr %q", n, code, stdout, want, stderr)
		}
	}
	if got := fmt.Sprint(stored(t, dir), unfinished(t, dir)); got != "[[1 2 3 4 5 6 7 8 9 10]] [11 12]" {
		t.Errorf("stored and unfinished: %s", got)
	}
	if code, _, stderr := runOnce(t, dir, fetch(13), "-flush"); code != cli.OK || stderr != "" {
		t.Errorf("-flush: code %d, stderr %q", code, stderr)
	}
	if got := fmt.Sprint(stored(t, dir), unfinished(t, dir)); got != "[[1 2 3 4 5 6 7 8 9 10] [11 12 13]] []" {
		t.Errorf("after -flush, stored and unfinished: %s", got)
	}
}

// A day keeps the compression of its first upload.
func TestDayKeepsItsCompression(t *testing.T) {
	dir := t.TempDir()
	for n := 1; n <= 4; n++ {
		compress := "gzip"
		if n > 2 {
			compress = "zstd"
		}
		if code, _, stderr := runOnce(t, dir, fetch(n), "-batch", "2", "-compress", compress); code != cli.OK || stderr != "" {
			t.Fatalf("run %d: code %d, stderr %q", n, code, stderr)
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, "store/all_api_rotating_logs/*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "all_api_json_log_2025-07-10.json.gz" {
		t.Fatalf("%q, %v", names, err)
	}
	f, err := os.Open(names[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if got := fmt.Sprint(uploadsIn(t, content)); err != nil || got != "[[1 2] [3 4]]" {
		t.Errorf("stored %s, %v", got, err)
	}
}

// Of thirty concurrent processes none is refused, and nothing is lost or stored
// twice.
func TestOverlappingProcessesLoseNothing(t *testing.T) {
	const processes = 30
	dir := t.TempDir()
	var all sync.WaitGroup
	for n := range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-replay", "-timeout", "5m",
				"-dir", filepath.Join(dir, "work"), "-store", "file://"+filepath.Join(dir, "store"))
			cmd.Env = append(os.Environ(), "ONESHOT_TEST=run")
			cmd.Stdin = strings.NewReader(fetch(n))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "2025-07-10 #") {
				t.Errorf("process %d: %v: %s", n, err, out)
			}
		})
	}
	all.Wait()

	uploads := stored(t, dir)
	for i, u := range uploads {
		if len(u) != 10 {
			t.Errorf("upload %d has %d fetches", i+1, len(u))
		}
	}
	got := slices.Sorted(slices.Values(slices.Concat(uploads...)))
	var want []int
	for n := range processes {
		want = append(want, n)
	}
	if len(uploads) != 3 || !slices.Equal(got, want) {
		t.Errorf("%d uploads with %v, want 3 with each of %d fetches once", len(uploads), got, processes)
	}
	if left := unfinished(t, dir); len(left) > 0 {
		t.Errorf("unfinished: %v", left)
	}
}

func TestNotOneFetch(t *testing.T) {
	for name, test := range map[string]struct{ stdin, want string }{
		"nothing":  {"", "oneshot: standard input: there is no fetch\n"},
		"blank":    {" \r\n\t\n", "oneshot: standard input: there is no fetch\n"},
		"two":      {fetch(1) + "\n" + fetch(2), "invalid fetch"},
		"an array": {"[" + fetch(1) + "]", "invalid fetch"},
		"a number": {"17", "invalid fetch"},
		"cut off":  {`{"a":"b`, "invalid fetch"},
		"garbage":  {fetch(1) + "x", "invalid fetch"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			code, stdout, stderr := runOnce(t, dir, test.stdin, "-flush")
			if code != cli.Failure || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("code %d, stdout %q, stderr %q, want %q", code, stdout, stderr, test.want)
			}
			if got := stored(t, dir); got != nil {
				t.Errorf("stored: %v", got)
			}
		})
	}
}

// A fetch that never ends is neither waited for nor held in memory.
func TestEndlessFetchIsRefused(t *testing.T) {
	var errs bytes.Buffer
	dir := t.TempDir()
	code := run(t.Context(), cli.Env{Args: []string{"-dir", dir, "-store", "file://" + dir + "/store"},
		Stdin: endless{}, Stdout: new(bytes.Buffer), Stderr: &errs})
	if code != cli.Failure || !strings.Contains(errs.String(), "MaxFetchBytes") {
		t.Errorf("code %d, stderr %q", code, &errs)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '{'
	}
	return len(p), nil
}

func TestUnreachableStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := runOnce(t, dir, fetch(1), "-batch", "2"); code != cli.OK || stderr != "" {
		t.Errorf("with nothing to upload: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr := runOnce(t, dir, fetch(2), "-batch", "2")
	if code != cli.OK || !strings.HasSuffix(stdout, "2 of 2\n") ||
		!strings.Contains(stderr, "oneshot: warning: not everything is in the store: ") ||
		!strings.Contains(stderr, "1 batch waits on disk, in work/all_api.spool/pending; ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr := runOnce(t, dir, fetch(3), "-batch", "2", "-flush"); code != cli.Failure || !strings.Contains(stderr, "2 batches wait") {
		t.Errorf("-flush: code %d, stderr %q", code, stderr)
	}
	if err := os.Remove(filepath.Join(dir, "store")); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runOnce(t, dir, fetch(4), "-batch", "2"); code != cli.OK || stderr != "" {
		t.Errorf("when it is back: code %d, stderr %q", code, stderr)
	}
	if got := fmt.Sprint(stored(t, dir), unfinished(t, dir)); got != "[[1 2] [3]] [4]" {
		t.Errorf("stored and unfinished: %s", got)
	}
}

func TestLockedStreamIsAnError(t *testing.T) {
	dir := t.TempDir()
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: filepath.Join(dir, "work"), Store: storetest.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	code, stdout, stderr := runOnce(t, dir, fetch(1), "-timeout", "0")
	if code != cli.Failure || stdout != "" || stderr != "oneshot: another process is appending to work/all_api.json; wait until it ends\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated"))
	var errs bytes.Buffer
	dir := t.TempDir()
	code := run(ctx, cli.Env{Args: []string{"-dir", dir, "-store", "file://" + dir + "/store"},
		Stdin: endless{}, Stdout: new(bytes.Buffer), Stderr: &errs})
	if code != cli.Failure || errs.String() != "oneshot: standard input: terminated\n" {
		t.Errorf("code %d, stderr %q", code, &errs)
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"file.json"}, {"-batch", "0"}, {"-compress", "lz4"}, {"-nope"}} {
		code, stdout, stderr := runOnce(t, dir, fetch(1), args...)
		if code != cli.Usage || stdout != "" || !strings.HasPrefix(stderr, "oneshot: ") || !strings.HasSuffix(stderr, "\nrun with -h for help\n") {
			t.Errorf("%q: code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := runOnce(t, dir, "", "-h"); code != cli.OK || !strings.HasPrefix(stdout, "Usage: oneshot ") || stderr != "" {
		t.Errorf("-h: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "work")); err == nil {
		t.Error("it began to work")
	}
}
