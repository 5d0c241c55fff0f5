package status

import (
	"slices"
	"testing"

	"example.com/rotatelog/health"
)

// What cannot be seen comes before a warning, and after what is known to be worse.
func TestWhatCannotBeSeenIsNotGood(t *testing.T) {
	found := func(s health.Severity) Stream {
		return Stream{Summary: health.Summary{Findings: []health.Finding{{Code: health.Clock, Severity: s}}}}
	}
	torn := found(health.Critical)
	torn.Problems = []string{"a state file is torn"}
	inOrder := []Stream{{}, found(health.Warning), {Blind: []string{"there is no spool"}}, found(health.Error), torn}
	for i := 1; i < len(inOrder); i++ {
		if before, s := inOrder[i-1].Rank(), inOrder[i].Rank(); before >= s {
			t.Errorf("%d: rank %d, after %d", i, s, before)
		}
	}
	for i, want := range []string{"OK ", "WARNING clock", "UNKNOWN ", "ERROR clock", "CRITICAL clock"} {
		if state, code := inOrder[i].State(); state+" "+code != want {
			t.Errorf("%s %s, want %s", state, code, want)
		}
	}
}

func TestSentencesHaveTheirLines(t *testing.T) {
	got := Sentences("It is late, since 02:59:02 AM. Nothing is lost: 1.5 kB wait. One! Two? three.")
	want := []string{"It is late, since 02:59:02 AM.", "Nothing is lost: 1.5 kB wait.", "One!", "Two? three."}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
