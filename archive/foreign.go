package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/rawjson"
)

// foreign verifies a day that another program began, whose members may stand in any
// order and between white space. ok is false if it is no day at all; a finding then says
// why. The error says that the store could not be read.
func (c *check) foreign(ctx context.Context) (ok bool, err error) {
	text := c.day.Open(ctx)
	defer text.Close()
	f := foreign{check: c, in: &remembered{r: text}}
	var limit *rawjson.Limit
	f.dec, limit = rawjson.NewLimitedDecoder(f.in, c.opts.MaxFetchBytes)
	f.document()
	c.tellCounts()
	if limit.Err != nil {
		f.err = limit.Err
	}
	switch {
	case f.in.err != nil && f.in.err != io.EOF:
		return false, f.in.err
	case f.err != nil && daytext.IsOldScript(f.dec.UnreadBuffer()):
		c.damage(NotADay, 0, 0, "the script that rotatelog replaces has written to %s", c.Key)
		c.instead(fmt.Sprintf("stop that script; move the object away, or rotatelog restore %v", c.Day))
		return false, nil
	case f.err != nil:
		c.damage(NotADay, 0, 0, "%s: %v", c.place(), rawjson.SyntaxError(f.err))
		return false, nil
	}
	if f.ours {
		c.find(Frame, 0, 0, "a Writer began the day, and its text is not in the form in which a Writer leaves it")
		return true, nil
	}
	c.find(Foreign, 0, 0, "another program began the day: what it wrote has no checksums")
	return true, nil
}

// remembered remembers how reading ended.
type remembered struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (r *remembered) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.err = err
	return n, err
}

// foreign reads the text of a foreign day. After its first error it reads no more.
type foreign struct {
	*check
	in  *remembered
	dec *jsontext.Decoder
	err error

	ours    bool   // the first upload is a Writer's
	counted int    // the sequence that counts for the last upload
	compact []byte // is used again for each fetch
}

// document reads the whole text.
func (f *foreign) document() {
	seen := map[string]bool{}
	f.object("it", func(name string) {
		if seen[name] {
			f.err = fmt.Errorf("it has %q twice", name)
			return
		}
		switch name {
		case "daily_metadata":
			seen[name] = true
			f.metadata(f.value())
		case "uploads":
			seen[name] = true
			f.array(`"uploads"`, f.entry)
		default:
			f.value()
		}
	})
	if f.err != nil {
		return
	}
	if _, err := f.dec.ReadToken(); err != io.EOF {
		f.err = fmt.Errorf("something follows its end")
		return
	}
	for _, name := range []string{"daily_metadata", "uploads"} {
		if !seen[name] {
			f.err = fmt.Errorf("it has no %q", name)
			return
		}
	}
}

// metadata takes what a day's daily_metadata says.
func (f *foreign) metadata(value jsontext.Value) {
	if f.err != nil {
		return
	}
	m := &f.stated
	number := func(name string) int64 {
		n, err := rotatelog.CountMember(name)(value)
		if err != nil {
			f.damage(Frame, 0, 0, "daily_metadata: %v", err)
		}
		return n
	}
	m.Uploads = int(min(number("total_uploads"), math.MaxInt))
	m.Matches = number("total_matches_today")
	m.Fetches = int(min(number("total_fetches_today"), math.MaxInt))
	fetches, err := rawjson.Lookup(value, "total_fetches_today")
	f.uncounted = err == nil && len(fetches) == 0
	text := func(name string) string {
		v, err := rawjson.Lookup(value, name)
		if err != nil || len(v) == 0 || v[0] != '"' {
			return ""
		}
		s, _ := rawjson.Unquote(v)
		return s
	}
	m.Date, m.First, m.Last = text("date"), text("first_upload"), text("last_upload")
	if m.Date != f.Day.String() {
		f.find(Date, 0, 0, "date is %q", m.Date)
	}
}

