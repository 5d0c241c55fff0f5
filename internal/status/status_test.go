package status

import (
	"slices"
	"testing"
)

func TestSentencesHaveTheirLines(t *testing.T) {
	got := Sentences("It is late, since 02:59:02 AM. Nothing is lost: 1.5 kB wait. One! Two? three.")
	want := []string{"It is late, since 02:59:02 AM.", "Nothing is lost: 1.5 kB wait.", "One!", "Two? three."}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
