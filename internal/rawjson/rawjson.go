// Package rawjson checks, searches and formats JSON text without decoding it, so that
// every token keeps its bytes.
package rawjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog/internal/cutoff"
)

// Space is what RFC 8259 calls white space.
const Space = " \t\r\n"

// MaxDepth is how deep a record may nest whatever the Config allows. It stays below
// the 10,000 levels at which jsontext and encoding/json stop, since a record is four
// levels down in its day's object, and must be readable there.
const MaxDepth = 9_990

// CheckObject returns an error unless raw is one JSON object by the grammar of
// RFC 8259: in UTF-8, at most maxDepth levels deep (the object itself is the first; 0
// means MaxDepth), with nothing but white space around it. Members may share a name,
// and an escaped surrogate may be unpaired.
//
// In the same pass it finds the value at a path of member names.
func (f *Finder) CheckObject(raw []byte, maxDepth int, path ...string) (Found, error) {
	if i := InvalidUTF8(raw); i >= 0 {
		return Found{}, fmt.Errorf("invalid UTF-8 at byte %d", i)
	}
	switch rest := bytes.TrimLeft(raw, Space); {
	case len(rest) == 0:
		return Found{}, errors.New("want a JSON object, found nothing")
	case rest[0] != '{':
		return Found{}, fmt.Errorf("want a JSON object, found %q at byte %d", rest[0], len(raw)-len(rest))
	}
	limit := MaxDepth
	if maxDepth > 0 {
		limit = min(limit, maxDepth)
	}
	f.Reset(raw, path)
	if brackets(raw) > limit { // it may nest deeper
		f.limit = limit
	}
	if err := f.object(1); err != nil {
		if i := DeeperThan(raw, limit); i >= 0 {
			return Found{}, fmt.Errorf("nested more than %d levels deep at byte %d", limit, i)
		}
		return Found{}, SyntaxError(err)
	}
	if rest := bytes.TrimLeft(raw[f.dec.InputOffset():], Space); len(rest) > 0 {
		return Found{}, fmt.Errorf("data after the end of the object at byte %d", len(raw)-len(rest))
	}
	return f.found, nil
}

// Found is where a path of member names led in an object. If members share a name
// the last one counts.
type Found struct {
	Value []byte // a part of the object; nil if there is none
	names int    // how many names of the path lead to value
}

// At returns the value at the path that was searched for. nil means that there is
// none, or that something on the way is null. If anything else on the way is not an
// object, that is an error.
func (f Found) At(path []string) ([]byte, error) {
	switch {
	case f.Value == nil || f.names == len(path):
		return f.Value, nil
	case string(f.Value) == "null":
		return nil, nil
	case f.names == 0:
		return nil, fmt.Errorf("not an object: %s", Excerpt(f.Value))
	}
	return nil, fmt.Errorf("%s is not an object: %s", PathName(path[:f.names]), Excerpt(f.Value))
}

// Finder reads an object, and finds the value at a path of member names. It can be
// reused, which saves as much time as reading 1 kB takes.
type Finder struct {
	dec   jsontext.Decoder
	text  bytes.Buffer // what dec reads, in place: raw
	raw   []byte
	path  []string
	limit int // levels that may nest; 0 if the text is known to stay within it
	found Found
}

func (f *Finder) Reset(raw []byte, path []string) {
	f.text = *bytes.NewBuffer(raw)
	f.dec.Reset(&f.text, decoding()...)
	f.raw, f.path, f.limit, f.found = raw, path, 0, Found{}
}

// object reads the next object. It is at the first level-1 names of the path.
func (f *Finder) object(level int) error {
	if f.limit > 0 && level > f.limit {
		return errTooDeep
	}
	if _, err := f.dec.ReadToken(); err != nil { // the opening brace
		return err
	}
	for f.dec.PeekKind() == jsontext.KindString {
		name, err := f.dec.ReadValue()
		if err != nil {
			return err
		}
		if level <= len(f.path) && nameIs(name, f.path[level-1]) {
			err = f.member(level)
		} else {
			err = f.value(level + 1)
		}
		if err != nil {
			return err
		}
	}
	_, err := f.dec.ReadToken() // the closing brace
	return err
}

