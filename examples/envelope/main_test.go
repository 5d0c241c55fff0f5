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

// TestOutput: each fetch has its number, its time, and its matches.
func TestOutput(t *testing.T) {
	var out strings.Builder
	clock := clocktest.New(time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC))
	cfg := rotatelog.Config{Dir: t.TempDir(), Clock: clock, Logger: slog.New(slog.DiscardHandler)}
	if err := run(t.Context(), &out, cfg); err != nil {
		t.Fatal(err)
	}
	const want = `fetch 1: 2 matches
fetch 2: 0 matches
answer 3: live_matches.results is not an array: "over capacity"
fetch 3: 0 matches

On disk, until the batch is full:

[
{"FETCH_HEADER":{"fetch_number":1,"random_fetch_id":"EXAMPLE00001","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","fetch_start":"=== RAW API DATA START ==="},"RAW_API_DATA":{"live_matches":{"results":[{"id":"a","odds":1.10},{"id":"b","odds":2.50}]}},"FETCH_FOOTER":{"fetch_number":1,"random_fetch_id":"EXAMPLE00001","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","pipeline_completion_time_seconds":0.320,"total_matches":2,"matches_in_play":0,"match_status_breakdown":[],"fetch_end":"=== RAW API DATA END ==="}},
{"FETCH_HEADER":{"fetch_number":2,"random_fetch_id":"EXAMPLE00002","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","fetch_start":"=== RAW API DATA START ==="},"RAW_API_DATA":{"live_matches":{"results":[]}},"FETCH_FOOTER":{"fetch_number":2,"random_fetch_id":"EXAMPLE00002","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","pipeline_completion_time_seconds":0.320,"total_matches":0,"matches_in_play":0,"match_status_breakdown":[],"fetch_end":"=== RAW API DATA END ==="}},
{"FETCH_HEADER":{"fetch_number":3,"random_fetch_id":"EXAMPLE00003","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","fetch_start":"=== RAW API DATA START ==="},"RAW_API_DATA":{"live_matches":{"results":"over capacity"}},"FETCH_FOOTER":{"fetch_number":3,"random_fetch_id":"EXAMPLE00003","nyc_timestamp":"07/10/2025 12:00:00 PM EDT","pipeline_completion_time_seconds":0.320,"total_matches":0,"matches_in_play":0,"match_status_breakdown":[],"fetch_end":"=== RAW API DATA END ==="}}
]
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
