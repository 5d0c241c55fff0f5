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

// TestOutput: the count goes on in the second process.
func TestOutput(t *testing.T) {
	var out strings.Builder
	clock := clocktest.New(time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC))
	cfg := rotatelog.Config{Dir: t.TempDir(), Clock: clock, Logger: slog.New(slog.DiscardHandler)}
	if err := run(t.Context(), &out, cfg, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	const want = `A process appends 7 fetches:
  fetch 1 of the day is on disk, 1 of 10 in its batch
  fetch 2 of the day is on disk, 2 of 10 in its batch
  fetch 3 of the day is on disk, 3 of 10 in its batch
  fetch 4 of the day is on disk, 4 of 10 in its batch
  fetch 5 of the day is on disk, 5 of 10 in its batch
  fetch 6 of the day is on disk, 6 of 10 in its batch
  fetch 7 of the day is on disk, 7 of 10 in its batch
  fetches in the store: 0; still only on disk: 7
A process appends 5 fetches:
  fetch 8 of the day is on disk, 8 of 10 in its batch
  fetch 9 of the day is on disk, 9 of 10 in its batch
  fetch 10 of the day is on disk, 10 of 10 in its batch
  fetch 11 of the day is on disk, 1 of 10 in its batch
  fetch 12 of the day is on disk, 2 of 10 in its batch
  fetches in the store: 10; still only on disk: 2
  fetches in the store: 12; still only on disk: 0
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
