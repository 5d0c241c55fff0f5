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
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// TestMain lets the tests run the command in separate processes.
func TestMain(m *testing.M) {
	if os.Getenv("ROTATELOG_TEST_PROCESS") == "run" {
		os.Unsetenv("ROTATELOG_TEST_PROCESS")
		main()
	}
	os.Exit(m.Run())
}

// numbered returns a fetch with a number and as many matches.
func numbered(n int) string {
	return fmt.Sprintf(`{"FETCH_HEADER":{"fetch_number":%d,"nyc_timestamp":"07/10/2025 03:45:22 PM EDT"},"FETCH_FOOTER":{"total_matches":%d}}`, n, n)
}

// one runs append --one.
func (b *bench) one(stdin string, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	b.in = strings.NewReader(stdin)
	return b.append(append([]string{"--one"}, args...)...)
}

// wantOne runs append --one, which should append the fetch, and print this line.
func (b *bench) wantOne(stdin, line string, args ...string) {
	b.t.Helper()
	want := "07/10/2025 12:47:03 PM EDT all_api " + line + "\n"
	if code, stdout, stderr := b.one(stdin, args...); code != codeOK || !strings.HasPrefix(stdout, want) || stderr != "" {
		b.t.Errorf("code %d, stdout %q, want %q, stderr %q", code, stdout, want, stderr)
	}
}

// TestCompressedFetchIsRead: compressed input is read, and other encodings are named.
func TestCompressedFetchIsRead(t *testing.T) {
	b := newBench(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, numbered(5)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	b.wantOne(packed.String(), "#1: 5 matches, 1 of 10; today 5")
	const want = "standard input: it is UTF-16 text; convert it: iconv -f utf-16 -t utf-8; nothing was stored\n"
	if code, stdout, stderr := b.one("\xff\xfe{\x00}\x00"); code != codeFinding || stdout != "" || stderr != want {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// uploads returns the numbers of the fetches in each upload of the day.
func (b *bench) uploads() [][]int {
	b.t.Helper()
	content, err := os.ReadFile(b.path("store/all_api_rotating_logs/all_api_json_log_2025-07-10.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return uploadsIn(b.t, content)
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

// wantNumbers checks the numbers of the fetches in each upload, and in the local file.
func (b *bench) wantNumbers(want string) {
	b.t.Helper()
	if got := fmt.Sprint(b.uploads(), numbers(b.t, b.unfinished())); got != want {
		b.t.Errorf("uploaded and unfinished are %s, want %s", got, want)
	}
}

func TestTenRunsMakeAnUpload(t *testing.T) {
	b := newBench(t)
	total := 0
	for n := 1; n <= 12; n++ {
		total += n
		b.wantOne(numbered(n)+"\n", fmt.Sprintf("#%d: %s, %d of 10; today %d", n, format.Plural(n, "match", "matches"), (n-1)%10+1, total))
		if uploaded := strings.Contains(b.stdout, " all_api upload 1: 10 fetches, 55 records, "); uploaded != (n == 10) {
			t.Errorf("run %d prints %q", n, b.stdout)
		}
	}
	b.wantNumbers("[[1 2 3 4 5 6 7 8 9 10]] [11 12]")
	b.wantOne(numbered(13), "#13: 13 matches, 3 of 10; today 91", "--flush")
	b.wantNumbers("[[1 2 3 4 5 6 7 8 9 10] [11 12 13]] []")
}

// A day keeps the compression of its first upload.
func TestDayKeepsItsCompression(t *testing.T) {
	b := newBench(t)
	for n := 1; n <= 4; n++ {
		compress := "gzip"
		if n > 2 {
			compress = "zstd"
		}
		if code, _, stderr := b.one(numbered(n), "--batch", "2", "--compress", compress); code != codeOK || stderr != "" {
			t.Fatalf("run %d: code %d, stderr %q", n, code, stderr)
		}
	}
	names, err := filepath.Glob(b.path("store/all_api_rotating_logs/*"))
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
	b := newBench(t)
	var all sync.WaitGroup
	for n := range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "append", "--one", "--replay", "--wait", "5m",
				"--dir", b.path("work"), "--store", "file://"+b.path("store"))
			cmd.Env = []string{"ROTATELOG_TEST_PROCESS=run", "HOME=" + b.dir}
			cmd.Stdin = strings.NewReader(numbered(n))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), " all_api 2025-07-10 #") {
				t.Errorf("process %d: %v: %s", n, err, out)
			}
		})
	}
	all.Wait()

	uploads := b.uploads()
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
	if left := b.unfinished(); len(left) > 0 {
		t.Errorf("unfinished: %v", left)
	}
}

