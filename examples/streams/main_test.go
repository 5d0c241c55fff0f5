package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
)

// TestOutput: each stream has its own batch, files and day.
func TestOutput(t *testing.T) {
	var out strings.Builder
	clock := clocktest.New(time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC))
	cfg := rotatelog.Config{Dir: t.TempDir(), Clock: clock, Logger: slog.New(slog.DiscardHandler)}
	if err := run(t.Context(), &out, cfg, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	const want = `football: 10 fetches and 300 matches in the store, 2 fetches in the batch being filled
tennis: 10 fetches and 120 matches in the store, 2 fetches in the batch being filled
  football.json
  football.last.json
  tennis.json
  tennis.last.json
  football_rotating_logs
  tennis_rotating_logs
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