// foreignEntry is an upload of a foreign day.
type foreignEntry struct {
	daytext.Head
	tally
	begin   int64     // where it begins in the text, or a comma before it
	other   string    // a member that a Writer does not write
	lists   int       // of fetches
	fetches int       // that it holds
	text    hash.Hash // of the fetches as a Writer has them
	size    int64     // of those
}

// entry reads an upload. What it lacks of what a Writer gives it is not an error, unless
// it has the id of a Writer.
func (f *foreign) entry() {
	f.Totals.Uploads++
	place := f.Totals.Uploads
	e := &foreignEntry{Head: daytext.Head{Fetches: -1}, begin: f.dec.InputOffset(), tally: tally{upload: place, whole: true}}
	f.sum.Reset()
	f.object(fmt.Sprintf("upload %d", place), func(name string) {
		switch name {
		case "upload_sequence":
			e.Sequence = f.integer()
		case "upload_timestamp":
			e.Timestamp = f.string()
		case "matches_in_upload":
			e.Matches = max(0, f.integer())
		case "fetches_in_upload":
			e.Fetches = int(f.integer())
		case "upload_id":
			e.ID = f.string()
		case "upload_sha256":
			e.SHA256 = f.string()
		case "fetch_data":
			e.lists++
			e.fetches, e.matches, e.whole, e.text, e.size = 0, 0, true, sha256.New(), 0
			f.array(fmt.Sprintf("fetch_data of upload %d", place), func() { f.fetchOf(e, place) })
		default:
			e.other = name
			f.value()
		}
	})
	if f.err == nil {
		f.ended(e, place)
	}
}

// fetchOf reads a fetch of an upload.
func (f *foreign) fetchOf(e *foreignEntry, place int) {
	// A list begins with a line end, which is not a part of its text.
	if before := beforeValue(f.dec); e.fetches > 0 || string(before) != "\n" {
		f.sum.Write(before)
	}
	fetch := f.value()
	if f.err != nil {
		return
	}
	if e.fetches++; e.fetches > 1 {
		e.text.Write([]byte(daytext.Separator))
		e.size += int64(len(daytext.Separator))
	}
	f.sum.Write(fetch)
	if fetch.Kind() != '{' {
		e.whole = false
		return
	}
	var err error
	if f.compact, err = rawjson.AppendCompact(f.compact[:0], fetch); err != nil {
		e.whole = false
	}
	e.text.Write(f.compact)
	e.size += int64(len(f.compact))
	f.record(&e.tally, examined{fetch, len(fetch), e.fetches, 0}, f.opts.examine(&f.examiner.first, fetch))
}

// beforeValue returns the comma and the white space before the next value, which has been
// peeked at.
func beforeValue(dec *jsontext.Decoder) []byte {
	rest := dec.UnreadBuffer()
	return rest[:len(rest)-len(bytes.TrimLeft(rest, ","+rawjson.Space))]
}

// ended checks an upload that was read.
func (f *foreign) ended(e *foreignEntry, place int) {
	h := e.Head
	ours := daytext.ValidID(h.ID) || h.SHA256 != "" // what is left of one of ours is, too
	if f.counted = max(f.counted, place); f.counted < int(min(h.Sequence, math.MaxInt32)) {
		f.counted = int(h.Sequence)
	}
	if 0 < h.Sequence && h.Sequence <= math.MaxInt32 && (ours || h.Sequence > int64(f.sequence)) {
		place = int(h.Sequence)
	}
	f.Totals.Fetches += e.fetches
	f.Totals.Matches = addClamped(f.Totals.Matches, h.Matches)
	if f.Totals.Uploads == 1 {
		f.first = h.Timestamp
	}
	f.last = h.Timestamp
	f.ours = f.ours || ours && f.Totals.Uploads == 1
	if h.Fetches >= 0 && h.Fetches != e.fetches {
		f.find(FetchCount, place, 0, "fetches_in_upload is %d, it holds %d", h.Fetches, e.fetches)
	}
	f.render(e, place, ours)
	if !ours {
		f.sequence = max(f.sequence, place)
		f.unchecked++
		return
	}
	if h.Sequence < 1 {
		f.find(Sequence, place, 0, "its upload_sequence is %d", h.Sequence)
	}
	if e.other != "" {
		f.find(Head, place, 0, "it has a member that a Writer does not write: %s", rawjson.Excerpt([]byte(e.other)))
	}
	f.head(h, place)
	if e.whole && e.lists == 1 {
		f.seen.setText(h.ID, f.sum.Sum(nil))
	}
	f.checksum(h, place)
	if e.whole && f.opts.Count != nil && e.matches != h.Matches {
		f.differs(place, h.Matches, e.matches)
	}
}

