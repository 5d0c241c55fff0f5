package rotatelog

import (
	"bytes"
	"testing"
)

// TestMemoryOfSealedRecords: what a record stood in is used again once it is
// sealed, but not for a record that is much smaller.
func TestMemoryOfSealedRecords(t *testing.T) {
	a := array{format: func(dst, fetch []byte) ([]byte, error) { return append(dst, fetch...), nil }}
	line := func(n int) []byte {
		b, err := a.line(bytes.Repeat([]byte("x"), n))
		if err != nil || len(b) != len(comma)+n+len(closing) {
			t.Fatalf("a line of %d bytes for %d, %v", len(b), n, err)
		}
		a.lines = append(a.lines, b)
		return b
	}
	const large, small = 100_000, 10
	reused := false
	for range 100 { // a sync.Pool may forget what it was given
		first, second := line(large), line(large)
		if &first[0] == &second[0] {
			t.Fatal("two records that are not sealed stand in the same memory")
		}
		a.clear()
		if again := &line(large)[0]; again == &first[0] || again == &second[0] {
			reused = true
		}
		a.clear()
		if b := line(small); cap(b) > large/2 {
			t.Fatalf("%d bytes are kept for %d", cap(b), small)
		}
	}
	if !reused {
		t.Error("memory was never used again")
	}
}
