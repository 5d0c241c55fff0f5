package bench

import (
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

func TestRopeIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) rotatelog.Store { return newRope(t) })
}

func newRope(tb testing.TB) *Rope {
	tb.Helper()
	rope, err := NewRope(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { rope.Close() })
	return rope
}
