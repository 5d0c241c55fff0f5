package main

import (
	"testing"

	"example.com/rotatelog/archive"
)

func TestSequencesAsText(t *testing.T) {
	for want, numbers := range map[string][]int{"": nil, "7": {7}, "1, 2": {2, 1}, "3, 5 to 9, 87": {87, 3, 6, 5, 7, 8, 9, 7}} {
		var all []archive.Range
		for _, n := range numbers {
			all = append(all, one(n))
		}
		if got := sequenceText(joined(all)); got != want {
			t.Errorf("%v are %s, want %s", numbers, got, want)
		}
	}
	if n := howMany([]archive.Range{{First: 1, Last: 1}, {First: 5, Last: 9}}); n != 6 {
		t.Errorf("1 and 5 to 9 are %d, want 6", n)
	}
}
