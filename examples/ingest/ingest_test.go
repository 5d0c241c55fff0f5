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
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

const archive = "../../../shared/data/openfootball-fetches.ndjson"

// bench is a directory to run the program in.
type bench struct {
	t     *testing.T
	dir   string
	ctx   context.Context
	env   cli.Env
	store []string // the flags that name it
}

func newBench(t *testing.T) *bench {
	clock := clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)) // and there it stays
	b := &bench{t: t, dir: t.TempDir(), ctx: t.Context(), env: cli.Env{Stdin: strings.NewReader(""), Clock: clock}}
	b.store = []string{"-store", "file://" + b.path("store")}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// write writes a file of the bench, and returns its path.
func (b *bench) write(name, content string) string {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

// run runs the program, its spool in "work" and its store in "store", unless b
// has another.
func (b *bench) run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := b.env
	// A busy machine must not fail a test by being slow. Tests about -timeout give
	// their own after this one.
	env.Args = slices.Concat([]string{"-dir", b.path("work"), "-timeout", "1h"}, b.store, args)
	env.Stdout, env.Stderr = &out, &errs
	code = run(b.ctx, env)
	return code, out.String(), strings.ReplaceAll(errs.String(), b.dir+"/", "")
}

// wantRun runs the program and checks everything that it prints. The wanted summary is the
// numbers in it.
func (b *bench) wantRun(code int, summary, stderr string, args ...string) {
	b.t.Helper()
	gotCode, stdout, gotErrs := b.run(args...)
	got := strings.Join(regexp.MustCompile(`(?m)\b\d+\b`).FindAllString(strings.ReplaceAll(stdout, b.dir, ""), -1), " ")
	if gotCode != code || got != summary || gotErrs != stderr {
		b.t.Errorf("ingest %q: code %d, summary %q, want %d, %q\n%s\nstderr %q\nwant   %q", args, gotCode, got, code, summary, stdout, gotErrs, stderr)
	}
}

// totals are the sums over the daily files of a store.
type totals struct{ Days, Uploads, Fetches, Matches int }

// stored returns the totals of the daily files in the directory "store".
func (b *bench) stored() (sum totals) {
	b.t.Helper()
	names, err := filepath.Glob(b.path("store/all_api_rotating_logs/all_api_json_log_*.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			b.t.Fatal(err)
		}
		sum = sum.plus(readDay(b.t, name, content))
	}
	return sum
}

func (a totals) plus(b totals) totals {
	return totals{a.Days + b.Days, a.Uploads + b.Uploads, a.Fetches + b.Fetches, a.Matches + b.Matches}
}

// readDay reads a daily file, as anyone can, and compares its totals with what
// is in it.
func readDay(t *testing.T, name string, content []byte) totals {
	t.Helper()
	var day struct {
		Metadata struct {
			Date    string `json:"date"`
			Uploads int    `json:"total_uploads"`
			Matches int    `json:"total_matches_today"`
			Fetches int    `json:"total_fetches_today"`
		} `json:"daily_metadata"`
		Uploads []struct {
			Matches int `json:"matches_in_upload"`
			Fetches []struct {
				Footer struct {
					Matches int `json:"total_matches"`
				} `json:"FETCH_FOOTER"`
			} `json:"fetch_data"`
		} `json:"uploads"`
	}
	if err := json.Unmarshal(content, &day); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	found := totals{Days: 1, Uploads: len(day.Uploads)}
	for _, u := range day.Uploads {
		matches := 0
		for _, f := range u.Fetches {
			matches += f.Footer.Matches
		}
		if matches != u.Matches {
			t.Errorf("%s: matches_in_upload is %d, want %d", name, u.Matches, matches)
		}
		found.Fetches += len(u.Fetches)
		found.Matches += matches
	}
	if want := (totals{1, day.Metadata.Uploads, day.Metadata.Fetches, day.Metadata.Matches}); found != want ||
		!strings.HasSuffix(name, "_"+day.Metadata.Date+".json") {
		t.Errorf("%s: holds %+v, its metadata says %+v", name, found, day.Metadata)
	}
	return found
}

func (b *bench) wantStored(want totals) {
	b.t.Helper()
	if got := b.stored(); got != want {
		b.t.Errorf("the store holds %+v, want %+v", got, want)
	}
}

