package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
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
	j := a.newJournal("all_api")
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
	j := a.newJournal("all_api")
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
