package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// exporter is what the days of an export have in common.
type exporter struct {
	archive rotatelog.Archive
	opts    ExportOptions

	whole   bool            // each fetch is a row as it is: nothing in it is looked at
	fetch   *rawjson.Picker // of fetches
	element *rawjson.Picker // of elements; that of fetches without Each
	stamp   int             // where fetch has nyc_timestamp,
	number  int             // fetch_number,
	columns []exportField   // and the element what is asked for
	where   []exportField
	ours    [metas]int // and members with a name of ours
	guarded [metas]bool
	reads   bool // elements have to be read
}

// exportField is where a value of a row is.
type exportField struct {
	path []string
	meta int // metaDay …; -1 if it is in the row
	at   int // in the Picker
}

func newExporter(a rotatelog.Archive, opts ExportOptions) (*exporter, error) {
	err := opts.Check()
	if err == nil {
		a, err = withLocation(a)
	}
	if err != nil {
		return nil, fmt.Errorf("rotatelog: %w", err)
	}
	e := &exporter{archive: a, opts: opts}
	var ofFetch, ofElement paths
	e.stamp, e.number = ofFetch.add("FETCH_HEADER", "nyc_timestamp"), ofFetch.add("FETCH_HEADER", "fetch_number")
	of := &ofElement
	if opts.Each == nil {
		of = &ofFetch
	}
	for _, path := range opts.Columns {
		e.columns = append(e.columns, e.field(of, path))
	}
	for _, c := range opts.Where {
		e.where = append(e.where, e.field(of, c.Path))
	}
	for i, name := range metaNames() {
		e.ours[i] = of.add(name)
		e.guarded[i] = e.guarded[i] || opts.Each != nil && opts.Columns == nil
	}
	e.whole = opts.Each == nil && opts.Columns == nil && opts.Where == nil && opts.From == 0 && opts.To == 0
	e.reads = opts.Columns != nil || opts.Where != nil
	e.fetch = rawjson.NewPicker(opts.Each, ofFetch...)
	if e.element = e.fetch; opts.Each != nil {
		e.element = rawjson.NewPicker(nil, ofElement...)
	}
	return e, nil
}

// field returns where the value at a path is, among those that are picked.
func (e *exporter) field(of *paths, path []string) exportField {
	f := exportField{path: path, meta: -1}
	if len(path) == 1 {
		f.meta = slices.Index(metaNames(), path[0])
	}
	if f.meta >= 0 {
		e.guarded[f.meta] = true
		return f
	}
	f.at = of.add(path...)
	return f
}

// paths are different paths.
type paths [][]string

// add returns the place of a path, which it appends unless it is there.
func (p *paths) add(path ...string) int {
	i := slices.IndexFunc(*p, func(other []string) bool { return slices.Equal(other, path) })
	if i < 0 {
		*p = append(*p, path)
		i = len(*p) - 1
	}
	return i
}

// exportSource is a day that is exported.
type exportSource struct {
	*exporter
	ExportedDay
	reader *rotatelog.DayReader // nil for the object as it is
	text   *rotatelog.DayText
	ext    string // of a file with the day
	size   int64  // of the object
}

// open finds the object of a day.
func (e *exporter) open(ctx context.Context, day rotatelog.Day) (*exportSource, error) {
	s := &exportSource{exporter: e, ext: e.opts.ext()}
	s.Day = day
	var m rotatelog.DayMetadata
	var err error
	if e.opts.Raw {
		if s.text, err = e.archive.Text(ctx, day); err != nil {
			return nil, err
		}
		m, _ = s.text.Metadata()
		s.ext = extOf(m.Compression)
	} else {
		if s.reader, err = e.archive.Open(ctx, day); err != nil {
			return nil, err
		}
		m = s.reader.Metadata()
	}
	s.Key, s.Version, s.size = m.Key, m.Version, m.Size
	return s, e.checkAlone(ctx, day, m.Key)
}

// checkAlone returns an error if a day has another object than the one at key: some of its
// fetches are in that one, and a part of a day must not pass for the day.
func (e *exporter) checkAlone(ctx context.Context, day rotatelog.Day, key string) error {
	for _, other := range otherKeys(e.archive, day, key) {
		_, err := rotatelog.OpenDay(ctx, e.archive.Store, other, e.archive.ReadOptions)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = &rotatelog.Error{Op: "export", Key: key, Err: fmt.Errorf("%w: the day has another object, %s, and its fetches are in both", rotatelog.ErrDamaged, other),
				Hint: "move one of them away, and restore the day with its file as a source"}
		}
		return err
	}
	return nil
}

// extOf returns how the name of an object ends.
func extOf(c rotatelog.Compression) string {
	switch c {
	case rotatelog.Zstd:
		return ".json.zst"
	case rotatelog.Gzip:
		return ".json.gz"
	}
	return ".json"
}

// exportTo writes the day to w, and nothing else.
func (s *exportSource) exportTo(ctx context.Context, w io.Writer) error {
	out, err := s.newSheet(w)
	if err != nil {
		return err
	}
	err = s.export(ctx, out)
	if closed := out.close(); err == nil {
		err = closed
	}
	return err
}

// export writes the day.
func (s *exportSource) export(ctx context.Context, out *sheet) error {
	before := out.written()
	var err error
	if s.opts.Raw {
		m, _ := s.text.Metadata()
		err = copyObject(ctx, out, s.archive, m)
	} else {
		err = s.rows(ctx, out)
	}
	if s.opts.Raw && err == nil {
		err = s.checkStill(ctx)
	}
	if flushed := out.flush(); err == nil {
		err = flushed
	}
	s.Bytes = out.written() - before
	return err
}

// checkStill returns an error that matches ErrReplaced if the object is no longer the one
// that was copied. Some servers yield a mixture of two versions at that moment.
func (s *exportSource) checkStill(ctx context.Context) error {
	still, err := isStill(ctx, s.archive, s.Day, s.Key, s.Version, s.size)
	if err != nil || still {
		return err
	}
	return &rotatelog.Error{Op: "export", Key: s.Key, Err: rotatelog.ErrReplaced, Hint: "export the day again"}
}

// untilStill exports a day again, up to maxVersions times, while its object is replaced
// before all of it is copied, or two versions of it may have been mixed.
func (e *exporter) untilStill(export func() (ExportedDay, error)) (r ExportedDay, err error) {
	for range maxVersions {
		if r, err = export(); !errors.Is(err, rotatelog.ErrReplaced) || !e.opts.Raw && !errors.Is(err, rotatelog.ErrConflict) {
			break
		}
	}
	return r, err
}

// rows writes the rows of the day.
func (s *exportSource) rows(ctx context.Context, out *sheet) error {
	x := newExportReader(s, out)
	for u, err := range s.reader.Uploads(ctx) {
		if err == nil {
			err = x.upload(u)
		}
		if err != nil {
			return err
		}
	}
	s.Lacks = x.lacks()
	if s.opts.Each != nil && x.inPart > 0 && s.Without == x.inPart {
		return &rotatelog.Error{Op: "export", Key: s.Key, Err: fmt.Errorf("%w: no fetch has an array at %s", ErrUnfit, rawjson.PathName(s.opts.Each))}
	}
	return nil
}
