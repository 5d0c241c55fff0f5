package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog/archive"
)

// one returns a range of one sequence.
func one(sequence int) archive.Range { return archive.Range{First: sequence, Last: sequence} }

// howMany returns how many sequences there are in ranges.
func howMany(ranges []archive.Range) (n int) {
	for _, r := range ranges {
		n += r.Last - r.First + 1
	}
	return n
}

// joined returns the same sequences in their order, in as few ranges as can be.
func joined(ranges []archive.Range) (all []archive.Range) {
	ranges = slices.SortedFunc(slices.Values(ranges), func(a, b archive.Range) int { return cmp.Compare(a.First, b.First) })
	for _, r := range ranges {
		if last := len(all) - 1; last >= 0 && r.First <= all[last].Last+1 {
			all[last].Last = max(all[last].Last, r.Last)
			continue
		}
		all = append(all, r)
	}
	return all
}

// sequenceText returns ranges as "3, 5 to 9, 87".
func sequenceText(ranges []archive.Range) string {
	var parts []string
	for _, r := range ranges {
		if r.Last == r.First+1 {
			parts = append(parts, fmt.Sprint(r.First), fmt.Sprint(r.Last))
			continue
		}
		parts = append(parts, r.String())
	}
	return strings.Join(parts, ", ")
}
