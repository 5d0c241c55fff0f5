package rotatelog

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// unpack returns a reader of the text of compressed pieces, which r must end
// with. It holds a window, and without concurrency has nothing to be closed.
func (c Compression) unpack(r io.Reader) (io.Reader, error) {
	if c == Zstd {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdWindow))
	}
	// A final block without text: whatever stands before it must end at a byte
	// boundary, and be none itself.
	in := bufio.NewReader(io.MultiReader(r, bytes.NewReader(c.storedHeader(0, true))))
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

// maxFrame is how long the text of a head or a tail can be, in bytes. Our fields
// take no more than a part of it, so that an append cannot make them too long.
const maxFrame = 4 << 10

func (d document) shortFrame() bool { return len(d.appendFields(nil)) <= maxFrame/4 }

// unpacked reads the text of a compressed object, and finds its pieces on the
// way. The head tells how long it is. The tail is somewhere in the last bytes of
// the object, which therefore are read apart.
//
// All between the two is read by a decoder that knows nothing of the head, and
// has to end where the tail begins. So if the text is that of a day's object,
// and its entries are what is between, then those bytes can be copied.
type unpacked struct {
	pack Compression
	r    *bufio.Reader
	size int64 // of the object

	text       io.Reader
	head, tail []byte   // their texts
	begin      []byte   // the head as it stands in the object
	end        []byte   // the tail, too
	entries    checksum // of the text between
}

func newUnpacked(c Compression, r io.Reader, size int64) *unpacked {
	return &unpacked{pack: c, r: bufio.NewReaderSize(r, 64<<10), size: size}
}

// errStrange is about bytes that no Writer writes around the entries.
var errStrange = errors.New("it is not compressed as a Writer does it")

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	if u.text == nil {
		if err := u.open(); err != nil {
			return 0, err
		}
	}
	return u.text.Read(p)
}

// open reads the head, and sets text.
func (u *unpacked) open() error {
	if err := u.readHead(); err != nil {
		return err
	}
	sure := max(u.size-int64(len(u.begin))-maxEnd, 0) // bytes that are before the tail
	entries, err := u.pack.unpack(io.MultiReader(io.LimitReader(u.r, sure), &later{open: u.openEnd}))
	if err != nil {
		return err
	}
	tail := func() (io.Reader, error) { return bytes.NewReader(u.tail), nil }
	u.text = io.MultiReader(bytes.NewReader(u.head), io.TeeReader(entries, &u.entries), &later{open: tail})
	return nil
}

func (u *unpacked) readHead() error {
	at := len(u.pack.beginning())
	b := make([]byte, at+len(u.pack.storedHeader(0, false)))
	if _, err := io.ReadFull(u.r, b); u.size == 0 {
		return errors.New("the object is empty")
	} else if err != nil {
		return errStrange
	}
	n := u.pack.storedLen(b[at:])
	if n > maxFrame {
		return errStrange
	}
	rest := make([]byte, n+u.pack.headEnd())
	if _, err := io.ReadFull(u.r, rest); err != nil {
		return errStrange
	}
	u.head, u.begin = rest[:n], append(b, rest...)
	if want, _ := u.pack.frame(u.head, nil, checksum{}); !bytes.Equal(u.begin, want) {
		return errStrange
	}
	return nil
}

// maxEnd is how many bytes of an object the tail takes at most.
const maxEnd = maxFrame + 32

// openEnd reads the last bytes of the object, and returns those that are before
// the tail.
func (u *unpacked) openEnd() (io.Reader, error) {
	last := make([]byte, max(min(u.size-int64(len(u.begin)), maxEnd), 0))
	if _, err := io.ReadFull(u.r, last); err != nil {
		return nil, err
	}
	if _, err := u.r.ReadByte(); err != io.EOF {
		return nil, errStrange // it is longer than it should be, or that is not known
	}
	text := last[:max(len(last)-u.pack.tailEnd(), 0)]
	for n := range min(len(text), maxFrame) + 1 {
		before, ok := bytes.CutSuffix(text[:len(text)-n], u.pack.storedHeader(n, true))
		if ok {
			u.tail, u.end = text[len(text)-n:], last[len(before):]
			return bytes.NewReader(before), nil
		}
	}
	return nil, errStrange
}

// document makes of what was read of the text, all of it, what must be known of
// the object.
func (u *unpacked) document(text document) (document, error) {
	if text.layout() == foreign || text.begin != int64(len(u.head)) || text.end != text.size-int64(len(u.tail)) {
		return document{}, errors.New("it is not in the layout of a Writer")
	}
	if _, end := u.pack.frame(u.head, u.tail, u.entries); !bytes.Equal(end, u.end) {
		return document{}, errors.New("its checksum is wrong")
	}
	d := text
	d.pack, d.sum = u.pack, u.entries
	d.fields, d.tail = span{}, ""
	d.size, d.begin, d.end = u.size, int64(len(u.begin)), u.size-int64(len(u.end))
	if !d.shortFrame() {
		return document{}, errors.New("its upload_timestamps are too long")
	}
	return d, nil
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
