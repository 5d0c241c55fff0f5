package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOutput: the upload that was changed is put back.
func TestOutput(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	const want = `error checksum: 2025-07-10 upload 2: it was changed (11:59 PM, fetches 3 to 4)
  next: rotatelog restore 2025-07-10
the plan: put upload 2, of 2 fetches, back from the spool
restored: 3 uploads, 6 fetches; the worst that Verify finds now is a note
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
