package daytext

import (
	"bufio"
	"fmt"
	"io"
)

// Lines reads lines, which end at byte 0x0A only.
type Lines struct {
	r    *bufio.Reader
	max  int
	line []byte // a line longer than the reader's buffer
	at   int64  // where the next line begins
}

// NewLines returns a reader of the lines of r, each of at most max bytes.
func NewLines(r io.Reader, max int64) *Lines {
	return &Lines{r: bufio.NewReaderSize(r, 256<<10), max: int(max)}
}

// TooLong is the error of a line that is longer than it may be.
type TooLong struct{ Offset, Max int64 }

// Error says where the line begins.
func (e TooLong) Error() string {
	return fmt.Sprintf("the line at byte %d is longer than %d bytes", e.Offset, e.Max)
}

// Next returns the next line without its end, which is good until the next call, and
// where it begins. The error is [io.EOF] after the last line, and [io.ErrUnexpectedEOF]
// with a line that has no end.
func (l *Lines) Next() (line []byte, at int64, err error) {
	at = l.at
	line, err = l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.line = append(l.line[:0], line...)
		for err == bufio.ErrBufferFull && len(l.line) <= l.max {
			line, err = l.r.ReadSlice('\n')
			l.line = append(l.line, line...)
		}
		line = l.line
	}
	l.at += int64(len(line))
	switch {
	case len(line) > l.max+1:
		return nil, at, TooLong{at, int64(l.max)}
	case err == io.EOF && len(line) > 0:
		return line, at, io.ErrUnexpectedEOF
	case err != nil:
		return nil, at, err
	}
	return line[:len(line)-1], at, nil
}

// Offset returns where the next line begins.
func (l *Lines) Offset() int64 { return l.at }
