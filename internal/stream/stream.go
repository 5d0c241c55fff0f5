// Package stream reads the streams among the parts of a Write.
package stream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/missing"
)

// Error is why a stream could not be read.
type Error struct {
	Part int // its index among the parts
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("part %d, a stream: %v", e.Part, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Once returns parts whose streams may be opened many times, to be read piece by
// piece: each piece is a Part with the same Open, and a Len that is smaller. Pieces
// must be read in their order, one at a time. The source is opened before its first
// byte is read, and its length is checked with its last, so that empty streams are
// checked at once. The caller calls done when it needs no more of them.
func Once(parts []rotatelog.Part) (once []rotatelog.Part, done func(), err error) {
	var sources []*source
	done = func() {
		for _, s := range sources {
			s.close()
		}
	}
	once = slices.Clone(parts)
	for i, p := range parts {
		if p.Open == nil || p.Data != nil {
			continue
		}
		s := &source{part: i, open: p.Open, size: p.Len, left: p.Len}
		sources = append(sources, s)
		if p.Len <= 0 {
			s.checkEmpty()
			once[i] = rotatelog.Data(nil)
		}
		if s.err != nil {
			done()
			return nil, nil, s.err
		}
		if p.Len > 0 {
			once[i].Open = func() (io.ReadCloser, error) { return io.NopCloser(s), nil }
		}
	}
	return once, done, nil
}

// source is a stream that is read once. It is safe for one goroutine.
type source struct {
	part       int
	open       func() (io.ReadCloser, error)
	size, left int64
	reader     io.ReadCloser // nil before it is opened, and when it is closed
	err        error         // of opening or reading it
}

// Read implements [io.Reader]. It returns the last bytes only if nothing follows.
func (s *source) Read(p []byte) (int, error) {
	if s.reader == nil && s.err == nil && s.left == s.size {
		s.start()
	}
	switch {
	case s.err != nil:
		return 0, s.err
	case s.left == 0:
		return 0, io.EOF
	}
	n, err := s.reader.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	switch {
	case s.left == 0:
		s.finish(err)
	case err == io.EOF:
		s.fail(fmt.Errorf("it ends after %d of %d bytes", s.size-s.left, s.size))
	case err != nil:
		s.fail(err)
	}
	if s.err != nil {
		return 0, s.err
	}
	return n, nil
}

func (s *source) start() {
	r, err := s.open()
	if err != nil {
		s.fail(fmt.Errorf("it cannot be opened: %w", err))
		return
	}
	s.reader = r
}

// finish checks that nothing follows. err came with the last byte.
func (s *source) finish(err error) {
	var next [1]byte
	n := 0
	for n == 0 && err == nil {
		n, err = s.reader.Read(next[:])
	}
	switch {
	case n > 0:
		s.fail(fmt.Errorf("it has more than %d bytes", s.size))
	case err != io.EOF:
		s.fail(err)
	}
	s.close()
}

func (s *source) checkEmpty() {
	if s.size < 0 {
		s.fail(fmt.Errorf("it cannot have %d bytes", s.size))
		return
	}
	if s.start(); s.err == nil {
		s.finish(nil)
	}
}

func (s *source) fail(err error) { s.err = &Error{s.part, missing.NotObject(err)} }

func (s *source) close() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
}

// Copy writes a piece of a stream to w.
func Copy(ctx context.Context, w io.Writer, p rotatelog.Part) error {
	r, err := p.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyN(w, &reader{ctx, r}, p.Len)
	return err
}

// reader reads until ctx ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Inline returns parts with what the streams among them yield as Data.
func Inline(ctx context.Context, parts []rotatelog.Part) ([]rotatelog.Part, error) {
	parts, done, err := Once(parts)
	if err != nil {
		return nil, err
	}
	defer done()
	for i, p := range parts {
		if p.Open == nil || p.Data != nil {
			continue
		}
		var b bytes.Buffer
		if err := Copy(ctx, &b, p); err != nil {
			return nil, err
		}
		parts[i] = rotatelog.Data(b.Bytes())
	}
	return parts, nil
}
