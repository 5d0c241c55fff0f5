package packed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxFrame is the maximum length of the text of a head or a tail, in bytes. Our
// fields use only part of it, so that an append cannot make them too long.
const MaxFrame = 4 << 10

// maxEnd is the maximum number of bytes that the tail takes in an object.
const maxEnd = MaxFrame + 32

// errForeign means that a Writer would not have written these bytes around the
// entries.
var errForeign = errors.New("it is not compressed as a Writer does it")

// Reader reads the text of a compressed object, and finds its pieces on the
// way, in three phases: the head, which says how long it is; the entries; and the
// tail, which is somewhere in the last bytes of the object.
//
// The entries are read by a decoder that knows nothing of the head, and has to end
// where the tail begins. So if the text is that of a day's object, and its entries
// are what is between, then those bytes can be copied.
type Reader struct {
	// What follows is known when all of the text has been read.

	Head, Tail []byte   // their texts
	Begin      []byte   // the head as it is in the object
	End        []byte   // the tail as it is in the object
	Entries    Checksum // of the text between

	format Format
	in     *bufio.Reader
	size   int64     // of the object
	phase  phase     // that text belongs to
	text   io.Reader // of the phase
}

type phase int

const (
	unread phase = iota
	inHead
	inEntries
	inTail
)

// NewReader returns a Reader of an object of that many bytes.
func NewReader(f Format, r io.Reader, size int64) *Reader {
	return &Reader{format: f, in: bufio.NewReaderSize(r, 64<<10), size: size, text: bytes.NewReader(nil)}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for {
		n, err := r.text.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the next phase. After the last it returns io.EOF.
func (r *Reader) next() error {
	switch r.phase {
	case unread:
		if err := r.readHead(); err != nil {
			return err
		}
		r.text = bytes.NewReader(r.Head)
	case inHead:
		sure := max(r.size-int64(len(r.Begin))-maxEnd, 0) // bytes that are before the tail
		entries, err := r.format.text(&beforeTail{from: r, sure: sure})
		if err != nil {
			return err
		}
		r.text = io.TeeReader(entries, &r.Entries)
	case inEntries:
		if r.End == nil {
			return errForeign
		}
		r.text = bytes.NewReader(r.Tail)
	default:
		return io.EOF
	}
	r.phase++
	return nil
}

// readHead reads the head, and makes sure that a Writer wrote it.
func (r *Reader) readHead() error {
	at := len(r.format.beginning())
	b := make([]byte, at+len(r.format.storedHeader(0, false)))
	if _, err := io.ReadFull(r.in, b); r.size == 0 {
		return errors.New("the object is empty")
	} else if err != nil {
		return errForeign
	}
	n := r.format.storedLen(b[at:])
	if n > MaxFrame {
		return errForeign
	}
	rest := make([]byte, n+r.format.headEnd())
	if _, err := io.ReadFull(r.in, rest); err != nil {
		return errForeign
	}
	r.Head, r.Begin = rest[:n], append(b, rest...)
	if want, _ := r.format.Frame(r.Head, nil, Checksum{}); !bytes.Equal(r.Begin, want) {
		return errForeign
	}
	return nil
}

// beforeTail reads the bytes of the object between its head and its tail.
type beforeTail struct {
	from *Reader
	sure int64         // how many of them can be read without looking for the tail
	rest *bytes.Reader // the others, once the tail was found
}

// Read implements io.Reader.
func (b *beforeTail) Read(p []byte) (int, error) {
	if b.sure > 0 {
		n, err := b.from.in.Read(p[:min(int64(len(p)), b.sure)])
		b.sure -= int64(n)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	if b.rest == nil {
		rest, err := b.from.readTail()
		if err != nil {
			return 0, err
		}
		b.rest = bytes.NewReader(rest)
	}
	return b.rest.Read(p)
}

// readTail reads the last bytes of the object, and returns those that are before
// the tail.
func (r *Reader) readTail() (before []byte, err error) {
	last := make([]byte, max(min(r.size-int64(len(r.Begin)), maxEnd), 0))
	if _, err := io.ReadFull(r.in, last); err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	} else if err != nil {
		return nil, err
	}
	if _, err := r.in.ReadByte(); err != io.EOF {
		return nil, errForeign // it is longer than it should be, or that is not known
	}
	text := last[:max(len(last)-r.format.tailEnd(), 0)]
	for n := range min(len(text), MaxFrame) + 1 {
		before, ok := bytes.CutSuffix(text[:len(text)-n], r.format.storedHeader(n, true))
		if ok {
			r.Tail, r.End = text[len(text)-n:], last[len(before):]
			return before, nil
		}
	}
	return nil, errForeign
}
