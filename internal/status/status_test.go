package status

import (
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
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

// What is not known of yesterday has a reason on the day on which a machine begins.
func TestYesterdayBeforeTheFirstFetch(t *testing.T) {
	now := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)
	today := rotatelog.DayOf(now, time.UTC)
	for day, want := range map[rotatelog.Day]string{
		today:                           "the first fetch on this machine came today",
		{Year: 2025, Month: 7, Date: 8}: "this machine has no fetch of it",
	} {
		state := rotatelog.WriterState{Days: []rotatelog.DayCounts{{Day: day, Appended: 1}}}
		facts := health.Facts{Now: now, Spool: rotatelog.SpoolStatus{Name: "all_api", Append: &state}}
		s := Stream{Summary: health.Summarize(facts, health.Options{Location: time.UTC})}
		if f := s.YesterdayFact(); f.Value != NotKnown || f.Text != want {
			t.Errorf("first fetch on %v: %+v, want %q", day, f, want)
		}
	}
}