// fetch returns a small fetch with n matches.
func fetch(n int) string { return fmt.Sprintf(`{"FETCH_FOOTER":{"total_matches":%d}}`, n) }

// fetches returns n fetches, one a line, with 1, 2, … matches.
func fetches(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(fetch(i+1) + "\n")
	}
	return b.String()
}

func needArchive(t *testing.T) {
	if _, err := os.Stat(archive); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here: it is handed out apart from the code", archive)
	}
}

// days returns a file with the archive, or with the beginning of it, and its totals.
// Each fetch is of a different day.
func days(t *testing.T) (file string, want totals) {
	needArchive(t)
	if depth.Full() {
		return archive, totals{795, 795, 795, 21104}
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	beginning := bytes.SplitAfter(content, []byte("\n"))[:60]
	file = filepath.Join(t.TempDir(), "beginning.ndjson")
	if err := os.WriteFile(file, bytes.Join(beginning, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	want = totals{Days: len(beginning), Uploads: len(beginning), Fetches: len(beginning)}
	for _, line := range beginning {
		var fetch struct {
			Footer struct {
				Matches int `json:"total_matches"`
			} `json:"FETCH_FOOTER"`
		}
		if err := json.Unmarshal(line, &fetch); err != nil {
			t.Fatal(err)
		}
		want.Matches += fetch.Footer.Matches
	}
	return file, want
}

// summary is what ingest says of a run that uploaded all of that.
func (n totals) summary() string {
	return fmt.Sprintf("%d %d %d %d 0 0", n.Fetches, n.Matches, n.Days, n.Uploads)
}

func TestReplayArchive(t *testing.T) {
	b := newBench(t)
	file, want := days(t)
	b.wantRun(cli.OK, want.summary(), "", "-replay", "-flush", file)
	b.wantStored(want)
}

func TestArchiveOnOneDay(t *testing.T) {
	needArchive(t)
	b := newBench(t)
	b.wantRun(cli.OK, "795 21104 1 79 0 5", "", archive)
	left := b.unfinished()
	got := b.stored()
	if got.Days != 1 || got.Uploads != 79 || got.Fetches != 790 || len(left) != 5 {
		t.Errorf("the store holds %+v, and %d fetches are unfinished", got, len(left))
	}
	b.wantRun(cli.OK, "0 0 0 1 0 0", "", "-flush") // nothing to read
	b.wantStored(totals{1, 80, 795, 21104})
}

func (b *bench) unfinished() (left []json.RawMessage) {
	b.t.Helper()
	content, err := os.ReadFile(b.path("work/all_api.json"))
	if err == nil {
		err = json.Unmarshal(content, &left)
	}
	if err != nil {
		b.t.Error(err)
	}
	return left
}

func TestInputs(t *testing.T) {
	three := fetch(1) + fetch(2) + fetch(3)
	for name, content := range map[string]string{
		"lines":            fetches(3),
		"no last newline":  strings.TrimSuffix(fetches(3), "\n"),
		"concatenated":     three,
		"array":            "[" + fetch(1) + ",\n" + fetch(2) + ", " + fetch(3) + "]\n",
		"indented":         strings.ReplaceAll(strings.ReplaceAll(three, ":", " :\n\t"), "{", "{\n\n"),
		"two arrays":       "[" + fetch(1) + "]\n[" + fetch(2) + "," + fetch(3) + "]",
		"byte order mark":  "\uFEFF" + fetches(3),
		"empty and blanks": "\n\n" + strings.ReplaceAll(fetches(3), "\n", "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.wantRun(cli.OK, "3 6 1 0 0 3", "", b.write("in", content))
			b.env.Stdin = strings.NewReader(content)
			b.wantRun(cli.OK, "3 6 1 0 0 6", "")
			b.env.Stdin = strings.NewReader(content)
			b.wantRun(cli.OK, "6 12 1 1 0 2", "", b.path("in"), "-")
			b.wantStored(totals{1, 1, 10, 1 + 2 + 3 + 1 + 2 + 3 + 1 + 2 + 3 + 1})
		})
	}
}

// The unfinished and unconfirmed batches of another run are valid inputs.
func TestReadsItsOwnFiles(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = strings.NewReader(fetches(14))
	b.wantRun(cli.OK, "14 105 1 1 0 4", "")
	uploaded, err := filepath.Glob(b.path("work/all_api.spool/uploaded/*.json"))
	if err != nil || len(uploaded) != 1 {
		t.Fatalf("uploaded: %q, %v", uploaded, err)
	}
	again := newBench(t)
	again.wantRun(cli.OK, "14 105 1 1 0 4", "", uploaded[0], b.path("work/all_api.json"))
}

// The run's own local file would grow while it is read, and what is in its spool goes
// to the store anyway: neither is a valid input.
func TestRefusesItsOwnSpool(t *testing.T) {
	b := newBench(t)
	b.write("store", "a file, so that nothing is uploaded")
	b.env.Stdin = strings.NewReader(fetches(14))
	b.run("-timeout", "0")
	pending, err := filepath.Glob(b.path("work/all_api.spool/pending/*.json"))
	if err != nil || len(pending) != 1 {
		t.Fatalf("pending: %q, %v", pending, err)
	}
	if err := os.Symlink(b.path("work"), b.path("link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{b.path("work/all_api.json"), b.path("link/all_api.json"), pending[0]} {
		code, stdout, stderr := b.run("-timeout", "0", name)
		if code != cli.Failure || !strings.Contains(stdout, "fetches appended        0\n") ||
			!strings.Contains(stderr, ": it is part of the stream in this -dir") {
			t.Errorf("%s: code %d, stdout %q, stderr %q", name, code, stdout, stderr)
		}
	}
}

func TestBadFetches(t *testing.T) {
	b := newBench(t)
	file := b.write("in", strings.Join([]string{
		fetch(1),                   // 1
		`{"a": nonsense}`,          // 2: broken
		`more of it`,               // 3: broken, too
		fetch(2),                   // 4
		`17`,                       // 5: JSON, but no fetch
		`"text" ` + fetch(3),       // 6: no fetch, and one
		`{"a":"` + "\xff" + `"}`,   // 7: not UTF-8
		fetch(4) + ` } ` + "\n",    // 8: one, and a brace too much
		fetch(5) + ` {"cut": "off`, // 10
	}, "\n"))
	code, _, stderr := b.run(file)
	var lines []string
	for line := range strings.Lines(stderr) {
		at, what, _ := strings.Cut(strings.TrimPrefix(line, "ingest: "), ": ")
		if len(what) < 10 {
			t.Errorf("no reason: %q", line)
		}
		lines = append(lines, at)
	}
	want := []string{"in:2", "in:3", "in:5", "in:6", "in:7", "in:8", "in:10"}
	if diff := cmp.Diff(want, lines); diff != "" || code != cli.Failure {
		t.Errorf("code %d, reported %s\n%s", code, diff, stderr)
	}
	var got []int
	for _, f := range b.unfinished() {
		var v struct{ FETCH_FOOTER struct{ Total_matches int } }
		if err := json.Unmarshal(f, &v); err != nil {
			t.Error(err)
		}
		got = append(got, v.FETCH_FOOTER.Total_matches)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, got); diff != "" {
		t.Errorf("kept: %s", diff)
	}
}

// Neither a byte order mark before each line nor a broken value before others on the
// same line loses a fetch.
func TestWhatCanBeKept(t *testing.T) {
	const bom = "\uFEFF"
	b := newBench(t)
	b.wantRun(cli.OK, "3 6 1 0 0 3", "", b.write("marks", bom+fetch(1)+"\n"+bom+fetch(2)+"\r\n"+bom+fetch(3)))
	b.wantRun(cli.Failure, "3 15 1 0 0 6 3 13",
		"ingest: line:1: invalid character 'N' at start of value, 5 bytes into the value; skipped 9 bytes at offset "+fmt.Sprint(len(fetch(4)))+"\n"+
			"ingest: line:1: invalid character 'N' at start of value, 0 bytes into the value; skipped 3 bytes at offset "+fmt.Sprint(2*len(fetch(4))+10)+"\n"+
			"ingest: line:1: invalid character ',' at start of value, 0 bytes into the value; skipped 1 byte at offset "+fmt.Sprint(3*len(fetch(4))+14)+"\n",
		b.write("line", fetch(4)+`{"a":NaN}`+fetch(5)+" NaN "+fetch(6)+","))
}

// TestCompressedInputIsRead: compressed input is read, and other encodings are named.
func TestCompressedInputIsRead(t *testing.T) {
	b := newBench(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, fetches(3)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	b.env.Stdin = bytes.NewReader(packed.Bytes())
	b.wantRun(cli.OK, "6 12 1 0 0 6", "", b.write("in.gz", packed.String()), "-")
	b.wantRun(cli.Failure, "0 0 0 0 0 6", "ingest: in.u16:1: it is UTF-16 text; convert it: iconv -f utf-16 -t utf-8\n",
		b.write("in.u16", "\xff\xfe{\x00}\x00"))
}

func TestBadFetchOnStdin(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = strings.NewReader("\n\n" + `{"FETCH_HEADER":{}}`)
	code, _, stderr := b.run("-replay")
	if code != cli.Failure || !strings.HasPrefix(stderr, "ingest: stdin:3: invalid fetch: ") || !strings.Contains(stderr, "nyc_timestamp") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

// After a bad input the others are still read, and what was read is uploaded.
func TestBadInputDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t)
	b.wantRun(cli.Failure, "4 10 1 2 0 0",
		"ingest: open missing: no such file or directory\n"+
			"ingest: work:1: read work: is a directory\n",
		"-batch", "2", b.path("missing"), b.path("work"), b.write("in", fetches(4)))
	b.wantStored(totals{1, 2, 4, 10})
}

func TestReadError(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = io.MultiReader(strings.NewReader(fetch(7)+"\n"+`{"a`), errReader{errors.New("the disk is gone")})
	b.wantRun(cli.Failure, "1 7 1 0 0 1 1 3", "ingest: stdin:2: the disk is gone; skipped 3 bytes at offset "+fmt.Sprint(len(fetch(7))+1)+"\n")
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestFlagsReachTheWriter(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = strings.NewReader(fetches(5))
	if code, _, stderr := b.run("-name", "merge", "-prefix", "logs/", "-batch", "2", "-verbatim"); code != cli.OK {
		t.Fatalf("code %d, stderr %q", code, stderr)
	}
	if got, err := os.ReadFile(b.path("work/merge.json")); err != nil || !strings.Contains(string(got), fetch(5)) {
		t.Errorf("merge.json is %q, %v", got, err)
	}
	day, err := os.ReadFile(b.path("store/logs/merge_json_log_2025-07-10.json"))
	if err != nil || strings.Count(string(day), `"upload_sequence"`) != 2 {
		t.Errorf("the day's object is %q, %v", day, err)
	}
}

func TestLogOnlyWithV(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = strings.NewReader(fetches(10))
	if _, _, stderr := b.run("-v"); !strings.Contains(stderr, "batch sealed") || !strings.Contains(stderr, "uploaded") {
		t.Errorf("with -v the log is %q", stderr)
	}
}

func TestUnreachableStore(t *testing.T) {
	b := newBench(t)
	b.write("store", "a file, where a directory should be")
	for i, test := range []struct {
		args []string
		code int
	}{
		{nil, cli.OK},
		{[]string{"-flush"}, cli.Failure},
		{[]string{"-timeout", "0"}, cli.OK},
	} {
		b.env.Stdin = strings.NewReader(fetches(10 * (i + 1)))
		code, stdout, stderr := b.run(test.args...)
		waiting := cli.Plural((i+1)*(i+2)/2, "batch waits", "batches wait") + " on disk, in work/all_api.spool/pending; "
		if code != test.code || !strings.Contains(stderr, waiting) ||
			strings.Contains(stderr, "ingest: warning: not everything is in the store: ") != (code == cli.OK) {
			t.Errorf("%q: code %d, stdout %q, stderr %q, want %q", test.args, code, stdout, stderr, waiting)
		}
	}
	if err := os.Remove(b.path("store")); err != nil {
		t.Fatal(err)
	}
	b.wantRun(cli.OK, "0 0 0 6 0 0", "")
	b.wantStored(totals{1, 6, 60, 55 + 210 + 465})
}

// With -timeout 0, there is no warning if nothing waits.
func TestNothingWaitsNoWarning(t *testing.T) {
	b := newBench(t)
	b.env.Stdin = strings.NewReader(fetch(1))
	b.wantRun(cli.OK, "1 1 1 0 0 1", "", "-timeout", "0")
	b.wantRun(cli.OK, "0 0 0 1 0 0", "", "-flush")
	b.wantRun(cli.OK, "0 0 0 0 0 0", "", "-timeout", "0", "-flush")
}

func TestLockedStreamIsAnError(t *testing.T) {
	b := newBench(t)
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: b.path("work"), Store: storetest.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	code, stdout, stderr := b.run()
	if code != cli.Failure || stdout != "" || stderr != "ingest: another process is appending to work/all_api.json; wait until it ends\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// A signal ends the run, though the input is stuck. The summary is still printed.
func TestSignalEndsAStuckRun(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stuck := make(chan struct{})
	defer close(stuck)
	b.ctx = ctx
	b.env.Stdin = io.MultiReader(strings.NewReader(fetch(1)+"\n"), readerFunc(func([]byte) (int, error) {
		for !b.onDisk(1) {
		}
		cancel(errors.New("terminated"))
		<-stuck
		return 0, io.EOF
	}))
	b.wantRun(cli.Failure, "1 1 1 0 0 1", "ingest: interrupted: terminated\n", "-flush")
}

// onDisk reports whether the local file holds n fetches.
func (b *bench) onDisk(n int) bool {
	content, _ := os.ReadFile(b.path("work/all_api.json"))
	var all []json.RawMessage
	return json.Unmarshal(content, &all) == nil && len(all) == n
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A disk error ends the run; here it is that the Writer is closed.
func TestDiskErrorEndsTheRun(t *testing.T) {
	b := newBench(t)
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: b.path("work"), Store: storetest.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	b.env.Stderr = &stderr
	in := &ingest{cmd: &cli.Command{Env: b.env, Name: "ingest"}, w: w, days: map[rotatelog.Day]bool{}}
	rest := strings.NewReader(fetches(2))
	err = in.read(t.Context(), "in", rest)
	if code := in.finish(t.Context(), err); !errors.Is(err, fs.ErrClosed) || code != cli.Failure || in.fetches != 0 ||
		strings.Count(stderr.String(), "ingest: append ") != 1 {
		t.Errorf("err %v, code %d, %d appended, stderr %q", err, code, in.fetches, &stderr)
	}
}

func TestUsage(t *testing.T) {
	b := newBench(t)
	if code, stdout, stderr := b.run("-frobnicate"); code != cli.Usage || stdout != "" || !strings.HasSuffix(stderr, "run with -h for help\n") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, stdout, stderr := b.run("-h"); code != cli.OK || !strings.HasPrefix(stdout, "Usage: ingest ") || stderr != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, err := os.Stat(b.path("work")); err == nil {
		t.Error("it began to work")
	}
}

func TestProgress(t *testing.T) {
	clock := clocktest.New(time.Unix(0, 0))
	var out bytes.Buffer
	p := &progress{out: &out, now: clock.Now, start: clock.Now()}
	clock.Advance(time.Second)
	p.update(10, 2_500_000)
	clock.Advance(refreshRate / 2)
	p.update(11, 3_000_000) // too soon
	fmt.Fprintln(p, "a log line")
	clock.Advance(refreshRate)
	p.update(20, 5_000_000)
	p.clear()
	p.clear() // nothing to clear
	want := "\r\x1b[K10 fetches, 2.5 MB, 10 fetches/s" + "\r\x1b[Ka log line\n" +
		"\r\x1b[K20 fetches, 5.0 MB, 15 fetches/s" + "\r\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNoProgress(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stderr := range []io.Writer{new(bytes.Buffer), file, null} {
		cmd := &cli.Command{Env: cli.Env{Stderr: stderr}}
		p := newProgress(cmd)
		p.update(1, 1)
		p.clear()
		if p != nil || cmd.Stderr != stderr {
			t.Errorf("a progress line for a %T", stderr)
		}
	}
}

func TestProgressOnTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0) // a new one
	if err != nil {
		t.Skipf("no terminal can be made: %v", err)
	}
	defer terminal.Close()
	cmd := &cli.Command{Env: cli.Env{Stderr: terminal}}
	p := newProgress(cmd)
	if p == nil || cmd.Stderr != io.Writer(p) {
		t.Fatal("no progress line for a terminal")
	}
	p.start = p.start.Add(-time.Second)
	p.update(1, 1)
	if !p.visible {
		t.Error("the progress line is not shown")
	}
}
