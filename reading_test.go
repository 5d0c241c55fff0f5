package rotatelog_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/storetest"
)

// readingDay returns a day of three uploads, two fetches each, as docs/READING.md reads it.
func readingDay(t *testing.T, pack rotatelog.Compression) (key string, content []byte, meta map[string]string) {
	t.Helper()
	mem := storetest.NewMem()
	at := time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC)
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: t.TempDir(), Store: mem, MaxFetches: 2, Compression: pack,
		TimeOf: func([]byte) (time.Time, error) { return at, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for n := range 6 {
		at = at.Add(time.Minute)
		if _, err := w.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{"a":[{}]}`), TotalMatches: int64(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	key = mem.Keys()[0]
	obj, err := mem.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return key, mem.Bytes(key), obj.Meta
}

// TestPythonInReading runs the programs of docs/READING.md against a server.
func TestPythonInReading(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Python for each example")
	}
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import boto3").Run()
	}
	if err != nil {
		t.Skip("there is no Python with boto3")
	}
	key, content, meta := readingDay(t, rotatelog.Uncompressed)
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode()})
	const bucket = "sports-json-logs-all"
	srv.CreateBucket(bucket)
	srv.PutObject(bucket, key, content, meta)
	ts := httptest.NewServer(srv)
	defer ts.Close()
	file := filepath.Join(t.TempDir(), "day.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"fetches.py":   "^(1 \\{'FETCH_HEADER': .*\n){2}(2 .*\n){2}(3 .*'fetch_end': '=== RAW API DATA END ==='\\}\\}\n){2}$",
		"totals.py":    "^3 6 15\n$",
		"checksums.py": "^0 wrong\n$",
	} {
		cmd := exec.CommandContext(t.Context(), python, "-", file)
		cmd.Stdin = strings.NewReader(readingCode(t, "python", "# "+name))
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+ts.URL, "AWS_ACCESS_KEY_ID=access", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1")
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	changed := bytes.Replace(content, []byte(`"total_matches":3`), []byte(`"total_matches":4`), 1)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-", file)
	cmd.Stdin = strings.NewReader(readingCode(t, "python", "# checksums.py"))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "\n1 wrong\n") {
		t.Errorf("of a changed day checksums.py says %q, %v", out, err)
	}
}

// TestPythonOfExportsInReading runs the programs of docs/READING.md that read exported days.
func TestPythonOfExportsInReading(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	dir := t.TempDir()
	exportMatches(t, filepath.Join(dir, "july"))
	for name, program := range map[string]struct{ module, want string }{
		"minutes.py": {"json", "2025-07-10T12 2\n2025-07-10T13 1\n"},
		"odds.py":    {"pandas", "id,first,last,min,max\na,1.1,1.3,1.1,1.3\nb,2.0,2.0,2.0,2.0\n\n"},
	} {
		if exec.CommandContext(t.Context(), python, "-c", "import "+program.module).Run() != nil {
			t.Logf("%s is left out: there is no %s", name, program.module)
			continue
		}
		cmd := exec.CommandContext(t.Context(), python, "-")
		cmd.Stdin, cmd.Dir = strings.NewReader(readingCode(t, "python", "# "+name)), dir
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != program.want {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// exportMatches exports a day of three fetches, with two matches each, to a folder.
func exportMatches(t *testing.T, folder string) {
	t.Helper()
	mem := storetest.NewMem()
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: t.TempDir(), Store: mem, TimeOf: rotatelog.HeaderTime, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for n, hour := range []string{"12:00", "12:30", "01:00"} {
		fetch := fmt.Sprintf(`{"FETCH_HEADER":{"nyc_timestamp":"07/10/2025 %s:00 PM EDT"},"results":[`+
			`{"id":"a","status_id":2,"minute":%d,"odds":{"bet365":{"eu":["1.%d","3.00"]}}},{"id":"b","status_id":%d,"minute":0,"odds":{"bet365":{"eu":["2.00","3.00"]}}}]}`, hour, n, n+1, 8-n%2*6)
		if _, err := w.Append(t.Context(), []byte(fetch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	days := []rotatelog.Day{{Year: 2025, Month: time.July, Date: 10}}
	for _, err := range archive.ExportFolder(t.Context(), rotatelog.Archive{Store: mem}, folder, days, archive.ExportOptions{Each: []string{"results"}}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestShellInReading runs the commands of docs/READING.md.
func TestShellInReading(t *testing.T) {
	for _, program := range []string{"bash", "jq", "grep", "zstd", "zcat"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	dir := t.TempDir()
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		key, content, _ := readingDay(t, pack)
		_, suffix, _ := strings.Cut(filepath.Base(key), ".")
		if err := os.WriteFile(filepath.Join(dir, "day."+suffix), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for begin, want := range map[string]string{
		"jq .daily_metadata": `(?s)"total_uploads": 3,.*\{"FETCH_HEADER":\{"fetch_number":3,.*\n\{"FETCH_HEADER":\{"fetch_number":4,[^\n]*\n$`,
		"grep -o":            `^(\{"upload_sequence":\d,"upload_timestamp":"07/10/2025 [^"]*"\n){3}6\n$`,
		"zstd -dc":           `(?s)^\{.*"total_uploads": 3,.*\}\n\{.*"total_uploads": 3,.*\}\n$`,
	} {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail")
		cmd.Stdin, cmd.Dir = strings.NewReader(readingCode(t, "sh", begin)), dir
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("%s: %v\n%s", begin, err, out)
		}
	}
}

// readingCode returns the code of docs/READING.md in that language that begins so.
func readingCode(t *testing.T, language, begin string) string {
	t.Helper()
	for _, m := range fences.FindAllStringSubmatch(documents(t, ".md")["docs/READING.md"], -1) {
		if m[1] == language && strings.HasPrefix(m[2], begin) {
			return m[2]
		}
	}
	t.Fatalf("docs/READING.md has no %s code that begins with %s", language, begin)
	return ""
}
