package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/status"
	"example.com/rotatelog/storetest"
)

// fetches appends n fetches, one a minute, each in a process of its own that also uploads
// what it can.
func (w *world) fetches(n int, fault error) {
	w.t.Helper()
	for i := range n {
		if i > 0 {
			time.Sleep(time.Minute)
		}
		wr := w.open(fault)
		w.append(wr)
		wr.Drain(w.t.Context()) // or not
		wr.Close()
		w.touch()
	}
}

// open opens a Writer whose requests fail if fault is not nil.
func (w *world) open(fault error) *rotatelog.Writer {
	w.t.Helper()
	cfg := w.config()
	cfg.Store = &storetest.Faulty{Store: cfg.Store, Fault: func(storetest.Op) storetest.Fault { return storetest.Fault{Err: fault} }}
	wr, err := rotatelog.Open(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return wr
}

func (w *world) append(wr *rotatelog.Writer) {
	w.t.Helper()
	w.n++
	fetch := rotatelog.Fetch{Data: fmt.Appendf(nil, `{"n":%d}`, w.n), TotalMatches: 45, ID: fmt.Sprintf("ID%010d", w.n)}
	if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
		w.t.Fatal(err)
	}
}

// touch gives the local file the time of the bubble, which the disk does not know.
func (w *world) touch() {
	w.t.Helper()
	name := w.name
	if name == "" {
		name = "all_api"
	}
	if err := os.Chtimes(filepath.Join(w.dir, name+".json"), time.Now(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// waitUntil waits until a time in New York.
func (w *world) waitUntil(at string) {
	w.t.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04:05", at, w.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Until(t))
}

// refused is what a store says of a key that is no longer good.
func refused() error {
	return fmt.Errorf("%w: the server does not know the access key: %w", rotatelog.ErrPermanent, &smithy.GenericAPIError{Code: "InvalidAccessKeyId"})
}

func TestStatus(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.set("ROTATELOG_EXPECT", "10:00-23:00")
		w.fetches(25, nil)
		w.waitFor("2025-07-10")
		w.fetches(47, nil)
		time.Sleep(12 * time.Second)
		w.want(codeOK, "status", "status")
		status := w.stdout
		if w.run(); w.code != codeOK || w.stdout != status {
			t.Errorf("bare: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("status", "-q"); w.code != codeOK || w.stdout+w.stderr != "" {
			t.Errorf("quiet: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What the spool says needs no store: it is the same without keys, and where the store cannot
// be asked, which is said.
func TestStatusNeedsNoStore(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.fetches(12, nil)
		w.run()
		status := w.stdout
		if err := os.RemoveAll(w.store); err != nil {
			t.Fatal(err)
		}
		w.run()
		unknown, ok := strings.CutPrefix(w.stdout, status)
		if w.code != codeOK || !ok || !strings.HasPrefix(unknown, "  not known  what the store has of the days before: ") || strings.Count(unknown, "not known") != 1 {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("--store="); w.code != codeOK || w.stdout != status {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What is wrong comes first, and a stream without findings has a line.
func TestStatusOfARefusedKey(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.set("ROTATELOG_NAME", "merge,all_api")
		w.fetches(20, nil)
		w.waitUntil("2025-07-10 02:29:03")
		w.fetches(30, nil)
		time.Sleep(time.Minute)
		w.fetches(15, refused())
		w.name, w.n = "merge", 0
		w.fetches(7, nil)
		w.name = "all_api"
		w.fetches(1, refused())
		time.Sleep(9 * time.Second)
		w.want(codeFinding, "status-refused")
		w.env = func(e *env) { e.Clock, e.Width = systemClock{}, 50 }
		w.want(codeFinding, "status-narrow")
	})
}

func TestStatusOfAStreamThatStopped(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.fetches(25, nil)
		w.waitUntil("2025-07-10 00:10:00")
		w.want(codeFinding, "status-stale")
		for args, code := range map[string]int{
			"--every=2h": codeFinding, "--every=24h": codeOK, "--expect=10:00-23:00": codeOK, "--expect=10:00-01:00": codeFinding,
		} {
			if w.run(args, "--expect-upload=24h"); w.code != code {
				t.Errorf("%s: exit code %d, want %d\n%s%s", args, w.code, code, w.stdout, w.stderr)
			}
		}
		w.set("ROTATELOG_EVERY_ALL_API", "24h")
		if w.run(); w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.env = func(e *env) {
			e.Clock, e.Started = systemClock{}, func() time.Time { return time.Now().Add(-time.Minute) }
		}
		w.environ = w.environ[:len(w.environ)-1]
		if w.run(); w.code != codeOK {
			t.Errorf("after a start: exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// TestStatusBesideAWriter looks while a Writer runs, and after it was killed: nothing is
// closed, and its locks do not matter.
func TestStatusBesideAWriter(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		wr := w.open(nil)
		for range 13 {
			time.Sleep(time.Minute)
			w.append(wr)
		}
		killed := filepath.Join(t.TempDir(), "killed")
		if err := os.CopyFS(killed, os.DirFS(w.dir)); err != nil {
			t.Fatal(err)
		}
		w.run()
		if !strings.Contains(w.stdout, "  #13 today") || !strings.Contains(w.stdout, "\n  batch      3 of 10 ") || w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		wr.Close()
		w.run("--dir", killed)
		if !strings.Contains(w.stdout, "  #13 today") || !strings.Contains(w.stdout, "\n  batch      3 of 10 ") || w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// A warning is no reason to exit with 1, unless that is wanted.
func TestStatusWarns(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.fetches(12, nil)
		if err := os.Remove(filepath.Join(w.dir, "all_api.json")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.fetches(1, nil)
		if w.run(); w.code != codeOK || !strings.HasPrefix(w.stdout, "all_api  WARNING repaired ") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("status", "--fail-on", "warning", "-q"); w.code != codeFinding || w.stdout == "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// Where nothing can be seen, nothing is good.
func TestStatusSeesNothing(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.want(codeUnreachable, "status-no-directory", "--dir", "/none/rotatelog")
		w.fetches(1, nil)
		if w.run("--name", "all_apj"); w.code != codeUnreachable || !strings.Contains(w.stdout, "  There is something of all_api: see --name.\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("--name", "all_apj", "--json"); w.code != codeUnreachable || !strings.Contains(w.stdout, `"worst":"unknown","error":"Nothing of all_apj was ever put`) {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		empty := t.TempDir()
		if err := os.Mkdir(filepath.Join(empty, "all_api.spool"), 0o700); err != nil {
			t.Fatal(err)
		}
		if w.run("--dir", empty); w.code != codeUnreachable || strings.Contains(w.stdout, "There is something of") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if err := os.WriteFile(filepath.Join(w.dir, "all_api.spool/state.append.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if w.run(); w.code != codeUnreachable || !strings.HasPrefix(w.stdout, "all_api  UNKNOWN ") || !strings.Contains(w.stdout, "\n  Not all can be seen: read\n  /var/lib/rotatelog/all_api.spool/state.append.json:") ||
			!strings.Contains(w.stdout, "\n  1. let the next fetch come: it replaces a state file that is torn\n") || !strings.Contains(w.stdout, "\n  3. rotatelog doctor\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestStatusJSON(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.fetches(10, nil)
		time.Sleep(time.Minute)
		w.fetches(17, refused())
		w.run("--json")
		lines := strings.Split(strings.TrimSuffix(w.stdout, "\n"), "\n")
		if w.code != codeFinding || len(lines) != 2 {
			t.Fatalf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		var line status.Line
		if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
			t.Fatal(err)
		}
		if line.Stream != "all_api" || line.Worst != "error" || line.Number != 27 || *line.Matches != 45 || line.Waiting != 1 ||
			line.Unfinished != 7 || *line.Uploads != 1 || *line.Records != 450 || *line.FreeBytes != 61_000_000_000 {
			t.Errorf("%s", lines[0])
		}
		if !regexp.MustCompile(`"time":"2025-07-10T14:[0-9:.]+Z"`).MatchString(lines[0]) {
			t.Errorf("the time is not like others: %s", lines[0])
		}
		if !strings.HasPrefix(lines[1], `{"code":"upload_refused","severity":"error","stream":"all_api","since":"2025-07-10T14:19:00`) {
			t.Errorf("%s", lines[1])
		}
	})
}

func TestStatusUsage(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		for args, want := range map[string]string{
			"status now":              "unexpected argument now",
			"--expect 11-1":           `"11-1" is not a time of day such as 11:00-01:00`,
			"status --every often":    "--every",
			"status --every=-1m":      "--every: it cannot be negative",
			"--expect-upload=-1h":     "--expect-upload: it cannot be negative",
			"status --dir=":           "--dir is not set",
			"status --fail-on=always": "--fail-on must be one of",
		} {
			w.wantError(codeUsage, want, strings.Fields(args)...)
		}
	})
}

// The clock is compared with that of the store, for which no key is needed. A store that
// does not answer is no reason to call somebody.
func TestStatusComparesClocks(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 7)
	if err := os.Chtimes(filepath.Join(w.dir, "all_api.json"), w.clock.Now(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.environ = w.environ[:3] // without keys
	for _, test := range []struct {
		ahead time.Duration // the store's clock
		code  int
		want  string
	}{
		{0, codeOK, "all_api  OK "},
		{20 * time.Second, codeOK, "all_api  OK "},
		{time.Minute, codeFinding, "all_api  ERROR clock "},
		{-20 * time.Minute, codeFinding, "all_api  CRITICAL clock "},
	} {
		w.ahead.Store(int64(time.Until(w.clock.Now()) + test.ahead))
		if w.run(); w.code != test.code || !strings.HasPrefix(w.stdout, test.want) || strings.Contains(w.stdout, "not known  the") {
			t.Errorf("%v ahead: exit code %d\n%s%s", test.ahead, w.code, w.stdout, w.stderr)
		}
	}
	w.set("ROTATELOG_STORE_ALL_API", "s3://logs?endpoint=http://127.0.0.1:1")
	if w.run(); w.code != codeOK || !strings.Contains(w.stdout, "\n  not known  the store's clock: 127.0.0.1:1 does not answer: ") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}
