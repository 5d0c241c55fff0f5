// Package jsonstream reads JSON values from a stream, one at a time, as they come.
package jsonstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog/internal/cutoff"
)

// ErrTooLarge means that a value is larger than the Reader's limit.
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

// Reader reads the JSON values of a stream: on separate lines, one right after the
// other, or as the elements of an array. Values may span lines. A top-level array is
// not a value itself, but each of its elements is. Arrays within values are part of
// the value. A byte order mark may precede any value.
//
// Nothing is skipped silently: each byte of the input is in a value, in a stretch
// that Resync skips, or is white space, a byte order mark, or the punctuation of a
// top-level array.
//
// Memory is in proportion to the longest value, or to the limit if a value exceeds
// it. A Reader must not be used by several goroutines at once.
type Reader struct {
	src    io.Reader
	srcErr error // why there is nothing more to read from src
	max    int64
	buf    []byte // what was read; buf[pos:] is not consumed yet
	pos    int

	next   Position // of buf[pos], except for what window has handed out
	indent int      // how much white space the line of next begins with
	blank  bool     // nothing but white space on that line yet

	state  state
	window window
	dec    *jsontext.Decoder
	end    int64  // Offset
	failed *Error // what Next keeps returning until Resync
	missed bool   // failed is about the comma before the value, not the value
}

// state is what the bytes before the next value were.
type state int

const (
	topLevel     state = iota // none, or a whole value or array
	afterOpen                 // the bracket that opens an array
	afterElement              // an element of an array
	afterComma                // the comma that follows one
)

// NewReader returns a Reader of r that accepts values of up to max bytes; 0 means no
// limit.
func NewReader(r io.Reader, max int64) *Reader {
	return &Reader{src: r, max: max, next: Position{Line: 1}, blank: true, dec: new(jsontext.Decoder)}
}

