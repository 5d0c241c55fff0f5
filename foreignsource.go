package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"example.com/rotatelog/internal/rawjson"
)

// foreignSource reads the uploads of an object that another program began.
type foreignSource struct {
	day   *DayReader
	r     *versionReader
	limit *rawjson.Limit
	s     scanner

	seen     map[string]bool // members of the object that may stand in it once
	begun    bool
	ended    bool
	fetching bool // the next thing is a fetch, or the end of fetch_data
	listed   bool // the entry has had its fetch_data
	entry    entry
	upload   *Upload // nil before the first
	uploads  int     // before it
	last     int     // the sequence that counts for the one before it
}

func newForeignSource(ctx context.Context, d *DayReader) *foreignSource {
	f := &foreignSource{day: d, r: d.read(ctx, d.object, 0, d.object.Size), seen: map[string]bool{}}
	f.s.dec, f.limit = rawjson.NewLimitedDecoder(f.r, d.opts.MaxFetchBytes)
	return f
}

func (f *foreignSource) close() { f.r.close() }

func (f *foreignSource) reader() *versionReader { return f.r }

func (f *foreignSource) next() (*Upload, error) {
	if !f.begun {
		f.begun = true
		if f.s.expect('{', "it") {
			f.s.token()
			f.members()
		}
	}
	for f.fetching {
		if _, err := f.fetch(); err != nil && err != io.EOF {
			return nil, err
		}
	}
	if !f.ended && f.s.more(']') {
		f.begin()
		return f.upload, f.failed()
	}
	if !f.ended {
		f.s.token()
		f.members()
	}
	if err := f.failed(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

func (f *foreignSource) fetch() ([]byte, error) {
	if !f.fetching {
		return nil, io.EOF
	}
	if f.s.more(']') {
		fetch := f.s.value()
		return fetch, f.failed()
	}
	f.s.token()
	f.fetching = false
	f.entryMembers()
	if err := f.failed(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// failed returns why nothing more can be read; nil if something can.
func (f *foreignSource) failed() error {
	switch {
	case f.s.err == nil:
		return nil
	case f.r.isBroken():
		return f.r.err
	case f.limit.Err != nil:
		return fmt.Errorf("%w: %w", errNotDaily, f.limit.Err)
	}
	return fmt.Errorf("%w: %v", errNotDaily, rawjson.SyntaxError(f.s.err)) // not %w: an end of file in here is the document's
}

// members reads the members of the object up to its uploads, or to its end.
func (f *foreignSource) members() {
	for f.s.more('}') {
		name := f.s.token().String()
		if f.seen[name] {
			f.s.err = fmt.Errorf("it has %q twice", name)
			return
		}
		if name == "uploads" || name == "daily_metadata" {
			f.seen[name] = true
		}
		if name == "uploads" && f.s.expect('[', `"uploads"`) {
			f.s.token()
			return
		}
		f.s.skip()
	}
	f.s.token()
	f.s.ended()
	f.ended = true
	if f.s.err == nil && !f.seen["uploads"] {
		f.s.err = errors.New(`it has no "uploads"`)
	}
}

// begin begins an upload, and reads it up to its fetches.
func (f *foreignSource) begin() {
	if f.upload != nil {
		f.uploads++
		f.last = f.upload.Sequence
	}
	f.upload, f.entry, f.listed = &Upload{day: f.day}, entry{stated: -1}, false
	if f.s.expect('{', fmt.Sprintf("entry %d of uploads", f.uploads+1)) {
		f.s.token()
		f.entryMembers()
	}
}

// entryMembers reads the members of an upload up to its fetches, or to its end.
func (f *foreignSource) entryMembers() {
	for e := &f.entry; f.s.more('}') && !f.fetching; {
		switch name := f.s.token().String(); name {
		case "upload_sequence":
			e.written = f.s.integer()
		case "upload_timestamp":
			e.Timestamp = f.s.string()
		case "matches_in_upload":
			e.Matches = max(0, f.s.integer())
		case "fetches_in_upload":
			e.stated = f.s.integer()
		case "upload_id":
			e.ID = f.s.string()
		case "upload_sha256":
			e.SHA256 = f.s.string()
		case "fetch_data":
			f.beginFetches()
		default:
			f.s.skip()
		}
	}
	if !f.fetching {
		f.s.token()
	}
	f.upload.fill(&Upload{
		Sequence:  countedSequence(max(f.last, f.uploads+1), f.entry.written),
		Timestamp: f.entry.Timestamp, Matches: f.entry.Matches, FetchCount: int(max(f.entry.stated, -1)),
		ID: f.entry.ID, SHA256: f.entry.SHA256,
	})
}

func (f *foreignSource) beginFetches() {
	if f.listed {
		f.s.err = fmt.Errorf("entry %d of uploads has fetch_data twice", f.uploads+1)
		return
	}
	f.listed = true
	if f.s.expect('[', fmt.Sprintf("fetch_data of entry %d of uploads", f.uploads+1)) {
		f.s.token()
		f.fetching = f.s.err == nil
	}
}
