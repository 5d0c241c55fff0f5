package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"example.com/rotatelog/internal/lines"
	"example.com/rotatelog/internal/packed"
)

// errDamaged is matched by errors about a text that no Writer has left.
var errDamaged = damaged("damaged")

// lineSource reads the uploads of an object that a Writer began, line by line: the head of
// an upload is a line, and each of its fetches. It parses no fetch. Positions are counted
// in the text of the entries, from their beginning: in each longer version of the object
// an entry has the same.
type lineSource struct {
	day    *DayReader
	r      *versionReader
	packed *packed.Reader // nil if the object is not compressed
	text   *lines.Reader
	from   int64 // position of the first byte of text

	begin    int64 // of the entries, in the object being read
	length   int64 // of the entries, when the day was opened
	moved    bool  // the object being read has replaced the day's
	searches bool  // positions are of this version only: it is not continued in another

	state  lineState
	left   int  // fetches of the upload that were not read
	found  bool // the upload was found by a search, and is the next
	upload *Upload
	headAt int64  // position of its head
	head   []byte // with its line end
	err    error  // after which there is nothing more
}

// lineState says what the next line is.
type lineState int

const (
	lineAny   lineState = iota // something that a search has come upon
	lineFirst                  // the rest of the line that the array begins on
	lineEntry                  // a head or, before the first, the end of the array
	lineHead
	lineFetch
	lineEnd // the end of the array
)

// newLineSource returns the uploads of d from the first on.
func newLineSource(ctx context.Context, d *DayReader) *lineSource {
	if d.day.pack == Uncompressed {
		return newLineSourceAt(ctx, d, d, 0, lineFirst)
	}
	s := &lineSource{day: d, r: d.read(ctx, d.object, 0, d.object.Size), state: lineFirst}
	s.packed = packed.NewReader(d.day.pack.format(), s.r, d.object.Size)
	s.text = lines.NewReader(s.packed, s.maxLine())
	return s
}

// newLineSourceAt returns the uploads of an object that is not compressed from a position
// on. They are read of now, which is d or has replaced it.
func newLineSourceAt(ctx context.Context, d, now *DayReader, pos int64, state lineState) *lineSource {
	s := &lineSource{day: d, length: d.doc.end - d.doc.begin, state: state}
	s.readFrom(ctx, now, pos)
	return s
}

// readFrom continues at a position of now, up to where the entries ended when the day was
// opened.
func (s *lineSource) readFrom(ctx context.Context, now *DayReader, pos int64) {
	s.begin, s.from = now.doc.begin, pos
	end := now.object.Size
	if s.moved = now != s.day; s.moved {
		s.from, end = min(pos, s.length), s.begin+s.length
	}
	s.r = now.read(ctx, now.object, s.begin+s.from, end)
	s.text = lines.NewReader(s.r, s.maxLine())
}

// maxLine returns how long a line may be, besides its line end.
func (s *lineSource) maxLine() int {
	return int(min(s.day.opts.MaxFetchBytes, math.MaxInt32)) + len(entryClose+",")
}

func (s *lineSource) close() { s.r.close() }

func (s *lineSource) reader() *versionReader { return s.r }

// pos returns the position of the next line.
func (s *lineSource) pos() int64 { return s.from + s.text.Offset() }

// follow continues in the version that has replaced the one being read, at the line that
// is next. It must have the last head where that was. What was read ahead is dropped: no
// line, and no upload, is put together from two versions.
func (s *lineSource) follow() error {
	ctx := s.r.ctx
	now, err := s.day.follow(ctx)
	if err != nil {
		return err
	}
	if s.head != nil {
		head, err := now.bytes(ctx, now.object, now.doc.begin+s.headAt, int64(len(s.head)))
		if err != nil {
			return err
		}
		if !bytes.Equal(head, s.head) {
			return otherUploads(s.day, now)
		}
	}
	s.r.close()
	s.readFrom(ctx, now, s.pos())
	return nil
}