// Next returns the next value, without white space around it, and where it begins. It
// is valid JSON, though perhaps not valid UTF-8, and lasts until the next call. Next
// returns a value as soon as its last byte has been read; for a number, as soon as the
// byte after it has.
//
// At the end of the input Next returns io.EOF. Any other error is an [*Error];
// Next keeps returning it until Resync is called. It matches
// [io.ErrUnexpectedEOF] if the input ends within a value or array, and
// [ErrTooLarge] if the value is larger than the limit.
func (r *Reader) Next() (value []byte, at Position, err error) {
	if r.failed != nil {
		return nil, r.failed.Position, r.failed
	}
	for {
		c, err := r.peek()
		inArray := r.state != topLevel
		switch {
		case err == io.EOF && !inArray:
			r.end = r.next.Offset
			return nil, r.next, io.EOF
		case err == io.EOF:
			return nil, r.next, r.fail(cutoff.Errorf("cut off: the array is not closed"))
		case err != nil:
			return nil, r.next, r.fail(err)
		case c == '[' && !inArray:
			r.step(afterOpen)
		case c == ']' && (r.state == afterOpen || r.state == afterElement):
			r.step(topLevel)
		case c == ',' && r.state == afterElement:
			r.step(afterComma)
		case r.state == afterElement && beginsValue(c):
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

// beginsValue reports whether c is the first byte of some JSON value.
func beginsValue(c byte) bool {
	return '0' <= c && c <= '9' || bytes.IndexByte([]byte(`{["-tfn`), c) >= 0
}

// Resync lets Next continue after an error. It skips a stretch that begins at the
// Position of the error, and returns where it ends. Next continues
//
//   - after the failed value, if its brackets are balanced, or closed in the wrong
//     order;
//   - otherwise, after something that is not a value, at the next brace or bracket
//     outside strings and not after a colon; after a failed element of an array, at the
//     next comma or ];
//   - or at the next line that starts with an opening brace or bracket. White space may
//     precede it, but no more than before the failed value's line: what is indented
//     deeper is most likely a part of that value.
//
// If there is none of these, Resync returns io.EOF, and so does Next from then on. Any
// other error means that the input cannot be read.
//
// A value that failed only because the comma before it is missing is not skipped.
func (r *Reader) Resync() (end int64, err error) {
	if r.failed == nil {
		return r.next.Offset, nil
	}
	if !r.missed {
		end, err = r.skipStretch()
	} else if end = r.next.Offset; r.blank { // values on lines without commas are not an array
		r.state = topLevel
	} else {
		r.state = afterComma
	}
	if err == nil || err == io.EOF {
		r.failed, r.missed = nil, false
	}
	return end, err
}

// skipStretch skips the stretch that begins with the failed value.
func (r *Reader) skipStretch() (end int64, err error) {
	end = r.next.Offset
	s := stretch{inArray: r.state != topLevel, afterComma: r.state == afterComma}
	for indent := r.indent; ; {
		if err := r.fill(); err != nil {
			if err == io.EOF {
				r.state = topLevel
			}
			return end, err
		}
		n, next, stop := s.scan(r.buf[r.pos:])
		if black := bytes.TrimRight(r.buf[r.pos:r.pos+n], " \t\r\n"); len(black) > 0 {
			end = r.next.Offset + int64(len(black))
		}
		r.skip(n)
		if stop {
			r.state = next
			return end, nil
		}
		if c, err := r.lineStart(); err == nil && r.indent <= indent && (c == '{' || c == '[' && !s.inArray) {
			r.state = s.between(afterComma)
			return end, nil
		}
	}
}

// lineStart returns the first byte of a line after white space, and an error
// within a line.
func (r *Reader) lineStart() (byte, error) {
	if !r.blank {
		return 0, errNoLine
	}
	return r.peek()
}

var errNoLine = errors.New("not at the start of a line")

// stretch is the state of scanning a stretch of input that is skipped.
type stretch struct {
	inArray, afterComma bool   // where it begins
	began               bool   // its first byte was seen
	open                []byte // the brackets that are open, innermost last
	deeper              int    // how many more are open than open remembers
	quoted, escaped     bool   // within a string, after a backslash
	colon               bool   // the last byte but white space was a colon
	member              bool   // the open value is a member's, so its end ends nothing
}

// mostOpen is how many brackets a stretch remembers.
const mostOpen = 10_000

// scan returns how many bytes of b, which is not empty, belong to the stretch. It
// stops at its end, and then next is what the bytes before were, and after each
// line.
func (s *stretch) scan(b []byte) (n int, next state, stop bool) {
	for i, c := range b {
		first := !s.began
		s.began = true
		switch {
		case c == '\n':
			s.quoted, s.escaped = false, false // no string has one
			return i + 1, 0, false
		case s.quoted: // brackets and commas mean nothing
			s.quoted = s.escaped || c != '"'
			s.escaped = !s.escaped && c == '\\'
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			if s.depth() == 0 {
				if s.member = s.colon; !first && !s.member {
					return i, s.between(afterComma), true
				}
			}
			s.push(c)
		case (c == '}' || c == ']') && s.depth() > 0:
			if s.pop(c); s.depth() == 0 && !s.member {
				return i + 1, s.between(afterElement), true
			}
		case c == ']' && first && s.afterComma: // it ends the array all the same
			return i + 1, topLevel, true
		case (c == ',' || c == ']') && !first && s.inArray && s.depth() == 0:
			return i, afterElement, true
		}
		s.colon = c == ':' || s.colon && (c == ' ' || c == '\t' || c == '\r')
	}
	return len(b), 0, false
}

// between returns the state in an array, or outside.
func (s *stretch) between(inArray state) state {
	if s.inArray {
		return inArray
	}
	return topLevel
}

func (s *stretch) depth() int { return len(s.open) + s.deeper }

func (s *stretch) push(c byte) {
	if len(s.open) < mostOpen {
		s.open = append(s.open, c)
	} else {
		s.deeper++
	}
}

// pop closes the innermost bracket that c closes, and those within it.
func (s *stretch) pop(c byte) {
	if s.deeper > 0 {
		s.deeper--
		return
	}
	opening := byte('{')
	if c == ']' {
		opening = '['
	}
	if i := bytes.LastIndexByte(s.open, opening); i >= 0 {
		s.open = s.open[:i]
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

// fail records what is wrong with the value at next.
func (r *Reader) fail(err error) error {
	if serr, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = fmt.Errorf("%w, %d bytes into the value", serr.Err, serr.ByteOffset)
		if serr.Err == io.ErrUnexpectedEOF {
			err = cutoff.Errorf("cut off %d bytes into the value", serr.ByteOffset)
		}
	}
	r.failed = &Error{r.next, err}
	return r.failed
}

// window is the reader from which the decoder reads one value. It hands out little
// more than the value: first a bit, then each time as much as before in total.
type window struct {
	r      *Reader
	served int   // bytes handed out
	err    error // why there are no more
}

func (w *window) Read(p []byte) (int, error) {
	const little = 1 << 10
	n := max(little, w.served)
	if w.r.max > 0 {
		// One byte more than the limit: it shows that a value is too large, and
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

// fill makes sure that buf[pos:] is not empty.
func (r *Reader) fill() error {
	const size = 64 << 10
	if r.pos < len(r.buf) {
		return nil
	}
	if cap(r.buf) != size {
		r.buf = make([]byte, size)
	}
	r.pos = 0
	for range 100 { // as in bufio
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

// skipBOM steps over a byte order mark, and reports whether there was one.
func (r *Reader) skipBOM() bool {
	const bom = "\uFEFF"
	if r.buf[r.pos] != bom[0] { // no other JSON begins like this, so waiting for more delays no value
		return false
	}
	for len(r.buf)-r.pos < len(bom) {
		rest := slices.Clone(r.buf[r.pos:])
		r.pos = len(r.buf)
		err := r.fill()
		r.buf, r.pos = append(rest, r.buf[r.pos:]...), 0
		if err != nil {
			break
		}
	}
	if !bytes.HasPrefix(r.buf[r.pos:], []byte(bom)) {
		return false
	}
	r.pos += len(bom)
	r.next.Offset += int64(len(bom)) // the line is as blank as before
	return true
}

// peek steps over white space and byte order marks, and returns the byte after
// them.
func (r *Reader) peek() (byte, error) {
	for {
		if err := r.fill(); err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(r.buf[r.pos:], " \t\r\n")
		r.skip(len(r.buf) - r.pos - len(rest))
		if len(rest) > 0 && !r.skipBOM() {
			return r.buf[r.pos], nil
		}
	}
}

// step steps over the one byte that leads to the state s.
func (r *Reader) step(s state) {
	r.skip(1)
	r.state = s
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
