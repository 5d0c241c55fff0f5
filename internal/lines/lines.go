// Package lines splits a text into lines of up to many megabytes without copying them.
package lines

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLong is returned for a line that is longer than it may be.
var ErrTooLong = errors.New("line too long")

const firstBuffer = 256 << 10 // bytes; more is made when a line needs it

// Reader reads lines. Only the byte 0x0A ends one.
type Reader struct {
	r        io.Reader
	max      int
	buf      []byte
	from, to int   // what has been read of r and not yet returned
	offset   int64 // of buf[from] in the text
	err      error // of r
}

// NewReader returns a Reader of r, for lines of up to limit bytes.
func NewReader(r io.Reader, limit int) *Reader { return &Reader{r: r, max: limit} }

// Next returns the next line, with its line end if it has one, which only the last line
// can lack. It is good until the next call. The error is io.EOF after the last line.
func (l *Reader) Next() ([]byte, error) {
	for searched := 0; ; {
		rest := l.buf[l.from:l.to]
		if i := bytes.IndexByte(rest[searched:], '\n'); i >= 0 {
			return l.take(searched + i + 1)
		}
		searched = len(rest)
		switch {
		case searched > l.max:
			return nil, ErrTooLong
		case l.err == io.EOF && searched > 0:
			return l.take(searched)
		case l.err != nil:
			return nil, l.err
		}
		l.fill()
	}
}

// Offset returns how many bytes of the text Next has returned.
func (l *Reader) Offset() int64 { return l.offset }

func (l *Reader) take(n int) ([]byte, error) {
	line := l.buf[l.from : l.from+n]
	l.from += n
	l.offset += int64(n)
	if n > l.max+1 {
		return nil, ErrTooLong
	}
	return line, nil
}

// fill reads more. It makes room first: half of a buffer that a line has filled is too
// little to read large lines fast.
func (l *Reader) fill() {
	if rest := l.to - l.from; l.to == len(l.buf) {
		to := l.buf
		if rest >= len(l.buf)/2 {
			to = make([]byte, max(firstBuffer, 2*len(l.buf)))
		}
		copy(to, l.buf[l.from:l.to])
		l.buf, l.from, l.to = to, 0, rest
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.to:])
		l.to += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
