package archive

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/rawjson"
)

// exportReader reads the fetches of a day, and writes their rows.
type exportReader struct {
	*exportSource
	out     *sheet
	foreign bool // another program began the day: its fetches need not be compact

	finder  rawjson.Finder
	compact []byte
	sum     hash.Hash
	summed  chan struct{}

	lookout lookout
	inPart  int           // fetches in the part of the day
	meta    [metas][]byte // of the current fetch, as JSON
	members []byte        // the same, as the beginning of an object
	line    []byte
}

func newExportReader(s *exportSource, out *sheet) *exportReader {
	return &exportReader{exportSource: s, out: out, foreign: s.reader.Metadata().Layout == "foreign", lookout: s.newLookout(), sum: sha256.New(), summed: make(chan struct{}, 1)}
}

// upload exports the fetches of an upload, and holds them against its checksum.
func (x *exportReader) upload(u *rotatelog.Upload) error {
	checked := !x.foreign && u.SHA256 != ""
	x.sum.Reset()
	n := 0
	for fetch, err := range u.Fetches() {
		if err != nil {
			return err
		}
		if n++; checked {
			x.beginSum(fetch, n > 1)
		} else if fetch, err = x.valid(fetch); err != nil {
			return x.damaged(u, n, err)
		}
		x.Fetches++
		err = x.exportFetch(u, n, fetch)
		if checked {
			<-x.summed
		}
		if err != nil {
			return err
		}
	}
	if !checked {
		return nil
	}
	head := daytext.Head{Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.FetchCount, ID: u.ID}
	if head.Checksum(x.sum) != u.SHA256 {
		return &rotatelog.Error{Op: "export", Key: x.Key, Err: fmt.Errorf("%w: upload %d was changed: its checksum is wrong", rotatelog.ErrDamaged, u.Sequence)}
	}
	return nil
}

// worthSumming is how long a fetch is, in bytes, that is worth a goroutine.
const worthSumming = 32 << 10

// beginSum adds a fetch to the checksum. There is something in summed when it has done so.
func (x *exportReader) beginSum(fetch []byte, separated bool) {
	add := func() {
		if separated {
			x.sum.Write([]byte(daytext.Separator))
		}
		x.sum.Write(fetch)
		x.summed <- struct{}{}
	}
	if len(fetch) < worthSumming {
		add()
		return
	}
	go add()
}

// valid returns a fetch that no checksum holds, as one line, or what is wrong with it.
func (x *exportReader) valid(fetch []byte) (_ []byte, err error) {
	if _, err := x.finder.CheckObject(fetch, 0); err != nil {
		return nil, err
	}
	if x.foreign {
		x.compact, err = rawjson.AppendCompact(x.compact[:0], fetch)
		fetch = x.compact
	}
	return fetch, err
}

func (x *exportReader) damaged(u *rotatelog.Upload, n int, err error) error {
	return &rotatelog.Error{Op: "export", Key: x.Key, Err: fmt.Errorf("%w: upload %d, its fetch %d: %w", rotatelog.ErrDamaged, u.Sequence, n, err)}
}

// exportFetch exports the rows of the n-th fetch of an upload.
func (x *exportReader) exportFetch(u *rotatelog.Upload, n int, fetch []byte) error {
	if x.whole {
		x.inPart++
		x.Rows++
		return x.out.write(fetch, newline())
	}
	if err := x.fetch.Pick(fetch); err != nil {
		return x.damaged(u, n, err)
	}
	at := x.timeOf(u, fetch)
	if !x.isInPart(at) {
		return nil
	}
	x.inPart++
	x.describe(u, at)
	if x.opts.Each == nil {
		return x.row(fetch, x.fetch)
	}
	elements, ok := x.fetch.Elements()
	if !ok {
		x.Without++
		return nil
	}
	read := x.reads || bytes.Contains(fetch, []byte(`"_`)) || bytes.Contains(fetch, []byte(`\u005`)) // which is _ or near it
	for _, element := range elements {
		var of *rawjson.Picker
		if read && element[0] == '{' {
			if of = x.element; of.Pick(element) != nil { // it was read as a part of the fetch
				return x.damaged(u, n, rotatelog.ErrInvalidFetch)
			}
		}
		if err := x.row(element, of); err != nil {
			return err
		}
	}
	return nil
}

