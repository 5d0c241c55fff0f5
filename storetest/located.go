package storetest

import (
	"strings"
	"testing"

	"example.com/rotatelog"
)

// placeCases are the sentences of the contracts of [rotatelog.Located] and
// [rotatelog.Warner].
var placeCases = []testCase{
	{"Location returns the same each time, also when something was written", locationStays, false},
	{"Warning returns the same each time, in lines that a log can hold", warningStays, false},
}

func locationStays(t testing.TB, s rotatelog.Store, prefix string) {
	l, ok := s.(rotatelog.Located)
	if !ok {
		t.Skipf("the Store is no rotatelog.Located")
	}
	before := l.Location()
	mustWrite(t, s, prefix+"object", "", []rotatelog.Part{rotatelog.Data([]byte("x"))}, nil)
	if after := l.Location(); after != before || strings.ContainsAny(after, "\r\n") {
		t.Errorf("Location returned %q and then %q, want one line, twice", before, after)
	}
}

func warningStays(t testing.TB, s rotatelog.Store, _ string) {
	w, ok := s.(rotatelog.Warner)
	if !ok {
		t.Skipf("the Store is no rotatelog.Warner")
	}
	if first, second := w.Warning(), w.Warning(); first != second || strings.ContainsAny(first, "\r\n") {
		t.Errorf("Warning returned %q and then %q, want one line, twice", first, second)
	}
}
