package rotatelog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog/internal/cutoff"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/rawjson"
)

// scanDocument reads a day's object of the given size from r and returns what
// must be known of it, and the sequence of every upload_id in it, also of one
// that no Writer would make. The largest value that it holds in memory is one
// fetch, which may not be longer than most bytes; 0 means any length.
//
// Its error is r's own if r failed, matches [io.ErrUnexpectedEOF] if r did not
// give size bytes, and matches [ErrPermanent] if, and only if, what was read is
// no daily document.
func scanDocument(o dayKey, r io.Reader, size, most int64) (dayState, map[string]int, error) {
	return scanEntries(o, r, size, most, visitor{})
}

// scanEntries is scanDocument that shows the entries to v.
func scanEntries(o dayKey, r io.Reader, size, most int64, v visitor) (dayState, map[string]int, error) {
	src := &source{r: r}
	s := scanner{
		doc:     dayState{size: size, totals: Totals{Day: o.day}},
		ids:     make(map[string]int),
		visitor: v,
		most:    most,
	}
	if o.pack == Uncompressed {
		s.read(src)
	} else {
		s.readPacked(o.pack, src, size)
	}
	switch ended := src.err == io.EOF; {
	case src.err != nil && !ended:
		return dayState{}, nil, src.err
	case src.n > size || ended && src.n < size:
		return dayState{}, nil, cutoff.Errorf("read %d bytes of an object of %d", src.n, size)
	case s.err != nil && s.dec != nil && daytext.IsOldScript(s.dec.UnreadBuffer()):
		return dayState{}, nil, hint.Add(errOldScript, "stop that script; then move the object away, or restore the day if it has uploads of a Writer")
	case s.err != nil:
		// Not %w: an end of file in here is the document's, not the reader's.
		return dayState{}, nil, hint.Add(fmt.Errorf("%w: %v", errNotDaily, rawjson.SyntaxError(s.err)), "move the object away, or set another Prefix")
	}
	return s.doc, s.ids, nil
}

// errNotDaily is about an object that is no daily document.
var errNotDaily = damaged("not a daily document")

// errOldScript is about an object that has a log of the script that rotatelog replaces, as
// a whole or after a daily document.
var errOldScript = fmt.Errorf("%w: the script that rotatelog replaces has written to it", errNotDaily)

// damaged is a permanent error about what is in an object.
type damaged string

// Error implements error.
func (d damaged) Error() string { return ErrPermanent.Error() + ": " + string(d) }

// Is makes it match [ErrPermanent] and [ErrDamaged].
func (d damaged) Is(target error) bool { return target == ErrPermanent || target == ErrDamaged }

// read reads the text of an object.
func (s *scanner) read(text *source) {
	var limit *rawjson.Limit
	s.dec, limit = rawjson.NewLimitedDecoder(text, s.most)
	s.document()
	switch {
	case limit.Err != nil:
		s.err = limit.Err
	case s.err == nil:
		s.doc.size = text.n
		s.doc.tail = text.tail(s.doc)
	}
}

// readPacked reads the text of a compressed object.
func (s *scanner) readPacked(c Compression, r io.Reader, size int64) {
	in := packed.NewReader(c.format(), r, size)
	text := &source{r: in}
	s.read(text)
	switch {
	case text.err != nil && text.err != io.EOF:
		s.err = text.err // the decoder's own does not always say it
	case s.err == nil:
		s.doc, s.err = packedDocument(c, in, size, s.doc)
	}
}

// packedDocument makes of what was read of the text of a compressed object, all of it,
// what must be known of the object.
func packedDocument(c Compression, in *packed.Reader, size int64, text dayState) (dayState, error) {
	if text.layout() == foreign || text.begin != int64(len(in.Head)) || text.end != text.size-int64(len(in.Tail)) {
		return dayState{}, errors.New("it is not in the layout of a Writer")
	}
	if _, end := c.format().Frame(in.Head, in.Tail, in.Entries); !bytes.Equal(end, in.End) {
		return dayState{}, errors.New("its checksum is wrong")
	}
	d := text
	d.pack, d.sum = c, in.Entries
	d.fields, d.tail = span{}, ""
	d.size, d.begin, d.end = size, int64(len(in.Begin)), size-int64(len(in.End))
	if !d.shortFrame() {
		return dayState{}, errors.New("its upload_timestamps are too long")
	}
	return d, nil
}

// source is the reader under a decoder. It remembers how reading ended, since
// the decoder's own errors do not always say, and what was read last, since
// the decoder does not report white space.
type source struct {
	r    io.Reader
	n    int64
	err  error
	last []byte // At least the last tailWindow bytes, if there were as many
}

