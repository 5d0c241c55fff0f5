package rotatelog

import "testing"

// TestMemoryOfSealedRecords: what records stood in is used again once they are
// sealed, and not before.
func TestMemoryOfSealedRecords(t *testing.T) {
	a := array{format: (&Config{Verbatim: true}).format}
	line := func() *byte {
		b, err := a.line([]byte(`{"a":1}`))
		if err != nil || string(b) != ",\n{\"a\":1}\n]\n" {
			t.Fatalf("%q, %v", b, err)
		}
		a.lines = append(a.lines, b)
		return &b[0]
	}
	first, second := line(), line()
	if first == second {
		t.Error("two records that are not sealed stand in the same memory")
	}
	a.clear()
	if again := line(); again != first && again != second {
		t.Error("the memory of sealed records is not used again")
	}
}