// member reads the value of a member to which the first names of the path lead.
func (f *Finder) member(names int) error {
	f.found = Found{names: names}
	if names < len(f.path) && f.dec.PeekKind() == jsontext.KindBeginObject {
		return f.object(names + 1)
	}
	begin := f.dec.InputOffset()
	err := f.value(names + 1)
	end := f.dec.InputOffset()
	f.found.Value = bytes.TrimLeft(f.raw[begin:end:end], ":"+Space)
	return err
}

// outerLevels are read token by token: those of a fetch, what the API sent, and
// its list of matches. Below, values are mostly too small to nest too deep.
const outerLevels = 3

var errTooDeep = errors.New("nested too deep")

// value reads a value which, if it is an object or array, has the given level. The
// depth is checked here since jsontext has a limit of its own, and reading everything
// token by token costs more than reading whole values and counting their brackets.
func (f *Finder) value(level int) error {
	if f.limit == 0 {
		_, err := f.dec.ReadValue()
		return err
	}
	if kind := f.dec.PeekKind(); level > outerLevels || kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		v, err := f.dec.ReadValue()
		if err == nil && DeeperThan(v, f.limit-level+1) >= 0 {
			err = errTooDeep
		}
		return err
	}
	if level > f.limit {
		return errTooDeep
	}
	_, err := f.dec.ReadToken()
	for err == nil {
		if kind := f.dec.PeekKind(); kind == jsontext.KindEndObject || kind == jsontext.KindEndArray {
			_, err = f.dec.ReadToken()
			return err
		}
		err = f.value(level + 1)
	}
	return err
}

// newDecoder returns a decoder of b that accepts all that RFC 8259 does. The caller
// must check UTF-8: a decoder that does so also refuses unpaired surrogates in
// escapes, which are legal.
func newDecoder(b []byte) *jsontext.Decoder {
	return NewDecoder(bytes.NewBuffer(b)) // which it reads in place
}

func NewDecoder(r io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(r, decoding()...)
}

// decoding returns the options of newDecoder.
func decoding() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// lastRead returns the part of b that d, a decoder of b, has just read as v, since v
// is valid only until the next read.
func lastRead(b []byte, d *jsontext.Decoder, v jsontext.Value) []byte {
	end := int(d.InputOffset())
	return b[end-len(v) : end : end]
}

// nameIs reports whether a JSON string, as spelled, means name.
func nameIs(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	s, err := Unquote(quoted)
	return err == nil && s == name
}

// InvalidUTF8 returns where b stops being UTF-8, or -1.
func InvalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// brackets returns at most how often b opens an object or array.
func brackets(b []byte) int { return bytes.Count(b, []byte{'{'}) + bytes.Count(b, []byte{'['}) }

// DeeperThan returns where the JSON in b, which need not be valid, first nests
// more than limit levels deep, or -1.
func DeeperThan(b []byte, limit int) int {
	if brackets(b) <= limit {
		return -1
	}
	const quote = 2
	steps := [256]int8{'{': +1, '[': +1, '}': -1, ']': -1, '"': quote}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch step := steps[b[i]]; step {
		case 0:
		case quote:
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		default:
			if depth += int(step); depth > limit {
				return i
			}
		}
	}
	return -1
}

// SyntaxError says what is wrong and where, without the decoder's own prefix.
func SyntaxError(err error) error {
	serr, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return err
	case serr.Err == io.ErrUnexpectedEOF:
		return cutoff.Errorf("cut off at byte %d", serr.ByteOffset)
	}
	return fmt.Errorf("%w at byte %d", serr.Err, serr.ByteOffset)
}

// Lookup returns the value at a path of member names below value, which must be
// valid; see [found.at].
func Lookup(value []byte, path ...string) ([]byte, error) {
	f, err := Find(value, path)
	if err != nil {
		return nil, err
	}
	return f.At(path)
}

// Find returns what is at a path in a value that must be valid.
func Find(value []byte, path []string) (Found, error) {
	value = bytes.Trim(value, Space)
	if len(value) == 0 {
		return Found{}, nil
	}
	if len(path) == 0 || value[0] != '{' {
		return Found{Value: value}, nil
	}
	var f Finder
	f.Reset(value, path)
	if err := f.object(1); err != nil {
		return Found{}, SyntaxError(err)
	}
	return f.found, nil
}

// PathName returns a path as messages write it.
func PathName(path []string) string { return strings.Join(path, ".") }

// Excerpt returns enough of a value to recognize it in a message.
func Excerpt(value []byte) string {
	const most = 40
	if len(value) <= most {
		return string(value)
	}
	return strings.ToValidUTF8(string(value[:most]), "") + "…"
}

