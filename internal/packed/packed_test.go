package packed

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestWriterReadsItsOwn: a faulty compressor is noticed before anything is
// uploaded.
func TestWriterReadsItsOwn(t *testing.T) {
	for _, f := range []Format{Zstd, Gzip} {
		for want, spoil := range map[string]func(p *Writer){
			"reads differently": func(p *Writer) { p.to = io.MultiWriter(p.to, p.to) },
			"cannot be read":    func(p *Writer) { p.out.WriteByte(0xff) },
		} {
			p, err := NewWriter(f, 100)
			if err != nil {
				t.Fatal(err)
			}
			spoil(p)
			p.Write([]byte("text"))
			if _, _, err := p.Finish(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
}

// TestUnalignedPieceIsRefused: entries of gzip that do not end at a byte boundary
// are refused, whatever the remaining bits are, since nothing can be put after
// them. A decoder would continue at those bits with our final block.
func TestUnalignedPieceIsRefused(t *testing.T) {
	for left := range 8 {
		for bits := range 1 << left {
			// Fixed blocks that are not final: one of 19 bits with the text "\xff",
			// one of 10 with none.
			var w bitWriter
			for n := (8 - left) % 8; w.n%8 != n; {
				w.write(0b010, 3)
				if (n-w.n+3)%2 != 0 {
					w.write(0b111111111, 9)
				}
				w.write(0, 7)
			}
			w.write(uint64(bits), left)
			r, err := Gzip.text(bytes.NewReader(w.b))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); (err == nil) != (left == 0) {
				t.Errorf("%d bits %0*b: %v", left, left, bits, err)
			}
		}
	}
}

// bitWriter writes bits as deflate packs them, the lowest first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) write(bits uint64, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(bits>>i&1) << (w.n % 8)
		w.n++
	}
}
