package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestOutput: the store that is away is found, and not at once.
func TestOutput(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?s)12 fetches are on disk.*connection refused.*1m0s later, findings: 0.*error upload_late\n  .*Nothing is lost: 1 batch \(10 fetches.*1\. rotatelog doctor`)
	if !want.MatchString(out.String()) {
		t.Errorf("%s", &out)
	}
}