// A log that nobody reads any more ends no run: the fetches that follow would be lost, and a
// wrapper that repeats the run would store the others twice.
func TestBrokenPipeEndsNoRun(t *testing.T) {
	b := newBench(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	read.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "append", "--dir", b.path("work"), "--store", "file://"+b.path("store"))
	cmd.Env = []string{"ROTATELOG_TEST_PROCESS=run", "HOME=" + b.dir}
	cmd.Stdin = strings.NewReader(numbered(1) + "<html>" + numbered(2) + numbered(3))
	cmd.Stdout, cmd.Stderr = write, write
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != codeFinding { // of the page
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
	b.wantNumbers("[] [1 2 3]")
}

func TestNotOneFetch(t *testing.T) {
	day := `{"daily_metadata":{"date":"2025-07-09"},"uploads":[]}`
	for name, test := range map[string]struct{ stdin, want string }{
		"nothing":          {"", "standard input: it is empty; see whether what should write it has failed; nothing was stored\n"},
		"blank":            {" \r\n\t\n", "standard input: it is empty; "},
		"two":              {fetch(1) + "\n" + fetch(2), "invalid fetch"},
		"an array":         {"[" + fetch(1) + "]", "invalid fetch"},
		"a number":         {"17", "invalid fetch"},
		"cut off":          {`{"a":"b`, "invalid fetch"},
		"garbage":          {fetch(1) + "x", "invalid fetch"},
		"a page":           {"<!DOCTYPE html>\n<title>502</title>", "it is no JSON but HTML or XML, as a server's error page is; with curl, use -f; nothing was stored\n"},
		"a daily document": {day, "it is a daily document, not one fetch; without --one it is taken apart into its fetches; nothing was stored\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, more := range [][]string{{"--flush"}, {"--envelope"}} {
				if (name == "a number" || name == "an array") && more[0] == "--envelope" { // the API may answer so
					continue
				}
				b := newBench(t)
				code, stdout, stderr := b.one(test.stdin, more...)
				if code != codeFinding || stdout != "" || !strings.Contains(stderr, test.want) && more[0] != "--envelope" || strings.Count(stderr, "\n") != 1 {
					t.Errorf("code %d, stdout %q, stderr %q, want %q", code, stdout, stderr, test.want)
				}
				if got := b.uploads(); got != nil {
					t.Errorf("stored: %v", got)
				}
			}
		})
	}
}

// An answer of the API that begins like a daily document is a fetch.
func TestAnswerWithUploads(t *testing.T) {
	for _, answer := range []string{`{"uploads":[]}`, `{"uploads":[{"fetch_data":[1]}],"total":1}`} {
		b := newBench(t)
		if code, stdout, stderr := b.one(answer, "--envelope", "--flush"); code != codeOK || stderr != "" {
			t.Errorf("%s: code %d, stdout %q, stderr %q", answer, code, stdout, stderr)
		}
		if got := b.uploads(); len(got) != 1 {
			t.Errorf("%s: stored: %v", answer, got)
		}
	}
}

// What is refused counts for those who look whether the API answers.
func TestRefusedFetchIsInTheState(t *testing.T) {
	b := newBench(t)
	for _, stdin := range []string{"", "<html>"} {
		b.one(stdin)
	}
	status, err := rotatelog.Inspect(b.path("work"), "all_api")
	if err != nil || len(status.Append.Days) != 1 || status.Append.Days[0].Refused["invalid"] != 2 {
		t.Errorf("%+v, %v", status.Append, err)
	}
}

// A fetch that never ends is neither waited for nor held in memory.
func TestEndlessFetchIsRefused(t *testing.T) {
	b := newBench(t)
	b.in = endless{}
	if code, _, stderr := b.append("--one"); code != codeFinding || stderr != "standard input: it is larger than 64 MiB; nothing was stored\n" {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '{'
	}
	return len(p), nil
}

