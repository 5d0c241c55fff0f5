package lines

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReaderSplitsAsBytesDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var text []byte
		for range rng.IntN(30) {
			text = append(text, strings.Repeat("x", rng.IntN(1<<rng.IntN(20)))...)
			if rng.IntN(8) > 0 {
				text = append(text, '\n')
			}
		}
		var r io.Reader = bytes.NewReader(text)
		if rng.IntN(2) == 0 {
			r = iotest.DataErrReader(iotest.HalfReader(r))
		}
		l := NewReader(r, 64<<20)
		read := int64(0)
		for want := range bytes.Lines(text) {
			line, err := l.Next()
			if read += int64(len(want)); err != nil || !bytes.Equal(line, want) || l.Offset() != read {
				t.Fatalf("a line of %d bytes, %v, at %d; want one of %d, at %d", len(line), err, l.Offset(), len(want), read)
			}
		}
		if line, err := l.Next(); err != io.EOF {
			t.Fatalf("%d bytes more, %v", len(line), err)
		}
	}
}

func TestLongLinesAreRefused(t *testing.T) {
	for _, n := range []int{0, 9, 10, 11, 300_000, 3_000_000} {
		l := NewReader(strings.NewReader(strings.Repeat("x", n)+"\nnext"), 10)
		line, err := l.Next()
		if fits := n <= 10; fits != (err == nil) || fits && len(line) != n+1 || !fits && err != ErrTooLong {
			t.Errorf("%d bytes: %d bytes, %v", n, len(line), err)
		}
		if len(l.buf) > firstBuffer {
			t.Errorf("%d bytes: a buffer of %d", n, len(l.buf))
		}
	}
}

func TestReaderReturnsWhatComesBeforeAnError(t *testing.T) {
	broken := errors.New("broken")
	l := NewReader(io.MultiReader(strings.NewReader("one\ntwo"), iotest.ErrReader(broken)), 10)
	if line, err := l.Next(); string(line) != "one\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	if line, err := l.Next(); err != broken {
		t.Errorf("%q, %v", line, err)
	}
}
