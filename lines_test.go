package rotatelog

import "testing"

func TestFreeLinesAreReused(t *testing.T) {
	const large, small = 100_000, 10
	var f freeLines
	if line := f.take(large); line != nil {
		t.Errorf("%d bytes of nothing", cap(line))
	}
	line := make([]byte, large)
	f.put(line)
	if got := f.take(large); cap(got) != large || len(got) != 0 || &got[:1][0] != &line[0] {
		t.Errorf("%d of %d bytes, want the line that was put", len(got), cap(got))
	}
	if got := f.take(large); got != nil {
		t.Error("the same line twice")
	}
	f.put(line)
	if got := f.take(small); got != nil {
		t.Errorf("%d bytes are kept for %d", cap(got), small)
	}
	if f.size != 0 {
		t.Errorf("%d bytes of nothing", f.size)
	}
	for range 2*maxFree/large + 1 {
		f.put(make([]byte, large))
	}
	if n := len(f.lines) * large; n != f.size || n > maxFree || n < maxFree-large {
		t.Errorf("%d bytes are kept, said to be %d; want up to %d", n, f.size, maxFree)
	}
}