func TestOneWhileTheStoreIsDown(t *testing.T) {
	b := newBench(t)
	b.write("store", "")
	b.wantOne(numbered(1), "#1: 1 match, 1 of 2; today 1", "--batch", "2")
	code, stdout, stderr := b.one(numbered(2), "--batch", "2")
	if code != codeOK || !strings.HasSuffix(stdout, "2 of 2; today 3\n") || !strings.HasPrefix(stderr, "1 batch (2 fetches, ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr := b.one(numbered(3), "--batch", "2", "--flush"); code != codeFinding || !strings.HasPrefix(stderr, "2 batches (3 fetches, ") {
		t.Errorf("--flush: code %d, stderr %q", code, stderr)
	}
	if err := os.Remove(b.path("store")); err != nil {
		t.Fatal(err)
	}
	const fourth = "07/10/2025 12:47:03 PM EDT all_api #4: 4 matches, 1 of 2; today 10\n"
	code, stdout, stderr = b.one(numbered(4), "--batch", "2") // the batches that waited may be uploaded first
	if code != codeOK || !strings.Contains("\n"+stdout, "\n"+fourth) || stderr != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	b.wantNumbers("[[1 2] [3]] [4]")
}

func TestInterruptedOne(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated"))
	b := newBench(t)
	b.ctx, b.in = ctx, endless{}
	if code, stdout, stderr := b.append("--one"); code != codeInterrupted || stdout != "" || stderr != "rotatelog: interrupted\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// Header and footer are as AppendFetch builds them, and the count is that of the answer.
func TestEnvelope(t *testing.T) {
	b := newBench(t)
	answer := `{"results": [{"id": 1}, {"id": 2.50}], "n": 7}`
	b.wantOne(answer, "#1: 2 matches, 1 of 10; today 2", "--envelope", "--count", "RAW_API_DATA.results")
	b.wantOne(answer, "#2: 7 matches, 2 of 10; today 9", "--envelope", "--count", "RAW_API_DATA.n")
	b.wantOne("[]", "#3: not counted (see --count), 3 of 10", "--envelope")
	b.one(answer, "--envelope", "--count", "RAW_API_DATA.n.m", "--strict-count")
	if b.code != codeFinding || !strings.Contains(b.stderr, "RAW_API_DATA.n.m is neither an array nor a number in digits; nothing was stored") {
		t.Errorf("code %d, stderr %q", b.code, b.stderr)
	}
	id := regexp.MustCompile(`"random_fetch_id":"\w{12}"`)
	var got bytes.Buffer
	if err := json.Compact(&got, b.unfinished()[0]); err != nil {
		t.Fatal(err)
	}
	const time = `"nyc_timestamp":"07/10/2025 12:47:03 PM EDT"`
	want := `{"FETCH_HEADER":{"fetch_number":1,ID,` + time + `,"fetch_start":"=== RAW API DATA START ==="},` +
		`"RAW_API_DATA":{"results":[{"id":1},{"id":2.50}],"n":7},` +
		`"FETCH_FOOTER":{"fetch_number":1,ID,` + time + `,"pipeline_completion_time_seconds":0.000,"total_matches":2,"matches_in_play":0,` +
		`"match_status_breakdown":[],"fetch_end":"=== RAW API DATA END ==="}}`
	if text := id.ReplaceAllString(got.String(), "ID"); text != want {
		t.Errorf("the fetch is\n%s\nwant\n%s", text, want)
	}
}

// Settings of the environment are those of the flags, also for one stream.
func TestAppendSettings(t *testing.T) {
	b := newBench(t)
	b.set("ROTATELOG_ENVELOPE", "true")
	b.set("ROTATELOG_COUNT", "RAW_API_DATA.n")
	b.set("ROTATELOG_BATCH_ALL_API", "3")
	b.wantOne(`{"n":5}`, "#1: 5 matches, 1 of 3; today 5")
	b.wantOne(fetch(4), "#2: 4 matches, 2 of 3; today 9", "--envelope=false", "--count", "FETCH_FOOTER.total_matches")
	b.set("ROTATELOG_NAME", "all_api,merge")
	b.run("append", "--one", "--dir", b.path("work"), b.store[0], b.store[1])
	if b.code != codeUsage || !strings.Contains(b.stderr, "there are several streams: say which with --name: all_api, merge") {
		t.Errorf("code %d, stderr %q", b.code, b.stderr)
	}
}
