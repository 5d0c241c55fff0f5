package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOutput: what is read is what was appended.
func TestOutput(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	const want = `2025-07-09: 3 uploads, 5 fetches, 160 matches
2025-07-10: 3 uploads, 5 fetches, 185 matches

Sealed on the 10th from 4 PM on:
upload 2, of 07/10/2025 04:00:00 PM EDT:
  {"n":8,"FETCH_FOOTER":{"total_matches":37}}
  {"n":9,"FETCH_FOOTER":{"total_matches":38}}
upload 3, of 07/10/2025 06:00:00 PM EDT:
  {"n":10,"FETCH_FOOTER":{"total_matches":39}}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
