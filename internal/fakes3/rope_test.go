package fakes3

import (
	"crypto/md5"
	"testing"
)

func TestRopeCut(t *testing.T) {
	whole := "0123456789"
	for _, r := range []rope{{[]byte(whole)}, {[]byte("012"), nil, []byte("3"), []byte("456789")}} {
		if r.size() != 10 || string(r.bytes()) != whole {
			t.Fatalf("%q of %d", r.bytes(), r.size())
		}
		for off := range 11 {
			for n := range 11 - off {
				if got := r.cut(int64(off), int64(n)).bytes(); string(got) != whole[off:off+n] {
					t.Errorf("%d at %d: got %q", n, off, got)
				}
			}
		}
	}
}

func TestSliceReusesParts(t *testing.T) {
	parts := []part{newPart(rope{[]byte("abc")}), newPart(rope{[]byte("def")})}
	parts[1].sum = [md5.Size]byte{1} // to know it again
	if got := slice(parts, 3, 3); got.sum != parts[1].sum || string(got.data.bytes()) != "def" {
		t.Errorf("a whole part was hashed again: %x", got.sum)
	}
	if got := slice(parts, 2, 3); got.sum != md5.Sum([]byte("cde")) || got.size != 3 {
		t.Errorf("got %q, %x", got.data.bytes(), got.sum)
	}
}
