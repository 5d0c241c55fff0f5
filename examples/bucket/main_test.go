package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestOutput: an upload is one write.
func TestOutput(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^(upload \d: writes 1, of \d{3,4} bytes in all; looks \d+\n){3}objects in the bucket: 1\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("%s", &out)
	}
}
