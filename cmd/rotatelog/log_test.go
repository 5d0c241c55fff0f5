package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// logTest is a log, and what it prints.
func logTest(t *testing.T) (*app, *journal, *slog.Logger, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	a, err := newApp(env{Stdout: io.Discard, Stderr: &stderr, Clock: newShell(t).clock})
	if err != nil {
		t.Fatal(err)
	}
	j := a.newJournal(&stream{Name: "all_api"})
	return a, j, slog.New(&logHandler{journal: j}), &stderr
}

func TestLogLines(t *testing.T) {
	_, _, log, stderr := logTest(t)
	log.Debug("no")
	log.Info("no")
	noRoute := errors.New("no route")
	log.Warn("slow", "attempt", 1, "aside", "", "err", noRoute)
	log.Error("gone", "key", "a=b")
	log.With("a", 1).WithGroup("g").With("b", 2).Warn("grouped", "c", 3)
	log.Warn("upload failed", "waiting", 3, "err", noRoute) // the outage says that
	const at = "07/10/2025 12:47:03 PM EDT all_api: "
	want := at + "warning: slow attempt=1 err=\"no route\"\n" + at + "error: gone key=\"a=b\"\n" + at + "warning: grouped a=1 g.b=2 g.c=3\n"
	if got := stderr.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An operator knows the flags of the command, not the Config of a Writer.
func TestLogSpeaksOfFlags(t *testing.T) {
	source, err := os.ReadFile("../../events.go")
	if err != nil {
		t.Fatal(err)
	}
	const advice = "set Config.Count, to CountArray or CountMember for example (for the command, --count), to say where a fetch has its count"
	if !strings.Contains(string(source), advice) {
		t.Errorf("a Writer does not log %q", advice)
	}
	_, _, log, stderr := logTest(t)
	log.Warn("no count; " + advice)
	if got, want := stderr.String(), "warning: no count; set --count to say where a fetch has its count\n"; !strings.HasSuffix(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}

// Where nothing was counted, nothing is said of matches.
func TestNothingIsCounted(t *testing.T) {
	for _, test := range []struct{ fetches, want string }{
		{`{"a":1} {"a":2}`, "#1: not counted (see --count), 1 of 10\n|#2: not counted (see --count), 2 of 10\n|2 fetches appended\n| upload 1: 2 fetches, "},
		{`{"FETCH_FOOTER":{"total_matches":0}} {"FETCH_FOOTER":{"total_matches":3}}`, "#1: 0 matches, 1 of 10; today 0\n|#2: 3 matches, 2 of 10; today 3\n|2 fetches with 3 match records appended\n| upload 1: 2 fetches, 3 records, "},
	} {
		b := newBench(t)
		b.in = strings.NewReader(test.fetches)
		b.append("--flush")
		for want := range strings.SplitSeq(test.want, "|") {
			if !strings.Contains(b.stdout, want) {
				t.Errorf("%s prints\n%s, which lacks %q", test.fetches, b.stdout, want)
			}
		}
		if strings.Contains(b.stdout, "0 records") || strings.Contains(b.stdout, "0 match records") {
			t.Errorf("%s prints\n%s", test.fetches, b.stdout)
		}
	}
}

// That leftovers could not be looked for is said only if the store does all else.
func TestSweepIsSaidLater(t *testing.T) {
	_, j, log, stderr := logTest(t)
	log.Warn("could not be looked for", "err", &rotatelog.Error{Op: "sweep", Key: "k", Err: errors.New("403")})
	if got := stderr.String(); got != "" {
		t.Errorf("it says %q", got)
	}
	j.release()
	j.release()
	if got, want := stderr.String(), "07/10/2025 12:47:03 PM EDT all_api: warning: could not be looked for err=\"sweep k: 403\"\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

// Without a line wanted, what went wrong is kept for the end, as far as there is room.
func TestQuietJournal(t *testing.T) {
	a, _, _, stderr := logTest(t)
	a.grammar.Quiet = true
	j := a.newJournal(&stream{Name: "all_api"})
	for range 10_000 {
		j.warn("it went wrong")
	}
	j.said("it went well")
	if n := a.troubles.Len(); stderr.Len() > 0 || n < maxTroubles || n > maxTroubles+100 {
		t.Errorf("%d bytes are printed, %d kept", stderr.Len(), n)
	}
	if code := a.exit(t.Context(), errFinding()); code != codeFinding || stderr.Len() < maxTroubles {
		t.Errorf("exit code %d, %d bytes are printed", code, stderr.Len())
	}
}