// read returns the next line with its line end.
func (s *lineSource) read() ([]byte, error) {
	line, err := s.text.Next()
	for lost := 0; errors.Is(err, ErrConflict) && s.packed == nil && !s.searches && lost < maxReads; lost++ {
		if err = s.follow(); err == nil {
			line, err = s.text.Next()
		}
	}
	return line, err
}

func (s *lineSource) next() (*Upload, error) {
	if s.found {
		s.found = false
		return s.upload, s.err
	}
	for s.err == nil && s.state == lineFetch {
		s.fetch()
	}
	if s.err == nil && s.state == lineFirst {
		s.err = s.readFirst()
	}
	if s.err == nil {
		s.err = s.readHead()
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.upload, nil
}

// readFirst reads what comes before the first entry.
func (s *lineSource) readFirst() error {
	s.state = lineEntry
	if s.packed != nil {
		if _, err := s.packed.Read(nil); err != nil {
			return s.failed(err)
		}
		// The head was checked for being one; its text has up to two lines.
		for range bytes.Count(s.packed.Head, []byte("\n")) {
			if _, err := s.line(); err != nil {
				return err
			}
		}
		if _, err := s.line(); err != nil {
			return err
		}
		s.from = -int64(len(s.packed.Head))
		return nil
	}
	if s.length == 0 {
		s.state = lineEnd
	}
	if line, err := s.line(); err != nil || len(line) == 0 {
		return err
	}
	return s.odd("the entries do not begin there")
}

// readHead reads the next head, or the end of the array.
func (s *lineSource) readHead() error {
	at := s.pos()
	line, err := s.line()
	if err != nil && !(err == io.EOF && s.moved && s.state == lineEnd) {
		return err
	}
	if s.state == lineEntry && !bytes.HasPrefix(line, []byte("{")) {
		s.state = lineEnd
	}
	if s.state == lineEnd {
		return s.readEnd(line)
	}
	u, sequence, ok := parseHead(line)
	if !ok {
		return s.oddAt(at, "it is not the head of an upload")
	}
	return s.begun(at, line, u, sequence)
}

// begun begins an upload whose head was read.
func (s *lineSource) begun(at int64, line []byte, u upload, sequence int) error {
	s.headAt, s.head = at, append(append(s.head[:0], line...), '\n')
	s.upload = &Upload{Sequence: sequence, Timestamp: u.Timestamp, Matches: u.Matches,
		FetchCount: u.Fetches, ID: u.ID, SHA256: u.SHA256, day: s.day}
	s.state, s.left = lineFetch, u.Fetches
	if u.Fetches > 0 {
		return nil
	}
	line, err := s.line()
	if err == nil {
		_, err = s.closed(line)
	}
	return err
}

func (s *lineSource) fetch() ([]byte, error) {
	if s.err == nil && s.state != lineFetch {
		return nil, io.EOF
	}
	if s.err != nil {
		return nil, s.err
	}
	var fetch []byte
	if fetch, s.err = s.readFetch(); s.err != nil {
		return nil, s.err
	}
	return fetch, nil
}

func (s *lineSource) readFetch() ([]byte, error) {
	at := s.pos()
	line, err := s.line()
	if err != nil {
		return nil, err
	}
	fetch := line
	if s.left--; s.left == 0 {
		fetch, err = s.closed(line)
	} else if n := len(line) - 1; n >= 0 && line[n] == ',' {
		fetch = line[:n]
	} else {
		err = s.oddAt(at, "it does not end as a fetch does after which others come")
	}
	if n := len(fetch); err == nil && (n < 2 || fetch[0] != '{' || fetch[n-1] != '}') {
		err = s.oddAt(at, "it is not a fetch")
	}
	return fetch, err
}

// closed returns the last line of an upload without what closes the upload.
func (s *lineSource) closed(line []byte) ([]byte, error) {
	s.state = lineHead
	if fetch, ok := bytes.CutSuffix(line, []byte(entryClose+",")); ok {
		return fetch, nil
	}
	s.state = lineEnd
	if fetch, ok := bytes.CutSuffix(line, []byte(entryClose)); ok {
		return fetch, nil
	}
	return nil, s.oddAt(s.pos()-int64(len(line))-1, "it does not end an upload")
}

// readEnd reads what comes after the array's end. line is the first line of it.
func (s *lineSource) readEnd(line []byte) error {
	if s.moved { // what follows is of uploads that the day did not have
		return s.day.endsWith(s.upload)
	}
	text := append(append([]byte("\n"), line...), '\n')
	for len(text) < packed.MaxFrame {
		more, err := s.read()
		if err == io.EOF && !s.r.isBroken() {
			break
		}
		if err != nil {
			return s.failed(err)
		}
		text = append(text, more...)
	}
	if s.moved {
		return s.day.endsWith(s.upload)
	}
	doc := s.day.doc
	doc.pack = Uncompressed
	if _, want := doc.frame(s.day.doc.layout()); !bytes.Equal(text, want) {
		return s.odd("what follows the uploads is not the end of a day's object")
	}
	if s.packed == nil {
		return io.EOF
	}
	doc = s.day.doc
	doc.sum = s.packed.Entries
	if begin, end := doc.frame(doc.layout()); !bytes.Equal(begin, s.packed.Begin) || !bytes.Equal(end, s.packed.End) {
		return s.odd("its checksum is wrong, or its daily_metadata")
	}
	return io.EOF
}

// line returns the next line without its line end.
func (s *lineSource) line() ([]byte, error) {
	at := s.pos()
	line, err := s.read()
	if err == lines.ErrTooLong {
		return nil, s.oddAt(at, fmt.Sprintf("it is longer than %d bytes, which MaxFetchBytes may allow", s.maxLine()))
	}
	if err != nil {
		return nil, s.failed(err)
	}
	whole, ok := bytes.CutSuffix(line, []byte("\n"))
	if !ok && !s.moved {
		return nil, s.oddAt(at, "the object ends in it")
	}
	return whole, nil
}

// failed returns why reading the text has ended.
func (s *lineSource) failed(err error) error {
	switch {
	case s.packed != nil && s.r.isBroken(): // which the decoder may not say
		return s.r.err
	case err == io.EOF && s.moved && s.state == lineEnd:
		return err
	case err == io.EOF:
		return s.odd("the object ends there")
	case s.packed == nil:
		return err
	}
	return fmt.Errorf("%w: after %s: %w", errDamaged, s.place(s.pos()), err)
}

// odd says what is wrong at the next line.
func (s *lineSource) odd(what string) error { return s.oddAt(s.pos(), what) }

func (s *lineSource) oddAt(pos int64, what string) error {
	if s.moved { // there are other uploads than there were
		return fmt.Errorf("%w: %s: %s", ErrReplaced, s.place(pos), what)
	}
	return fmt.Errorf("%w: %s: %s", errDamaged, s.place(pos), what)
}

// place says where a line is.
func (s *lineSource) place(pos int64) string {
	where := fmt.Sprintf("the line at byte %d", s.begin+pos)
	if s.packed != nil {
		where = fmt.Sprintf("the line at byte %d of the text", int64(len(s.packed.Head))+pos)
	}
	if s.upload == nil {
		return where
	}
	return fmt.Sprintf("upload %d, %s", s.upload.Sequence, where)
}

// skipToHead reads up to the first head that begins before a position. A line that is read
// from its middle is none. u is nil if there is no head.
func (s *lineSource) skipToHead(limit int64) (*Upload, error) {
	for first := true; s.pos() < limit || first; first = false {
		at := s.pos()
		line, err := s.line()
		if err != nil {
			s.err = err
			return nil, err
		}
		if first || at >= limit || !bytes.HasSuffix(line, []byte(headClose)) {
			continue
		}
		u, sequence, ok := parseHead(line)
		if !ok {
			return nil, s.oddAt(at, "it is not the head of an upload")
		}
		s.found = true
		err = s.begun(at, line, u, sequence)
		return s.upload, err
	}
	return nil, nil
}
