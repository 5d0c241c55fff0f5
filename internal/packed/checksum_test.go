package packed

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// TestChecksumJoin compares with hash/crc32, for every division of a text, and for
// long runs of zeros.
func TestChecksumJoin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 300)
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	want := Checksum{crc32.ChecksumIEEE(text), 300}
	for i := range text {
		if got := ChecksumOf(text[:i]).Join(ChecksumOf(text[i:])); got != want {
			t.Fatalf("joined at %d: %+v, want %+v", i, got, want)
		}
		for j := i; j < len(text); j += 37 {
			a, b, c := ChecksumOf(text[:i]), ChecksumOf(text[i:j]), ChecksumOf(text[j:])
			if left, right := a.Join(b).Join(c), a.Join(b.Join(c)); left != want || right != want {
				t.Fatalf("joined at %d and %d: %+v, %+v, want %+v", i, j, left, right, want)
			}
		}
	}
	for _, n := range []int{1, 255, 256, 65_537, 3 << 20} {
		zeros := make([]byte, n)
		if got, want := ChecksumOf(text).Join(ChecksumOf(zeros)).CRC, crc32.Update(want.CRC, crc32.IEEETable, zeros); got != want {
			t.Errorf("%d zeros: %08x, want %08x", n, got, want)
		}
	}
}
