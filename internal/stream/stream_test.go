package stream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/rotatelog"
)

// opened counts what becomes of the readers of a stream.
type opened struct {
	opens, closes int
	make          func() (io.Reader, error)
}

func (o *opened) open() (io.ReadCloser, error) {
	o.opens++
	r, err := o.make()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, closerFunc(func() { o.closes++ })}, nil
}

type closerFunc func()

func (f closerFunc) Close() error {
	f()
	return nil
}

// TestPieces reads a stream in pieces of each size, from readers that give their end
// with the last byte, or after it, or one byte at a time.
func TestPieces(t *testing.T) {
	const text = "0123456789"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"plain": func(r io.Reader) io.Reader { return r }, "one byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
	} {
		for n := int64(1); n <= 10; n++ {
			o := &opened{make: func() (io.Reader, error) { return wrap(strings.NewReader(text)), nil }}
			parts, done, err := Once([]rotatelog.Part{rotatelog.Data([]byte("<")), rotatelog.Stream(10, o.open)})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for left := int64(10); left > 0; left -= n {
				piece := parts[1]
				piece.Len = min(n, left)
				if err := Copy(t.Context(), &got, piece); err != nil {
					t.Errorf("%s, pieces of %d: %v", name, n, err)
				}
			}
			if got.String() != text || o.opens != 1 || o.closes != 1 {
				t.Errorf("%s, pieces of %d: %q, opened %d times, closed %d times", name, n, got.String(), o.opens, o.closes)
			}
			done()
			if o.closes != 1 {
				t.Errorf("%s, pieces of %d: closed %d times", name, n, o.closes)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		n    int64
		make func() (io.Reader, error)
		want string
	}{
		{"short", 4, func() (io.Reader, error) { return strings.NewReader("abc"), nil }, "part 1, a stream: it ends after 3 of 4 bytes"},
		{"long", 2, func() (io.Reader, error) { return strings.NewReader("abc"), nil }, "part 1, a stream: it has more than 2 bytes"},
		{"not empty", 0, func() (io.Reader, error) { return strings.NewReader("a"), nil }, "part 1, a stream: it has more than 0 bytes"},
		{"negative", -1, func() (io.Reader, error) { return strings.NewReader(""), nil }, "part 1, a stream: it cannot have -1 bytes"},
		{"breaks", 4, func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), nil
		}, "part 1, a stream: broken"},
		{"breaks at its end", 2, func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), nil
		}, "part 1, a stream: broken"},
		{"does not open", 4, func() (io.Reader, error) { return nil, broken }, "part 1, a stream: it cannot be opened: broken"},
		{"is missing", 4, func() (io.Reader, error) { return nil, fs.ErrNotExist }, "part 1, a stream: it cannot be opened: file does not exist"},
	} {
		o := &opened{make: c.make}
		parts, err := Inline(t.Context(), []rotatelog.Part{rotatelog.Data(nil), rotatelog.Stream(c.n, o.open)})
		if err == nil || err.Error() != c.want || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v, want %q", c.name, parts, err, c.want)
		}
		if failed := c.n < 0 || strings.Contains(c.want, "opened"); o.opens > 1 || !failed && o.closes != 1 {
			t.Errorf("%s: opened %d times, closed %d times", c.name, o.opens, o.closes)
		}
	}
}

func TestFailureIsKept(t *testing.T) {
	o := &opened{make: func() (io.Reader, error) { return nil, io.ErrClosedPipe }}
	parts, done, err := Once([]rotatelog.Part{rotatelog.Stream(3, o.open)})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for range 2 {
		if err := Copy(t.Context(), io.Discard, parts[0]); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v, want ErrClosedPipe", err)
		}
	}
	if o.opens != 1 {
		t.Errorf("opened %d times", o.opens)
	}
}

func TestContextEndsACopy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	o := &opened{make: func() (io.Reader, error) {
		cancel(cause)
		return strings.NewReader("abc"), nil
	}}
	// The end comes between two reads.
	if _, err := Inline(ctx, []rotatelog.Part{rotatelog.Stream(3, func() (io.ReadCloser, error) {
		r, err := o.open()
		return struct {
			io.Reader
			io.Closer
		}{iotest.OneByteReader(r), r}, err
	})}); !errors.Is(err, cause) || o.closes != 1 {
		t.Errorf("%v, closed %d times, want %v", err, o.closes, cause)
	}
}

func TestOtherPartsStay(t *testing.T) {
	given := []rotatelog.Part{rotatelog.Data([]byte("a")), rotatelog.Copy(1, 2), rotatelog.Stream(0, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil })}
	parts, err := Inline(t.Context(), given)
	if err != nil || string(parts[0].Data) != "a" || !parts[1].IsCopy() || parts[2].Data == nil || given[2].Open == nil {
		t.Errorf("%+v became %+v, %v", given, parts, err)
	}
}
