package packed

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// text returns a reader of the text of compressed pieces, which r must end
// with. It holds a window, and without concurrency has nothing to be closed.
func (f Format) text(r io.Reader) (io.Reader, error) {
	if f == Zstd {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdWindow))
	}
	// A final block without text: whatever stands before it must end at a byte
	// boundary, and be none itself.
	in := bufio.NewReader(io.MultiReader(r, bytes.NewReader(f.storedHeader(0, true))))
	return &inflater{in, flate.NewReader(in)}, nil
}

// inflater is a reader of deflated text that must go on to the end of in.
type inflater struct {
	in   *bufio.Reader // flate takes from it no more than it uses
	text io.Reader
}

// Read implements io.Reader.
func (f *inflater) Read(p []byte) (int, error) {
	n, err := f.text.Read(p)
	if err == io.EOF {
		if _, more := f.in.ReadByte(); more != io.EOF {
			err = errors.New("there is more after the final block")
		}
	}
	return n, err
}

// MaxFrame is how long the text of a head or a tail can be, in bytes. Our fields
// take no more than a part of it, so that an append cannot make them too long.
const MaxFrame = 4 << 10

// Reader reads the text of a compressed object, and finds its pieces on the
// way. The head tells how long it is. The tail is somewhere in the last bytes of
// the object, which therefore are read apart.
//
// All between the two is read by a decoder that knows nothing of the head, and
// has to end where the tail begins. So if the text is that of a day's object,
// and its entries are what is between, then those bytes can be copied.
type Reader struct {
	// What follows is known when all of the text has been read.

	Head, Tail []byte   // their texts
	Begin      []byte   // the head as it is in the object
	End        []byte   // the tail as it is in the object
	Entries    Checksum // of the text between

	format Format
	r      *bufio.Reader
	size   int64 // of the object
	text   io.Reader
}

// NewReader returns a Reader of an object of that many bytes.
func NewReader(f Format, r io.Reader, size int64) *Reader {
	return &Reader{format: f, r: bufio.NewReaderSize(r, 64<<10), size: size}
}

// errStrange is about bytes that no Writer writes around the entries.
var errStrange = errors.New("it is not compressed as a Writer does it")

// Read implements io.Reader.
func (u *Reader) Read(p []byte) (int, error) {
	if u.text == nil {
		if err := u.open(); err != nil {
			return 0, err
		}
	}
	return u.text.Read(p)
}

// open reads the head, and sets text.
func (u *Reader) open() error {
	if err := u.readHead(); err != nil {
		return err
	}
	sure := max(u.size-int64(len(u.Begin))-maxEnd, 0) // bytes that are before the tail
	entries, err := u.format.text(io.MultiReader(io.LimitReader(u.r, sure), &later{open: u.openEnd}))
	if err != nil {
		return err
	}
	tail := func() (io.Reader, error) { return bytes.NewReader(u.Tail), nil }
	u.text = io.MultiReader(bytes.NewReader(u.Head), io.TeeReader(entries, &u.Entries), &later{open: tail})
	return nil
}

func (u *Reader) readHead() error {
	at := len(u.format.beginning())
	b := make([]byte, at+len(u.format.storedHeader(0, false)))
	if _, err := io.ReadFull(u.r, b); u.size == 0 {
		return errors.New("the object is empty")
	} else if err != nil {
		return errStrange
	}
	n := u.format.storedLen(b[at:])
	if n > MaxFrame {
		return errStrange
	}
	rest := make([]byte, n+u.format.headEnd())
	if _, err := io.ReadFull(u.r, rest); err != nil {
		return errStrange
	}
	u.Head, u.Begin = rest[:n], append(b, rest...)
	if want, _ := u.format.Frame(u.Head, nil, Checksum{}); !bytes.Equal(u.Begin, want) {
		return errStrange
	}
	return nil
}

// maxEnd is how many bytes of an object the tail takes at most.
const maxEnd = MaxFrame + 32

// openEnd reads the last bytes of the object, and returns those that are before
// the tail.
func (u *Reader) openEnd() (io.Reader, error) {
	last := make([]byte, max(min(u.size-int64(len(u.Begin)), maxEnd), 0))
	if _, err := io.ReadFull(u.r, last); err != nil {
		return nil, err
	}
	if _, err := u.r.ReadByte(); err != io.EOF {
		return nil, errStrange // it is longer than it should be, or that is not known
	}
	text := last[:max(len(last)-u.format.tailEnd(), 0)]
	for n := range min(len(text), MaxFrame) + 1 {
		before, ok := bytes.CutSuffix(text[:len(text)-n], u.format.storedHeader(n, true))
		if ok {
			u.Tail, u.End = text[len(text)-n:], last[len(before):]
			return bytes.NewReader(before), nil
		}
	}
	return nil, errStrange
}

// later is a reader that is opened when it is first read.
type later struct {
	open func() (io.Reader, error)
	r    io.Reader
}

// Read implements io.Reader.
func (l *later) Read(p []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			return 0, err
		}
		l.r = r
	}
	return l.r.Read(p)
}