// ArrayLen returns how many elements a valid JSON value has, and whether it is
// an array at all.
func ArrayLen(value []byte) (n int, ok bool) {
	d := newDecoder(value)
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindBeginArray {
		return 0, false
	}
	for d.PeekKind() != jsontext.KindEndArray {
		if _, err := d.ReadValue(); err != nil {
			return 0, false
		}
		n++
	}
	return n, true
}

// AppendCompact appends value without insignificant white space. Every token keeps
// its spelling.
func AppendCompact(dst, value []byte) ([]byte, error) {
	return appendFormat(dst, value)
}

// AppendIndented appends value with each member and element on its own line, indented
// by two spaces for each level. Every token keeps its spelling.
func AppendIndented(dst, value []byte) ([]byte, error) {
	return appendFormat(dst, value, jsontext.WithIndent("  "))
}

// IndentedSize returns how long valid JSON may become by AppendIndented, at most.
func IndentedSize(b []byte) int {
	const newline, space, quote = 1, 1, 3
	steps := [256]int8{'{': +1, '[': +1, '}': -1, ']': -1, ',': 2, '"': quote, ':': 4}
	size, depth := len(b), 0
	for i := 0; i < len(b); i++ {
		switch step := steps[b[i]]; step {
		case 0:
		case quote:
			i = stringEnd(b, i)
		case 4:
			size += space
		case 2:
			size += newline + 2*depth
		default:
			depth += int(step)
			size += newline + 2*depth
		}
	}
	return size
}

// stringEnd returns the index of the quote that ends the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return i
}

// appendFormat is jsontext.AppendFormat, except that it does not respell strings,
// and after an error leaves no unformatted value.
func appendFormat(dst, value []byte, layout ...jsontext.Options) ([]byte, error) {
	out, err := jsontext.AppendFormat(dst, value, append(layout,
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true))...)
	if err != nil {
		return dst, SyntaxError(err)
	}
	return out, nil
}

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the only error is about U+FFFD
	return dst
}

// Unquote returns the value of a JSON string.
func Unquote(quoted []byte) (string, error) {
	s, err := jsontext.AppendUnquote(nil, quoted)
	return string(s), err
}

// ReadArray is SplitArray for an array that is not held in memory. It calls each for
// every complete object, with the offset just past it; the object is valid until each
// returns. whole is SplitArray's ok. The error is that of r or of each.
func ReadArray(r io.Reader, each func(object []byte, end int64) error) (whole bool, err error) {
	src := &ended{r: r}
	d := NewDecoder(src)
	failed := func() (bool, error) {
		if src.err == io.EOF {
			return false, nil
		}
		return false, src.err
	}
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindBeginArray {
		return failed()
	}
	for d.PeekKind() == jsontext.KindBeginObject {
		v, err := d.ReadValue()
		if err != nil || !utf8.Valid(v) {
			return failed()
		}
		if err := each(v, d.InputOffset()); err != nil {
			return false, err
		}
	}
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindEndArray {
		return failed()
	}
	if _, err := d.ReadToken(); err != io.EOF || src.err != io.EOF {
		return failed()
	}
	return true, nil
}

// ended is a reader that remembers how reading ended, since a decoder's errors do not
// always say so.
type ended struct {
	r   io.Reader
	err error
}

func (e *ended) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.r.Read(p)
	e.err = err
	return n, err
}

// SplitArray reads a JSON array of objects that may be torn. It returns the
// complete objects from the start, each as it is in b, and the offset just past the
// last of them: past the opening bracket if there are none, 0 if there is no bracket
// either. An object is complete if it is valid, UTF-8 included, and a comma precedes
// it unless it is the first. ok means that b is exactly one array of objects.
func SplitArray(b []byte) (records [][]byte, end int, ok bool) {
	d := newDecoder(b)
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != jsontext.KindBeginArray {
		return nil, 0, false
	}
	end = int(d.InputOffset())
	for d.PeekKind() == jsontext.KindBeginObject {
		v, err := d.ReadValue()
		if err != nil || !utf8.Valid(v) {
			return records, end, false
		}
		end = int(d.InputOffset())
		records = append(records, lastRead(b, d, v))
	}
	tok, err := d.ReadToken()
	ok = err == nil && tok.Kind() == jsontext.KindEndArray &&
		len(bytes.TrimLeft(b[d.InputOffset():], Space)) == 0
	return records, end, ok
}