const tailWindow = 4 << 10

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.err = err
	if len(s.last)+n > 16*tailWindow {
		s.last = append(s.last[:0], lastOf(s.last, tailWindow)...)
	}
	s.last = append(s.last, lastOf(p[:n], tailWindow)...)
	return n, err
}

// lastOf returns the last n bytes of b, or all.
func lastOf(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// tail returns the text of the object after its last entry, without our
// fields, or "" if it is long.
func (s *source) tail(d dayState) string {
	if d.size-d.end > int64(min(len(s.last), tailWindow)) {
		return ""
	}
	tail := string(lastOf(s.last, int(d.size-d.end)))
	if at := d.fields.off - d.end; d.fieldsInTail() {
		tail = tail[:at] + tail[at+d.fields.n:]
	}
	if len(tail) > maxTail {
		return ""
	}
	return tail
}

// scanner walks through a JSON text. After its first error the decoder is not
// called again, and what the methods return is of no use.
type scanner struct {
	dec *jsontext.Decoder
	err error

	doc         dayState
	ids         map[string]int
	idsLen      int64  // bytes that ids and a census take, at least
	most        int64  // bytes of the longest value; 0: any
	first, last string // first_upload and last_upload of daily_metadata
	visitor     visitor
}

// dayState reads the whole text.
func (s *scanner) document() {
	if s.doc.size == 0 && s.kind() == jsontext.KindInvalid {
		s.err = errors.New("the object is empty")
	}
	if !s.expect('{', "it") {
		return
	}
	s.token()
	s.doc.fields.off = s.dec.InputOffset()
	s.doc.before, s.doc.after = `"daily_metadata":{`, "},\n"

	seen := make(map[string]bool)
	s.members(func(name string) {
		if seen[name] {
			s.err = fmt.Errorf("it has %q twice", name)
			return
		}
		switch name {
		case "daily_metadata":
			seen[name] = true
			s.metadata()
		case "uploads":
			seen[name] = true
			s.uploads()
		default:
			s.skip()
		}
	})
	s.ended()
	if s.err == nil && !seen["uploads"] {
		s.err = errors.New(`it has no "uploads"`)
	}
	s.doc.first = cmp.Or(s.doc.first, s.first)
	s.doc.last = cmp.Or(s.doc.last, s.last)
}

// uploads reads the array of entries.
func (s *scanner) uploads() {
	if !s.expect('[', `"uploads"`) {
		return
	}
	s.token()
	s.doc.begin = s.dec.InputOffset()
	s.doc.end = s.doc.begin
	for s.more(']') {
		s.entry()
		s.doc.end = s.dec.InputOffset()
	}
	s.token()
}

// entry reads one entry. Of a member given twice the last counts.
func (s *scanner) entry() {
	n := s.doc.totals.Uploads + 1
	if !s.expect('{', fmt.Sprintf("entry %d of uploads", n)) {
		return
	}
	e := entry{stated: -1}
	kind := jsontext.Kind('[') // of fetch_data
	s.token()
	s.members(func(name string) {
		switch name {
		case "upload_sequence":
			e.written = s.integer()
		case "upload_timestamp":
			e.Timestamp = s.string()
		case "matches_in_upload":
			e.Matches = max(0, s.integer())
		case "fetches_in_upload":
			e.stated = s.integer()
		case "upload_id":
			e.ID = s.string()
		case "upload_sha256":
			e.SHA256 = s.string()
		case "fetch_data":
			kind = s.kind()
			e.Fetches = s.fetches()
		default:
			s.skip()
		}
	})
	if s.err == nil && kind != '[' {
		s.err = fmt.Errorf("fetch_data of entry %d of uploads is %s, not %s", n, kindName(kind), kindName('['))
	}
	if s.err != nil {
		return
	}
	e.sequence = s.doc.add(e.written, e.upload)
	s.visitor.entry(e)
	if e.ID != "" {
		s.ids[e.ID] = e.sequence
	}
	const each = 256          // besides the texts
	const leastIDs = 16 << 20 // whatever the largest fetch is
	if s.idsLen += int64(len(e.ID)+len(e.Timestamp)) + each; s.most > 0 && s.idsLen > max(s.most, leastIDs) {
		s.err = fmt.Errorf("its %d uploads are too many", n)
	}
}

// fetches counts the elements of an array. ReadValue is faster than SkipValue,
// which goes token by token; it holds one fetch, as any batch does.
func (s *scanner) fetches() (n int) {
	s.visitor.begin()
	if s.kind() != '[' {
		s.skip()
		return 0
	}
	s.token()
	for s.more(']') {
		if v := s.value(); s.err == nil {
			s.visitor.fetch(v)
		}
		n++
	}
	s.token()
	return n
}

// maxMetadata bounds daily_metadata, of which each member is remembered.
const maxMetadata = 1 << 20

// metadata reads daily_metadata and finds where our fields go.
func (s *scanner) metadata() {
	raw := s.value()
	off := s.dec.InputOffset() - int64(len(raw))
	switch {
	case s.err != nil:
		return
	case len(raw) > maxMetadata:
		s.err = fmt.Errorf(`"daily_metadata" is longer than %d bytes`, maxMetadata)
		return
	case raw.Kind() == 'n':
		s.doc.fields, s.doc.before, s.doc.after = span{off, int64(len(raw))}, "{", "}"
		return
	case raw.Kind() != '{':
		s.err = fmt.Errorf(`"daily_metadata" is %s, not %s`, kindName(raw.Kind()), kindName('{'))
		return
	}

	in := scanner{dec: rawjson.NewDecoder(bytes.NewReader(raw))}
	in.token()
	var members []member
	begin := in.dec.InputOffset()
	in.members(func(name string) {
		switch name {
		case "first_upload":
			s.first = in.string()
		case "last_upload":
			s.last = in.string()
		case "total_uploads", "total_fetches_today", "total_matches_today":
			s.visitor.total(name, in.integer())
		default:
			in.skip()
		}
		end := in.dec.InputOffset()
		members = append(members, member{name, raw[begin:end]})
		begin = end
	})
	s.doc.before = ""
	s.doc.fields, s.doc.after = placeFields(raw, members)
	s.doc.fields.off += off
}

// member is a member of daily_metadata, with the comma and the white space before it.
type member struct {
	name string
	text []byte
}

// placeFields returns where in daily_metadata, which is raw, our fields go, and the text
// after them: to where they are, if they come first; otherwise to the front, and the
// members that are not ours are written again after them.
func placeFields(raw []byte, members []member) (fields span, after string) {
	lead := int64(1) // the '{', and then those of ours that come first
	mixed := false
	var others [][]byte
	for _, m := range members {
		switch {
		case !daytext.IsField(m.name):
			others = append(others, bytes.TrimLeft(m.text, ", \t\r\n"))
		case len(others) > 0:
			mixed = true
		default:
			lead += int64(len(m.text))
		}
	}
	switch {
	case mixed:
		return span{1, int64(len(raw)) - 2}, "," + string(bytes.Join(others, []byte(",")))
	case lead == 1 && len(others) > 0:
		return span{1, 0}, ","
	}
	return span{1, lead - 1}, ""
}

// members calls member after each name of an object whose '{' was read, to read
// the value, and reads the '}'.
func (s *scanner) members(member func(name string)) {
	for s.more('}') {
		if name := s.token().String(); s.err == nil {
			member(name)
		}
	}
	s.token()
}

// ended makes it an error if there is more to read.
func (s *scanner) ended() {
	if s.err != nil {
		return
	}
	if _, err := s.dec.ReadToken(); err != io.EOF {
		s.err = errors.New("there is more after the JSON object")
	}
}

// more reports whether there is something to read before end.
func (s *scanner) more(end jsontext.Kind) bool { return s.err == nil && s.kind() != end }

// expect reports whether the next value is of that kind; if not, that is an
// error about what.
func (s *scanner) expect(kind jsontext.Kind, what string) bool {
	if s.err != nil {
		return false
	}
	found := s.kind()
	if found == jsontext.KindInvalid {
		s.token() // returns the error for which there is no kind
		return false
	}
	if found != kind {
		s.err = fmt.Errorf("%s is %s, not %s", what, kindName(found), kindName(kind))
	}
	return found == kind
}

// integer reads a value and returns it if it is an integer that fits, and 0 otherwise.
func (s *scanner) integer() int64 {
	if s.kind() != '0' {
		s.skip()
		return 0
	}
	n, err := strconv.ParseInt(string(s.value()), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// string reads a value and returns it if it is a string, and "" otherwise.
func (s *scanner) string() string {
	if s.kind() != '"' {
		s.skip()
		return ""
	}
	return s.token().String()
}

func (s *scanner) kind() jsontext.Kind {
	if s.err != nil {
		return jsontext.KindInvalid
	}
	return s.dec.PeekKind()
}

func (s *scanner) token() (t jsontext.Token) {
	if s.err == nil {
		t, s.err = s.dec.ReadToken()
	}
	return t
}

// Value returns the next Value, which is good until the next call.
func (s *scanner) value() (v jsontext.Value) {
	if s.err == nil {
		v, s.err = s.dec.ReadValue()
	}
	return v
}

func (s *scanner) skip() {
	if s.err == nil {
		s.err = s.dec.SkipValue()
	}
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}
