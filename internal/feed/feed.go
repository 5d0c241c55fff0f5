// Package feed reads JSON values from a stream, one at a time, as they come.
package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrTooLarge: a value is larger than the Reader's limit.
var ErrTooLarge = errors.New("value too large")

// Position is a place in the input.
type Position struct {
	Line   int   // from 1
	Offset int64 // in bytes, from 0
}

// Error says what is wrong with the value that begins at Position.
type Error struct {
	Position
	Err error
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, offset %d: %v", e.Line, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reader reads the JSON values of a stream: one to a line, one after the other,
// or as the elements of an array. Values may span lines and may touch. A
// top-level array is not a value itself; its elements are, and come one by one.
// Arrays within values are left alone.
//
// Memory is in proportion to the longest value, or the limit where a value
// exceeds that. A Reader must not be used by several goroutines at once.
type Reader struct {
	src    io.Reader
	srcErr error // why there is nothing more to read from src
	max    int64
	buf    []byte // what was read; buf[pos:] is not consumed yet
	pos    int

	next   Position // of buf[pos], but for what window has handed out
	indent int      // how much white space the line of next begins with
	blank  bool     // nothing but white space on that line yet

	state  state
	window window
	dec    *jsontext.Decoder
	end    int64  // Offset
	failed *Error // what Next keeps returning until Resync
	missed bool   // failed is about what stands before the value, not the value
}

// state is what the bytes before the next value were.
type state int

const (
	topLevel     state = iota // none, or a whole value or array
	afterOpen                 // the bracket that opens an array
	afterElement              // an element of an array
	afterComma                // the comma that follows one
)

// NewReader returns a Reader of r that takes values of up to max bytes; 0 means
// that there is no limit.
func NewReader(r io.Reader, max int64) *Reader {
	return &Reader{src: r, max: max, next: Position{Line: 1}, blank: true, dec: new(jsontext.Decoder)}
}

// Next returns the next value, without white space around it, and where it
// begins. It is valid JSON, though perhaps not valid UTF-8, and lasts until the
// next call. Next returns it when its last byte has been read, a number when
// the byte after it has.
//
// At the end of the input Next returns io.EOF. Any other error is an [*Error];
// Next returns it again and again until Resync is called. It matches
// [io.ErrUnexpectedEOF] if the input ends within a value or array, and
// [ErrTooLarge] if the value is larger than the limit.
func (r *Reader) Next() (value []byte, at Position, err error) {
	if r.failed != nil {
		return nil, r.failed.Position, r.failed
	}
	if err := r.skipBOM(); err != nil && err != io.EOF {
		return nil, r.next, r.fail(err)
	}
	for {
		c, err := r.peek()
		inArray := r.state != topLevel
		switch {
		case err == io.EOF && !inArray:
			r.end = r.next.Offset
			return nil, r.next, io.EOF
		case err == io.EOF:
			return nil, r.next, r.fail(fmt.Errorf("array not closed: %w", io.ErrUnexpectedEOF))
		case err != nil:
			return nil, r.next, r.fail(err)
		case c == '[' && !inArray:
			r.step(afterOpen)
		case c == ']' && (r.state == afterOpen || r.state == afterElement):
			r.step(topLevel)
		case c == ',' && r.state == afterElement:
			r.step(afterComma)
		case r.state == afterElement:
			r.missed = true
			return nil, r.next, r.fail(fmt.Errorf("want a comma or ] after an array element, found %q", c))
		default:
			return r.value()
		}
	}
}

// Offset returns where the last value that Next returned ends in the input, or,
// once Next has returned io.EOF, where the input ends.
func (r *Reader) Offset() int64 { return r.end }

// Resync lets Next go on after an error: with the next line that starts with
// an opening brace, below the one on which the failed value begins. White space
// may stand before the brace, but no more than before the failed value's line:
// what is indented deeper is most likely a part of that value. If there is no
// such line, Resync returns io.EOF, and so does Next from then on. Any other
// error means that the input cannot be read.
//
// A value that failed only for want of a comma before it is not left out if it
// starts its line.
func (r *Reader) Resync() error {
	if r.failed == nil {
		return nil
	}
	if r.missed { // values without commas are no array
		r.state = topLevel
	}
	indent := r.indent
	for skip := !r.missed; ; skip = true {
		if skip {
			r.skipLine()
		}
		c, err := r.peek()
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF {
			r.state = topLevel
		}
		if err == io.EOF || c == '{' && r.blank && r.indent <= indent {
			r.resume()
			return err
		}
	}
}

// resume forgets the failure. Within an array, a value has to come first.
func (r *Reader) resume() {
	r.failed, r.missed = nil, false
	if r.state != topLevel {
		r.state = afterComma
	}
}

// value reads the value that begins at buf[pos].
func (r *Reader) value() ([]byte, Position, error) {
	r.window = window{r: r}
	r.dec.Reset(&r.window, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	at := r.next
	v, err := r.dec.ReadValue()
	switch {
	case r.window.err != nil && r.window.err != io.EOF: // not as the decoder words it
		err = r.window.err
	case err == nil && r.max > 0 && int64(len(v)) > r.max:
		err = r.tooLarge()
	}
	if err != nil {
		r.unread(v, r.dec.UnreadBuffer())
		return nil, at, r.fail(err)
	}
	r.pos -= len(r.dec.UnreadBuffer()) // part of what was last copied from buf
	r.pass(v)
	r.end = r.next.Offset
	if r.state != topLevel {
		r.state = afterElement
	}
	return v, at, nil
}

func (r *Reader) tooLarge() error { return fmt.Errorf("%w: over %d bytes", ErrTooLarge, r.max) }

// unread puts back what the decoder took: v and then rest.
func (r *Reader) unread(v, rest []byte) {
	if n := len(v) + len(rest); n <= r.pos { // buf still has it
		r.pos -= n
		return
	}
	r.buf = slices.Concat(v, rest, r.buf[r.pos:])
	r.pos = 0
}

// fail notes what is wrong with the value at next.
func (r *Reader) fail(err error) error {
	if serr, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = fmt.Errorf("%w, %d bytes into the value", serr.Err, serr.ByteOffset)
	}
	r.failed = &Error{r.next, err}
	return r.failed
}

// window is what the decoder reads one value from. It hands out little more
// than the value: at first a bit, then as much again as before.
type window struct {
	r      *Reader
	served int   // bytes handed out
	err    error // why there are no more
}

func (w *window) Read(p []byte) (int, error) {
	const little = 1 << 10
	n := max(little, w.served)
	if w.r.max > 0 {
		// One byte more than may be: it tells a value that is too large, and
		// ends a number that is not.
		left := w.r.max + 1 - int64(w.served)
		if left <= 0 {
			w.err = w.r.tooLarge()
			return 0, w.err
		}
		n = int(min(int64(n), left))
	}
	if w.err = w.r.fill(); w.err != nil {
		return 0, w.err
	}
	n = copy(p[:min(n, len(p))], w.r.buf[w.r.pos:])
	w.r.pos += n
	w.served += n
	return n, nil
}

// fill sees to it that buf[pos:] is not empty.
func (r *Reader) fill() error {
	const size = 64 << 10
	if r.pos < len(r.buf) {
		return nil
	}
	if cap(r.buf) != size {
		r.buf = make([]byte, size)
	}
	r.pos = 0
	for range 100 { // as bufio has it
		if r.buf = r.buf[:0]; r.srcErr != nil {
			return r.srcErr
		}
		n, err := r.src.Read(r.buf[:size])
		r.srcErr = err
		if r.buf = r.buf[:n]; n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// skipBOM steps over a byte order mark at the start of the input. Nothing else
// that begins with its first byte is JSON.
func (r *Reader) skipBOM() error {
	const bom = "\uFEFF"
	if r.next.Offset > 0 {
		return nil
	}
	for i := range len(bom) {
		err := r.fill()
		switch {
		case err == io.EOF && i > 0:
			return fmt.Errorf("in the byte order mark: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return err
		case r.buf[r.pos] != bom[i] && i > 0:
			return fmt.Errorf("want a byte order mark, found %q", r.buf[r.pos])
		case r.buf[r.pos] != bom[i]:
			return nil
		}
		r.pos++
		r.next.Offset++
	}
	return nil
}

// peek steps over white space and returns the byte after it.
func (r *Reader) peek() (byte, error) {
	for {
		if err := r.fill(); err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(r.buf[r.pos:], " \t\r\n")
		r.skip(len(r.buf) - r.pos - len(rest))
		if len(rest) > 0 {
			return rest[0], nil
		}
	}
}

// step steps over the one byte that leads to the state s.
func (r *Reader) step(s state) {
	r.skip(1)
	r.state = s
}

// skipLine steps over the rest of the line, or of the input.
func (r *Reader) skipLine() {
	for r.fill() == nil { // the error is there to stay
		if i := bytes.IndexByte(r.buf[r.pos:], '\n'); i >= 0 {
			r.skip(i + 1)
			return
		}
		r.skip(len(r.buf) - r.pos)
	}
}

// skip steps over n bytes of buf.
func (r *Reader) skip(n int) {
	r.pass(r.buf[r.pos : r.pos+n])
	r.pos += n
}

// pass moves next to the end of b, the bytes that begin there.
func (r *Reader) pass(b []byte) {
	r.next.Offset += int64(len(b))
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		r.next.Line += bytes.Count(b, []byte{'\n'})
		r.indent, r.blank = 0, true
		b = b[i+1:]
	}
	if r.blank {
		rest := bytes.TrimLeft(b, " \t\r")
		r.indent += len(b) - len(rest)
		r.blank = len(rest) == 0
	}
}