// timeOf returns when a fetch was made; the zero Time if that is not known.
func (x *exportReader) timeOf(u *rotatelog.Upload, fetch []byte) time.Time {
	timeOf := x.opts.TimeOf
	if timeOf == nil { // the rest of the fetch need not be read again
		timeOf = rotatelog.HeaderTime
		fetch = slices.Concat([]byte(`{"FETCH_HEADER":{"nyc_timestamp":`), x.fetch.Value(x.stamp), []byte("}}"))
		if x.fetch.Value(x.stamp) == nil {
			fetch = []byte("{}")
		}
	}
	at, err := timeOf(fetch)
	if err != nil {
		at, err = u.Time()
	}
	if err != nil {
		return time.Time{}
	}
	return at.In(x.archive.Location)
}

// isInPart reports whether a time is in the part of the day that is exported.
func (x *exportReader) isInPart(at time.Time) bool {
	if x.opts.From == 0 && x.opts.To == 0 {
		return true
	}
	if at.IsZero() {
		return false
	}
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	return clock >= x.opts.From && (x.opts.To == 0 || clock < x.opts.To)
}

// describe takes down what is known of a fetch.
func (x *exportReader) describe(u *rotatelog.Upload, at time.Time) {
	number, err := strconv.ParseUint(string(x.fetch.Value(x.number)), 10, 63)
	if err != nil {
		number = uint64(x.Fetches)
	}
	x.meta[metaDay] = append(append(append(x.meta[metaDay][:0], '"'), x.Day.String()...), '"')
	x.meta[metaFetch] = strconv.AppendUint(x.meta[metaFetch][:0], number, 10)
	x.meta[metaUpload] = strconv.AppendInt(x.meta[metaUpload][:0], int64(u.Sequence), 10)
	x.meta[metaTime] = append(x.meta[metaTime][:0], "null"...)
	if !at.IsZero() {
		x.meta[metaTime] = at.AppendFormat(x.meta[metaTime][:0], `"`+time.RFC3339+`"`)
	}
	x.members = x.members[:0]
	for i, name := range metaNames() {
		x.members = append(append(x.members, ",\""...), name...)
		x.members = append(append(x.members, "\":"...), x.meta[i]...)
	}
	x.members[0] = '{'
}

// row exports a row, if it is asked for. of has picked values of it; nil if it has not.
func (x *exportReader) row(value []byte, of *rawjson.Picker) error {
	for i, name := range metaNames() {
		if x.guarded[i] && of != nil && of.Value(x.ours[i]) != nil {
			return &rotatelog.Error{Op: "export", Key: x.Key, Err: fmt.Errorf("%w: there is a member %s already, in fetch %s", ErrUnfit, name, x.meta[metaFetch]),
				Hint: "export CSV, and leave that name out of the columns and conditions"}
		}
	}
	x.look(value, of)
	for i, f := range x.where {
		if !x.opts.Where[i].holds(x.value(f, value, of)) {
			return nil
		}
	}
	x.Rows++
	if x.columns != nil {
		return x.csvRow(value, of)
	}
	if x.opts.Each == nil {
		return x.out.write(value, newline())
	}
	return x.out.write(x.members, x.joined(value), newline())
}

func newline() []byte { return []byte{'\n'} }

// joined returns an element as it continues an object that has members.
func (x *exportReader) joined(element []byte) []byte {
	switch {
	case element[0] != '{':
		x.line = append(append(append(x.line[:0], `,"value":`...), element...), '}')
	case bytes.TrimLeft(element[1:], rawjson.Space)[0] == '}':
		x.line = append(x.line[:0], '}')
	default:
		x.line = append(append(x.line[:0], ','), element[1:]...)
	}
	return x.line
}

// value returns the value of a field of a row; nil if it has none.
func (x *exportReader) value(f exportField, row []byte, of *rawjson.Picker) []byte {
	switch {
	case f.meta >= 0:
		return x.meta[f.meta]
	case of != nil:
		return of.Value(f.at)
	case len(f.path) == 1 && f.path[0] == "value":
		return row
	}
	return nil
}

// csvRow writes the columns of a row.
func (x *exportReader) csvRow(value []byte, of *rawjson.Picker) error {
	cells := make([]string, len(x.columns))
	for i, f := range x.columns {
		switch v := x.value(f, value, of); {
		case v == nil || v[0] == 'n':
		case v[0] == '"':
			cells[i], _ = rawjson.Unquote(v) // it was read
		default:
			cells[i] = string(v)
		}
	}
	return x.out.record(cells)
}