// render calls whole, if that is set, with an upload as a Writer renders it: with each
// fetch compact and on a line, and with a checksum. One without an id gets the one by which
// a Writer would put it back.
func (f *foreign) render(e *foreignEntry, place int, ours bool) {
	if f.whole == nil && f.opts.Against == nil || ours && e.fetches == 0 {
		return
	}
	_, err := time.ParseInLocation(rotatelog.TimeLayout, e.Timestamp, f.location())
	if !e.whole || e.lists > 1 || !ours && (e.fetches == 0 || err != nil) {
		f.unlike = append(f.unlike, place)
		return
	}
	h := e.Head
	h.Fetches = e.fetches
	sequence := place
	if !ours {
		sequence = f.counted
		text := e.text.Sum(nil)
		h.ID = fmt.Sprintf("%x%d", text[:12], sequence)
		if f.opts.Against != nil { // which has it under that id
			f.seen.add(h.ID, sequence, "")
			f.seen.setText(h.ID, text)
		}
	}
	if f.whole == nil {
		return
	}
	sum := h.Checksum(e.text)
	if ours && h.SHA256 != "" && h.SHA256 != sum {
		return
	}
	h.SHA256 = sum
	f.whole(rotatelog.DayUpload{Sequence: sequence, Timestamp: h.Timestamp, Matches: h.Matches, FetchCount: h.Fetches, ID: h.ID, SHA256: h.SHA256,
		Size: e.size, Open: f.texts.openForeign(e.begin, f.dec.InputOffset()-e.begin)})
}

// object reads an object, and calls member after each name.
func (f *foreign) object(what string, member func(name string)) {
	f.list(what, '{', '}', func() {
		t := f.token()
		if f.err == nil {
			member(t.String())
		}
	})
}

// array reads an array, and calls element before each element.
func (f *foreign) array(what string, element func()) { f.list(what, '[', ']', element) }

func (f *foreign) list(what string, begin, end jsontext.Kind, each func()) {
	if f.err == nil && f.dec.PeekKind() != begin && f.dec.PeekKind() != jsontext.KindInvalid {
		f.err = fmt.Errorf("%s is not what it should be: it begins with %q", what, byte(f.dec.PeekKind()))
		return
	}
	f.token()
	for f.err == nil && f.dec.PeekKind() != end {
		each()
	}
	f.token()
}

func (f *foreign) token() (t jsontext.Token) {
	if f.err == nil {
		t, f.err = f.dec.ReadToken()
	}
	return t
}

// value returns the next value, which is good until the next call.
func (f *foreign) value() (v jsontext.Value) {
	if f.err == nil {
		v, f.err = f.dec.ReadValue()
	}
	return v
}

// integer returns the next value if it is an integer, and 0 otherwise.
func (f *foreign) integer() int64 {
	v := f.value()
	if f.err != nil || v.Kind() != '0' {
		return 0
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// string returns the next value if it is a string, and "" otherwise.
func (f *foreign) string() string {
	v := f.value()
	if f.err != nil || v.Kind() != '"' {
		return ""
	}
	s, _ := rawjson.Unquote(v)
	return s
}
