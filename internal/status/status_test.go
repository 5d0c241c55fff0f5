package status

import (
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// What cannot be seen comes before a warning, and after what is known to be worse. What waits
// for its first fetch is not good, either.
func TestWhatCannotBeSeenIsNotGood(t *testing.T) {
	fetched := health.Fetched{Last: time.Date(2025, 7, 10, 14, 0, 0, 0, time.UTC)}
	found := func(s health.Severity) Stream {
		return Stream{Summary: health.Summary{Fetched: fetched, Findings: []health.Finding{{Code: health.Clock, Severity: s}}}}
	}
	torn := found(health.Critical)
	torn.Problems = []string{"a state file is torn"}
	inOrder := []Stream{{Summary: health.Summary{Fetched: fetched}}, {}, found(health.Warning), {Blind: []string{"there is no spool"}}, found(health.Error), torn}
	for i := 1; i < len(inOrder); i++ {
		if before, s := inOrder[i-1].Rank(), inOrder[i].Rank(); before >= s {
			t.Errorf("%d: rank %d, after %d", i, s, before)
		}
	}
	for i, want := range []string{"OK ", "WAITING for the first fetch", "WARNING clock", "UNKNOWN ", "ERROR clock", "CRITICAL clock"} {
		if state, code := inOrder[i].State(); state+" "+code != want {
			t.Errorf("%s %s, want %s", state, code, want)
		}
	}
}

// Of a step, the command of rotatelog gets the settings that were typed, and what is before
// and after it stays.
func TestStepsAreTyped(t *testing.T) {
	typed := func(command string) string { return command + " --dir=/x" }
	for step, want := range map[string]string{
		"rotatelog doctor":                                          "rotatelog doctor --dir=/x",
		"rotatelog doctor   (says why)":                             "rotatelog doctor --dir=/x   (says why)",
		"curl -fsS URL | rotatelog append --one   (keeps it)":       "curl -fsS URL | rotatelog append --one --dir=/x   (keeps it)",
		"see whether what fetches runs: systemctl status rotatelog": "see whether what fetches runs: systemctl status rotatelog",
		"free some space there   (fetches are taken again at once)": "free some space there   (fetches are taken again at once)",
	} {
		if got := Typed(step, typed); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for step, want := range map[string][2]string{
		"rotatelog doctor   (says why)": {"rotatelog doctor", "(says why)"},
		"curl URL | rotatelog append":   {"curl URL | rotatelog append", ""},
		"df -h /x   (free some space)":  {"", ""},
	} {
		command, about, ok := Command(step)
		if ok != (want[0] != "") || ok && (command != want[0] || about != want[1]) {
			t.Errorf("%q is %q, %q, %v", step, command, about, ok)
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
