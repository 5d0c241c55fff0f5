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
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

// footballFetches is real data.
const footballFetches = "../../../shared/data/openfootball-fetches.ndjson"

// bench is a directory to run append in, at noon: its spool is in "work", and its store
// in "store".
type bench struct {
	*shell
	dir   string
	store []string // the flags that name it
}

func newBench(t *testing.T) *bench {
	b := &bench{shell: newShell(t), dir: t.TempDir()}
	b.replace = strings.NewReplacer(b.dir+"/", "", "07/10/2025 12:47:03 PM EDT all_api: ", "")
	b.store = []string{"--store", "file://" + b.path("store")}
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

// append runs append.
func (b *bench) append(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	b.command("append", args...)
	return b.code, b.stdout, b.stderr
}

// command runs a command with the directory and the store of the bench.
func (b *bench) command(name string, args ...string) {
	b.t.Helper()
	// A busy machine must not fail a test by being slow. Tests about --wait give their
	// own after this one.
	b.run(slices.Concat([]string{name, "--dir", b.path("work"), "--wait", "1h"}, b.store, args)...)
}

var (
	fetchLine  = regexp.MustCompile(`(?m)^07/10/2025 12:47:03 PM EDT (?:all_api|merge) (\d{4}-\d\d-\d\d )?#\d+: ([\d,]+) match(?:es)?, \d+ of \d+`)
	uploadLine = regexp.MustCompile(`(?m)^07/10/2025 12:47:03 PM EDT all_api (?:\d{4}-\d\d-\d\d )?upload \d+: \d+ fetch`)
	skipLine   = regexp.MustCompile(`(?m); skipped ([\d,]+) bytes? at offset`)
)

// outcome returns what the last run has printed, and what is in the spool: fetches
// appended, their matches, their days, uploads, batches that wait, fetches of the
// unfinished batch and, if there are any, the stretches skipped and the bytes in them.
func (b *bench) outcome() string {
	b.t.Helper()
	days := map[string]bool{}
	found := fetchLine.FindAllStringSubmatch(b.stdout, -1)
	for _, m := range found {
		days[m[1]] = true
	}
	status, err := rotatelog.Inspect(b.path("work"), "all_api")
	if err != nil {
		b.t.Fatal(err)
	}
	text := fmt.Sprint(len(found), sumOf(b.t, found, 2), len(days), len(uploadLine.FindAllString(b.stdout, -1)), len(status.Pending), status.Unfinished.Fetches)
	if skipped := skipLine.FindAllStringSubmatch(b.stderr, -1); len(skipped) > 0 {
		text += " " + fmt.Sprint(len(skipped), sumOf(b.t, skipped, 1))
	}
	return text
}

// sumOf returns the sum of the nth groups of matches, which are numbers.
func sumOf(t *testing.T, matches [][]string, n int) (sum int) {
	t.Helper()
	for _, m := range matches {
		i, err := strconv.Atoi(strings.ReplaceAll(m[n], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		sum += i
	}
	return sum
}

// wantAppend runs append and checks the outcome.
func (b *bench) wantAppend(code int, outcome, stderr string, args ...string) {
	b.t.Helper()
	b.append(args...)
	if got := b.outcome(); b.code != code || got != outcome || b.stderr != stderr {
		b.t.Errorf("append %q: code %d, outcome %q, want %d, %q\n%s\nstderr %q\nwant   %q", args, b.code, got, code, outcome, b.stdout, b.stderr, stderr)
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
	if _, err := os.Stat(footballFetches); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here: it is handed out apart from the code", footballFetches)
	}
}

// football returns a file with the archive, or with the beginning of it, and its totals.
// Each fetch is of a different day.
func football(t *testing.T) (file string, want totals) {
	needArchive(t)
	if depth.Full() {
		return footballFetches, totals{795, 795, 795, 21104}
	}
	content, err := os.ReadFile(footballFetches)
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

// outcome is that of a run that uploaded all of that.
func (n totals) outcome() string {
	return fmt.Sprintf("%d %d %d %d 0 0", n.Fetches, n.Matches, n.Days, n.Uploads)
}

func TestReplayArchive(t *testing.T) {
	b := newBench(t)
	file, want := football(t)
	b.wantAppend(codeOK, want.outcome(), "", "--replay", "--flush", file)
	b.wantStored(want)
}

func TestArchiveOnOneDay(t *testing.T) {
	needArchive(t)
	b := newBench(t)
	b.wantAppend(codeOK, "795 21104 1 79 0 5", "", footballFetches)
	left := b.unfinished()
	got := b.stored()
	if got.Days != 1 || got.Uploads != 79 || got.Fetches != 790 || len(left) != 5 {
		t.Errorf("the store holds %+v, and %d fetches are unfinished", got, len(left))
	}
	b.wantUpload(codeOK, "0 0 0 1 0 0", "--partial")
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
			b.wantAppend(codeOK, "3 6 1 0 0 3", "", b.write("in", content))
			b.in = strings.NewReader(content)
			b.wantAppend(codeOK, "3 6 1 0 0 6", "")
			b.in = strings.NewReader(content)
			b.wantAppend(codeOK, "6 12 1 1 0 2", "", b.path("in"), "-")
			b.wantStored(totals{1, 1, 10, 1 + 2 + 3 + 1 + 2 + 3 + 1 + 2 + 3 + 1})
		})
	}
}

// The unfinished and unconfirmed batches of another run are valid inputs.
func TestReadsItsOwnFiles(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(fetches(14))
	b.wantAppend(codeOK, "14 105 1 1 0 4", "")
	uploaded, err := filepath.Glob(b.path("work/all_api.spool/uploaded/*.json"))
	if err != nil || len(uploaded) != 1 {
		t.Fatalf("uploaded: %q, %v", uploaded, err)
	}
	again := newBench(t)
	again.wantAppend(codeOK, "14 105 1 1 0 4", "", uploaded[0], b.path("work/all_api.json"))
}

// The run's own local file would grow while it is read, and what is in its spool goes
// to the store anyway: neither is a valid input.
func TestRefusesItsOwnSpool(t *testing.T) {
	b := newBench(t)
	b.write("store", "a file, so that nothing is uploaded")
	b.in = strings.NewReader(fetches(14))
	b.append("--wait", "0")
	pending, err := filepath.Glob(b.path("work/all_api.spool/pending/*.json"))
	if err != nil || len(pending) != 1 {
		t.Fatalf("pending: %q, %v", pending, err)
	}
	if err := os.Symlink(b.path("work"), b.path("link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{b.path("work/all_api.json"), b.path("link/all_api.json"), pending[0]} {
		code, stdout, stderr := b.append("--wait", "0", name)
		if code != codeFinding || stdout != "" ||
			!strings.Contains(stderr, " is a part of the stream in work, and so is not appended to it\n") {
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
	code, _, stderr := b.append(file)
	var lines []string
	for line := range strings.Lines(stderr) {
		at, what, _ := strings.Cut(strings.TrimPrefix(line, ""), ": ")
		if len(what) < 10 {
			t.Errorf("no reason: %q", line)
		}
		lines = append(lines, at)
	}
	want := []string{"in, line 2", "in, line 3", "in, line 5", "in, line 6", "in, line 7", "in, line 8", "in, line 10"}
	if diff := cmp.Diff(want, lines); diff != "" || code != codeFinding {
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
	b.wantAppend(codeOK, "3 6 1 0 0 3", "", b.write("marks", bom+fetch(1)+"\n"+bom+fetch(2)+"\r\n"+bom+fetch(3)))
	b.wantAppend(codeFinding, "3 15 1 0 0 6 3 13",
		"line, line 1: invalid character 'N' at start of value, 5 bytes into the value; skipped 9 bytes at offset "+fmt.Sprint(len(fetch(4)))+"\n"+
			"line, line 1: invalid character 'N' at start of value, 0 bytes into the value; skipped 3 bytes at offset "+fmt.Sprint(2*len(fetch(4))+10)+"\n"+
			"line, line 1: invalid character ',' at start of value, 0 bytes into the value; skipped 1 byte at offset "+fmt.Sprint(3*len(fetch(4))+14)+"\n",
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
	b.in = bytes.NewReader(packed.Bytes())
	b.wantAppend(codeOK, "6 12 1 0 0 6", "", b.write("in.gz", packed.String()), "-")
	b.wantAppend(codeFinding, "0 0 0 0 0 6", "in.u16, line 1: it is UTF-16 text; convert it: iconv -f utf-16 -t utf-8\n",
		b.write("in.u16", "\xff\xfe{\x00}\x00"))
}

func TestBadFetchOnStdin(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader("\n\n" + `{"FETCH_HEADER":{}}`)
	code, _, stderr := b.append("--replay")
	if code != codeFinding || !strings.HasPrefix(stderr, "standard input, line 3: invalid fetch: ") || !strings.Contains(stderr, "nyc_timestamp") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

// After a bad input the others are still read, and what was read is uploaded.
func TestBadInputDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t)
	b.wantAppend(codeFinding, "4 10 1 2 0 0",
		"open missing: no such file or directory\n"+
			"work, line 1: read work: is a directory\n",
		"--batch", "2", b.path("missing"), b.path("work"), b.write("in", fetches(4)))
	b.wantStored(totals{1, 2, 4, 10})
}

func TestReadError(t *testing.T) {
	b := newBench(t)
	b.in = io.MultiReader(strings.NewReader(fetch(7)+"\n"+`{"a`), errReader{errors.New("the disk is gone")})
	b.wantAppend(codeFinding, "1 7 1 0 0 1 1 3", "standard input, line 2: the disk is gone; skipped 3 bytes at offset "+fmt.Sprint(len(fetch(7))+1)+"\n")
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestFlagsReachTheWriter(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(fetches(5))
	if code, _, stderr := b.append("--name", "merge", "--prefix", "logs/", "--batch", "2", "--verbatim"); code != codeOK {
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

// What is uploaded stays on this disk as long as --keep-for says, in as much room as
// --keep-bytes, but the last ten uploads in any case.
func TestKeepFlags(t *testing.T) {
	for flags, want := range map[string]int{
		"": 15, "--keep-for 0": 10, "--keep-bytes 1": 10, "--keep-bytes 1GiB --keep-for 1h": 15,
	} {
		b := newBench(t)
		b.in = strings.NewReader(fetches(15))
		if code, _, stderr := b.append(append([]string{"--batch", "1", "--flush"}, strings.Fields(flags)...)...); code != codeOK {
			t.Fatalf("%s: code %d, stderr %q", flags, code, stderr)
		}
		status, err := rotatelog.Inspect(b.path("work"), "all_api")
		if err != nil || len(status.Confirmed) != want || len(status.Pending) > 0 {
			t.Errorf("with %q %d uploads are kept, want %d; %v", flags, len(status.Confirmed), want, err)
		}
	}
}

// With the store down a run waits little, and says in one line what waits and why. It
// fails only if it was to send everything.
func TestStoreIsDown(t *testing.T) {
	b := newBench(t)
	b.write("store", "a file, where a directory should be")
	for i, test := range []struct {
		args []string
		code int
	}{
		{nil, codeOK},
		{[]string{"--flush"}, codeFinding},
		{[]string{"--wait", "0"}, codeOK},
		{[]string{"--quiet"}, codeOK},
	} {
		b.in = strings.NewReader(fetches(10 * (i + 1)))
		b.append(test.args...)
		if test.args != nil && test.args[0] == "--quiet" {
			if b.code != codeOK || b.stdout+b.stderr != "" {
				t.Errorf("quiet: code %d, stdout %q, stderr %q", b.code, b.stdout, b.stderr)
			}
			continue
		}
		waiting := []string{"1 batch (10 fetches, ", "3 batches (30 fetches, ", "6 batches (60 fetches, "}[i]
		if b.code != test.code || !strings.HasPrefix(b.stderr, waiting) || strings.Count(b.stderr, "\n") != 1 ||
			!strings.Contains(b.stderr, " on disk for the next run: ") {
			t.Errorf("%q: code %d, stdout %q, stderr %q, want %q", test.args, b.code, b.stdout, b.stderr, waiting)
		}
	}
	b.command("upload")
	if b.code != codeFinding || b.stdout != "" || !strings.HasPrefix(b.stderr, "10 batches (100 fetches, ") {
		t.Errorf("upload: code %d, stdout %q, stderr %q", b.code, b.stdout, b.stderr)
	}
	if err := os.Remove(b.path("store")); err != nil {
		t.Fatal(err)
	}
	b.wantUpload(codeOK, "0 0 0 10 0 0")
	b.wantStored(totals{1, 10, 100, 55 + 210 + 465 + 820})
}

// wantUpload runs upload, and checks the outcome.
func (b *bench) wantUpload(code int, outcome string, args ...string) {
	b.t.Helper()
	b.command("upload", args...)
	if got := b.outcome(); b.code != code || got != outcome || b.stderr != "" {
		b.t.Errorf("upload %q: code %d, outcome %q, want %d, %q\n%s\n%s", args, b.code, got, code, outcome, b.stdout, b.stderr)
	}
}

func TestUpload(t *testing.T) {
	b := newBench(t)
	b.wantError(codeUnreachable, "there is no directory work (--dir)", "upload", "--dir", b.path("work"), b.store[0], b.store[1])
	b.in = strings.NewReader(fetches(23))
	b.wantAppend(codeOK, "23 276 1 0 2 3", "", "--no-upload")
	b.wantUpload(codeOK, "0 0 0 2 0 3")
	if want := "2 batches sent, nothing waits\n3 fetches are unfinished (--partial)\n"; !strings.HasSuffix(b.stdout, want) {
		t.Errorf("it says %q, want %q", b.stdout, want)
	}
	b.wantUpload(codeOK, "0 0 0 1 0 0", "--partial")
	if want := "1 batch sent, nothing waits\n"; !strings.HasSuffix(b.stdout, want) {
		t.Errorf("it says %q, want %q", b.stdout, want)
	}
	b.wantUpload(codeOK, "0 0 0 0 0 0", "--partial")
	if b.stdout != "nothing waited\n" {
		t.Errorf("it says %q", b.stdout)
	}
	b.wantStored(totals{1, 3, 23, 276})
}

// Without uploading, neither a store nor its key is needed.
func TestNoUploadNeedsNoStore(t *testing.T) {
	b := newBench(t)
	b.store = nil
	b.in = strings.NewReader(fetches(12))
	b.wantAppend(codeOK, "12 78 1 0 1 2", "", "--no-upload")
	b.in = strings.NewReader(fetches(1))
	b.wantAppend(codeOK, "1 1 1 0 1 3", "", "--no-upload", "--store", "s3://logs?endpoint=https://us-ord-1.linodeobjects.com")
}

// Without time to wait, nothing is said if nothing waits.
func TestNothingWaitsNoWarning(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(fetch(1))
	b.wantAppend(codeOK, "1 1 1 0 0 1", "", "--wait", "0")
	b.wantUpload(codeOK, "0 0 0 1 0 0", "--partial")
	b.wantUpload(codeOK, "0 0 0 0 0 0", "--partial", "--wait", "0")
	b.in = strings.NewReader("")
	b.wantAppend(codeOK, "0 0 0 0 0 0", "there was no fetch to append\n", "--wait", "0", "--flush")
}

func TestLockedStreamIsAnError(t *testing.T) {
	b := newBench(t)
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: b.path("work"), Store: storetest.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, command := range []string{"append", "upload"} {
		b.command(command, "--wait", "0")
		if b.code != codeFinding || b.stdout != "" || b.stderr != "rotatelog: another process is appending to work/all_api.json; it uploads by itself\n" {
			t.Errorf("%s: code %d, stdout %q, stderr %q", command, b.code, b.stdout, b.stderr)
		}
	}
}

// A signal ends the run, though the input is stuck.
func TestSignalEndsAStuckRun(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stuck := make(chan struct{})
	defer close(stuck)
	b.ctx = ctx
	b.in = io.MultiReader(strings.NewReader(fetch(1)+"\n"), readerFunc(func([]byte) (int, error) {
		for !b.onDisk(1) {
		}
		cancel(errors.New("terminated"))
		<-stuck
		return 0, io.EOF
	}))
	b.wantAppend(codeInterrupted, "1 1 1 0 0 1", "rotatelog: interrupted\n", "--flush")
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
	in := &appender{w: w, command: new(appendCommand)}
	if err := in.read(t.Context(), "in", strings.NewReader(fetches(2))); !errors.Is(err, fs.ErrClosed) || in.fetches != 0 {
		t.Errorf("%v, %d appended", err, in.fetches)
	}
}

// A directory that cannot be made, or is a file, says so; no fetch is kept, so that is a
// failure and not only something that could not be looked at.
func TestDirectoryThatCannotBe(t *testing.T) {
	b := newBench(t)
	file := b.write("file", "")
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		b.in = strings.NewReader(fetch(1))
		b.run("append", "--dir", dir, b.store[0], b.store[1])
		if b.code != codeFinding || b.stdout != "" || !strings.Contains(b.stderr, "file") || !strings.HasPrefix(b.stderr, "rotatelog: ") {
			t.Errorf("code %d, stdout %q, stderr %q", b.code, b.stdout, b.stderr)
		}
	}
}

func TestAppendUsage(t *testing.T) {
	b := newBench(t)
	unread := readerFunc(func([]byte) (int, error) {
		t.Error("the input was read")
		return 0, io.EOF
	})
	for _, test := range []struct{ args, want string }{
		{"--batch 0", "--batch: 0 is too few: at least one fetch makes an upload"},
		{"--keep-for=-1h", "--keep-for: -1h0m0s is negative: use a duration such as 48h, or 0"},
		{"--keep-bytes 0", `--keep-bytes: "0" is no size: use one such as 2GiB or 500MB`},
		{"--wait=-1s", "--wait: it cannot be negative"},
		{"--wait soon", "--wait: \"soon\" is no duration"},
		{"--compress lz4", "--compress: "},
		{"--one a b", "--one: one fetch cannot be in 2 files"},
		{"--envelope --replay", "leave one out"},
		{"--flush --no-upload", "--flush and --no-upload exclude each other"},
		{"--count a..b", `--count: "a..b" is not a path`},
		{"--nope", "unknown flag --nope"},
	} {
		b.in = unread
		args := slices.Concat([]string{"append", "--dir", b.path("work")}, b.store, strings.Fields(test.args))
		b.wantError(codeUsage, test.want, args...)
		if !strings.HasSuffix(b.stderr, "\nrotatelog append --help says more\n") {
			t.Errorf("%q: stderr %q", test.args, b.stderr)
		}
	}
	b.wantError(codeUsage, "--dir is not set", "append", "--one")
	b.wantError(codeUsage, "--store is not set", "append", "--one", "--dir", b.path("work"))
	if _, err := os.Stat(b.path("work")); err == nil {
		t.Error("it began to work")
	}
}

// A daily document is taken apart into its fetches, and that is said, whether it is alone or
// among other values.
func TestDailyDocumentIsTakenApart(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(fetches(25))
	b.append("--flush")
	day, err := os.ReadFile(b.path("store/all_api_rotating_logs/all_api_json_log_2025-07-10.json"))
	if err != nil {
		t.Fatal(err)
	}
	again := newBench(t)
	file := again.write("day.json", string(day))
	again.wantAppend(codeOK, "25 325 1 2 0 5", "", file)
	if want := "day.json is a daily document of 2025-07-10: its 25 fetches were appended one by one\n"; !strings.Contains(again.stdout, want) {
		t.Errorf("it says %q, want %q", again.stdout, want)
	}
	again.in = strings.NewReader(string(day) + fetch(100) + string(day) + fetch(200))
	again.wantAppend(codeOK, "52 950 1 5 0 7", "")
	again.in = strings.NewReader(`{"daily_metadata":{"date":"2025-07-09"},"uploads":[{"fetch_data":[` + fetch(1) + `,7,` + fetch(2))
	again.append()
	if got := again.outcome(); again.code != codeFinding || got != "2 3 1 0 0 9" ||
		!strings.HasPrefix(again.stderr, "standard input, fetch 2: invalid fetch: ") || !strings.HasSuffix(again.stderr, "; 2 fetches before that were appended, and nothing after it is read\n") {
		t.Errorf("code %d, %s, %q", again.code, got, again.stderr)
	}
	again.in = strings.NewReader(string(day))
	again.wantAppend(codeFinding, "0 0 0 0 0 9", "standard input: it is a daily document, whose fetches have envelopes; leave out --envelope\n", "--envelope")
}

// With --replay each fetch goes into its own day; without, into today's, and that is said.
func TestDailyDocumentOfAnotherDay(t *testing.T) {
	b := newBench(t)
	day := `{"daily_metadata":{"date":"2025-07-09"},"uploads":[{"fetch_data":[` + strings.ReplaceAll(numbered(3), "07/10", "07/09") + `]}]}`
	b.in = strings.NewReader(day)
	b.append()
	if b.code != codeOK || !strings.Contains(b.stdout, " all_api #1: 3 matches, 1 of 10; today 3\n") || !strings.Contains(b.stdout, ", to today; --replay would put each") {
		t.Errorf("code %d, stdout %q", b.code, b.stdout)
	}
	b.in = strings.NewReader(day)
	b.append("--replay", "--flush")
	if b.code != codeOK || !strings.Contains(b.stdout, " all_api 2025-07-09 #1: 3 matches, 1 of 10\n") || !strings.Contains(b.stdout, " all_api 2025-07-09 upload 1: 1 fetch, 3 records, 1") {
		t.Errorf("code %d, stdout %q", b.code, b.stdout)
	}
}

// If the log cannot be written the fetch is on disk all the same: a wrapper that repeats
// the run would store it twice.
func TestFullLogIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(fetch(1))
	b.env = func(e *env) { e.Stdout = brokenWriter{} }
	if b.append("--one"); b.code != codeOK || len(b.unfinished()) != 1 {
		t.Errorf("code %d, %d fetches, stderr %q", b.code, len(b.unfinished()), b.stderr)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Input in which nothing is a fetch does not fill the log.
func TestManyRefusals(t *testing.T) {
	b := newBench(t)
	b.in = strings.NewReader(strings.Repeat("17\n", maxRefusals+1234))
	b.append()
	if b.code != codeFinding || strings.Count(b.stderr, "\n") != maxRefusals+1 || !strings.HasSuffix(b.stderr, "\nand 1,234 more refused\n") {
		t.Errorf("code %d, stderr %q", b.code, b.stderr)
	}
}

// What is printed, to look at.
func TestAppendOutputs(t *testing.T) {
	b := newBench(t)
	b.replace = strings.NewReplacer(b.dir, "/srv")
	b.set("ROTATELOG_DIR", b.path("work"))
	b.set("ROTATELOG_STORE", "file://"+b.path("store"))
	b.set("ROTATELOG_COUNT", "RAW_API_DATA.results")
	b.set("ROTATELOG_ENVELOPE", "true")
	answer := `{"results":[` + strings.TrimSuffix(strings.Repeat("{},", 45), ",") + `]}` + "\n"
	b.in = strings.NewReader(strings.Repeat(answer, 9))
	b.want(codeOK, "append-many", "append")
	b.in = strings.NewReader(answer)
	b.want(codeOK, "append-one", "append", "--one")
	b.in = strings.NewReader("<!DOCTYPE html>")
	b.want(codeFinding, "append-page", "append", "--one")
	if err := os.Rename(b.path("store"), b.path("gone")); err != nil {
		t.Fatal(err)
	}
	b.write("store", "")
	b.in = strings.NewReader(strings.Repeat(answer, 12))
	b.want(codeOK, "append-store-is-down", "append")
	b.want(codeFinding, "upload-store-is-down", "upload")
	if err := os.Remove(b.path("store")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.path("gone"), b.path("store")); err != nil {
		t.Fatal(err)
	}
	b.want(codeOK, "upload", "upload")
}

// The local file grows while it is read, also as standard input: its fetches would be
// appended again.
func TestStandardInputIsNotTheLocalFile(t *testing.T) {
	b := newBench(t)
	b.stdin = fetch(1)
	b.append()
	for _, more := range [][]string{nil, {"--one"}} {
		f, err := os.Open(b.path("work/all_api.json"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b.in = f
		if code, _, stderr := b.append(more...); code != codeFinding || !strings.Contains(stderr, "standard input is a part of the stream in work") {
			t.Errorf("%q: code %d, stderr %q", more, code, stderr)
		}
	}
	if left := b.unfinished(); len(left) != 1 {
		t.Errorf("%d fetches, want 1", len(left))
	}
}
