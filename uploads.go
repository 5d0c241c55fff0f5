package rotatelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"time"
)

// Upload is an upload of a day's object: up to ten fetches, unless Config.MaxFetches says
// otherwise. In a foreign day, what comes after fetch_data in the upload is filled in when
// the fetches have been read.
type Upload struct {
	// Sequence is upload_sequence, counted from 1. Where a foreign day has none, or one
	// that does not rise, it is what a Writer takes it for.
	Sequence  int
	Timestamp string // upload_timestamp: when the batch was sealed, in TimeLayout
	Matches   int64
	// FetchCount is how many fetches the upload says that it has; -1 if it does not say.
	FetchCount int
	ID         string // upload_id; "" if it has none
	SHA256     string // upload_sha256; "" if it has none

	day    *DayReader
	cursor *cursor
	number int // of the uploads that the cursor has returned
}

// Time returns the Timestamp as a time. EST and EDT tell the two passes of the hour that
// autumn repeats apart.
func (u *Upload) Time() (time.Time, error) { return u.day.parseTime(u.Timestamp) }

// fill fills in what is known of the same upload by now.
func (u *Upload) fill(from *Upload) {
	u.Sequence, u.Timestamp, u.Matches, u.FetchCount = from.Sequence, from.Timestamp, from.Matches, from.FetchCount
	u.ID, u.SHA256 = from.ID, from.SHA256
}

func (o dayObject) parseTime(timestamp string) (time.Time, error) {
	t, err := time.ParseInLocation(TimeLayout, timestamp, o.opts.Location)
	if l := t.Location(); err != nil || l != o.opts.Location && l != time.UTC {
		return time.Time{}, fmt.Errorf("timestamp %q is not of the form %s in %v", timestamp, TimeLayout, o.opts.Location)
	}
	return t, nil
}

// Fetches returns the fetches of the upload, each as it is in the object: compact, but in
// a foreign day. A fetch is good until the next step. The loop over the uploads skips
// those that were not read when it moves on, and after that Fetches is an error. A second
// call continues where the first has stopped.
func (u *Upload) Fetches() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			if u.cursor.number != u.number {
				yield(nil, newError("read", u.day.key, fmt.Errorf("upload %d is not the current one any more", u.Sequence)))
				return
			}
			switch fetch, err := u.cursor.fetch(); {
			case err == io.EOF:
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(fetch, nil):
				return
			}
		}
	}
}

// Uploads returns the uploads of the day in their order. After an error there are no more.
//
// It reads the object as it was opened. If that has been replaced by a longer one, as a
// Writer does, it continues in that one, and ends where it would have ended; if it has
// been replaced by any other the error matches [ErrReplaced]. A connection that breaks is
// replaced by another. Text that is not in the form of a day is an error that matches
// [ErrPermanent]. No more than a fetch is held in memory, and some text read ahead.
func (d *DayReader) Uploads(ctx context.Context) iter.Seq2[*Upload, error] {
	return d.uploads(ctx, nil)
}

// UploadsFrom is Uploads from the first upload on whose sequence is not less than the
// given one. In an uncompressed day of a Writer it searches for that with a few requests;
// other days are read from their beginning.
func (d *DayReader) UploadsFrom(ctx context.Context, sequence int) iter.Seq2[*Upload, error] {
	return d.uploads(ctx, d.bySequence(sequence))
}

// UploadsSince is UploadsFrom for the first upload whose timestamp is not before t.
// Timestamps are whole seconds. It relies on timestamps that rise from upload to upload:
// where batches came late, or several Writers share the day, it may leave some out.
func (d *DayReader) UploadsSince(ctx context.Context, t time.Time) iter.Seq2[*Upload, error] {
	return d.uploads(ctx, d.byTime(t))
}

// uploads returns the uploads from the target on; nil means all.
func (d *DayReader) uploads(ctx context.Context, to *target) iter.Seq2[*Upload, error] {
	return func(yield func(*Upload, error) bool) {
		c, err := d.cursorTo(ctx, to)
		if err != nil {
			yield(nil, err)
			return
		}
		defer c.close()
		for found := to == nil; ; {
			u, err := c.next()
			if err == io.EOF {
				return
			}
			if err == nil && !found {
				found, err = to.reachedBy(u)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if found && !yield(u, nil) {
				return
			}
		}
	}
}

// uploadSource yields the uploads of one version.
type uploadSource interface {
	// next skips what is left of the upload before. Its error is io.EOF after the last.
	next() (*Upload, error)
	// fetch returns the next fetch of the upload. Its error is io.EOF after the last.
	fetch() ([]byte, error)
	close()
}

// cursor yields the uploads of a day. Where a version is replaced that cannot be continued
// at a position, it reads the next one from its beginning, up to where it was.
type cursor struct {
	day *DayReader
	ctx context.Context // of the one iteration that the cursor serves
	src uploadSource

	shown    *Upload   // the last that was returned
	upload   *Upload   // the same, of the version that src is of
	number   int       // of uploads that were returned
	fetches  int       // that were returned of the last
	sum      hash.Hash // of each upload, as Upload.hash adds it
	replaced bool      // src is of another version than day
	lost     int       // how often a version was replaced since the last upload or fetch
	err      error     // after which there is nothing more
}

// cursor returns a cursor at the beginning.
func (d *DayReader) cursor(ctx context.Context) *cursor {
	c := &cursor{day: d, ctx: ctx, sum: sha256.New()}
	c.src = c.sourceOf(d)
	return c
}

func (c *cursor) sourceOf(d *DayReader) uploadSource {
	if d.doc.layout() == foreign {
		return newForeignSource(c.ctx, d)
	}
	return newLineSource(c.ctx, d)
}

// close ends the cursor. Fetches of its last upload are no longer read, since nobody would
// close what they are read from.
func (c *cursor) close() {
	c.src.close()
	c.number = 0
}

func (c *cursor) next() (*Upload, error) {
	if c.replaced && c.number == c.day.doc.totals.Uploads && c.err == nil {
		if c.err = c.day.endsWith(c.upload); c.err != io.EOF {
			c.err = storeError("read", c.day.key, c.err)
		}
	}
	for c.proceed() {
		u, err := c.src.next()
		if err == nil {
			c.add(u)
			return u, nil
		}
		c.failed(err)
	}
	return nil, c.err
}

// proceed reports whether there is more to do: also what has been read ahead is not
// yielded when ctx is done.
func (c *cursor) proceed() bool {
	if c.err == nil && c.ctx.Err() != nil {
		c.err = storeError("read", c.day.key, context.Cause(c.ctx))
	}
	return c.err == nil
}

func (c *cursor) add(u *Upload) {
	c.number++
	c.fetches, c.lost = 0, 0
	u.hash(c.sum)
	u.cursor, u.number = c, c.number
	c.shown, c.upload = u, u
}

// hash adds what an upload is known by in each version.
func (u *Upload) hash(sum hash.Hash) { fmt.Fprintf(sum, "%d %q %q\n", u.Sequence, u.ID, u.Timestamp) }

func (c *cursor) fetch() ([]byte, error) {
	for c.proceed() {
		fetch, err := c.src.fetch()
		if err == io.EOF {
			c.shown.fill(c.upload)
			return nil, err
		}
		if err == nil {
			c.fetches++
			c.lost = 0
			return fetch, nil
		}
		c.failed(err)
	}
	return nil, c.err
}

// failed continues with the version that has replaced the one being read, if that is what
// is wrong; otherwise it keeps the error.
func (c *cursor) failed(err error) {
	for errors.Is(err, ErrConflict) && c.day.isReadFromStart() && c.lost < maxReads {
		c.lost++
		err = c.reopen()
	}
	switch {
	case err == io.EOF:
		c.err = err
	case err != nil:
		c.err = storeError("read", c.day.key, err)
	}
}

// isReadFromStart reports whether what comes first in the object must be read to get at
// what comes next.
func (d *DayReader) isReadFromStart() bool {
	return d.day.pack != Uncompressed || d.doc.layout() == foreign
}

// reopen opens the version that has replaced the one being read, and reads it up to the
// same place.
func (c *cursor) reopen() error {
	c.src.close()
	now, err := c.day.follow(c.ctx)
	if err != nil {
		return err
	}
	c.src, c.replaced = c.sourceOf(now), true
	sum := sha256.New()
	for range c.number {
		if c.upload, err = c.src.next(); err != nil {
			return c.other(now, err)
		}
		c.upload.hash(sum)
	}
	if !bytes.Equal(sum.Sum(nil), c.sum.Sum(nil)) {
		return c.other(now, io.EOF)
	}
	for range c.fetches {
		if _, err := c.src.fetch(); err != nil {
			return c.other(now, err)
		}
	}
	return nil
}

// other returns err, unless it says that a version lacks what another had.
func (c *cursor) other(now *DayReader, err error) error {
	if err == io.EOF {
		return otherUploads(c.day, now)
	}
	return err
}

func otherUploads(was, now *DayReader) error {
	return fmt.Errorf("%w: version %s does not have the uploads of version %s", ErrReplaced, now.object.Version, was.object.Version)
}

// follow opens the version that the object has now. It is an error if that cannot begin
// with what d is of.
func (d *DayReader) follow(ctx context.Context) (*DayReader, error) {
	now, err := d.open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was deleted: %w", ErrReplaced, err)
	}
	if err != nil {
		return nil, err
	}
	was := d.doc
	switch is := now.doc; {
	case (is.layout() == foreign) != (was.layout() == foreign), is.totals.Uploads < was.totals.Uploads,
		was.totals.Uploads > 0 && is.first != was.first, is.totals.Fetches < was.totals.Fetches:
		return nil, otherUploads(d, now)
	case !d.isReadFromStart() && is.end-is.begin < was.end-was.begin:
		return nil, otherUploads(d, now)
	}
	return now, nil
}

// endsWith returns io.EOF if the day, as it was opened, ends with an upload that was read
// of the version which has replaced it. Otherwise others were put in before that.
func (d *DayReader) endsWith(u *Upload) error {
	doc := d.doc
	if doc.layout() != foreign && u != nil && (u.Timestamp != doc.last || doc.lastSequence > 0 && u.Sequence != doc.lastSequence) {
		return fmt.Errorf("%w: upload %d of %s comes where version %s has ended", ErrReplaced, u.Sequence, u.Timestamp, d.object.Version)
	}
	return io.EOF
}

// target is what a search looks for: the first upload whose value, its sequence or its
// time, is not less than want.
type target struct {
	value       func(*Upload) (int64, error)
	want        int64
	first, last int64 // values of the first upload and the last
	known       bool  // first and last are known
	exact       bool  // no two uploads have the same value
	bounded     bool  // no upload has a value above last
}

func (t *target) reachedBy(u *Upload) (bool, error) {
	v, err := t.value(u)
	return v >= t.want, err
}

func (d *DayReader) bySequence(sequence int) *target {
	last := d.doc.lastSequence
	return &target{
		value: func(u *Upload) (int64, error) { return int64(u.Sequence), nil },
		want:  int64(sequence), first: 1, last: int64(max(last, d.doc.totals.Uploads)), known: true, exact: true, bounded: last > 0,
	}
}

func (d *DayReader) byTime(t time.Time) *target {
	first, err1 := d.parseTime(d.doc.first)
	last, err2 := d.parseTime(d.doc.last)
	want := t.Unix()
	if t.Nanosecond() > 0 {
		want++
	}
	return &target{
		value: func(u *Upload) (int64, error) {
			t, err := u.Time()
			if err != nil {
				err = storeError("read", d.key, fmt.Errorf("upload %d: %w", u.Sequence, err))
			}
			return t.Unix(), err
		},
		want: want, first: first.Unix(), last: last.Unix(), known: err1 == nil && err2 == nil && first.Before(last), bounded: true,
	}
}

// cursorTo returns a cursor at the target or at an upload before it.
func (d *DayReader) cursorTo(ctx context.Context, to *target) (*cursor, error) {
	c := d.cursor(ctx)
	if to == nil || d.isReadFromStart() || !to.known || to.want <= to.first || d.doc.totals.Uploads == 0 {
		return c, nil
	}
	if to.want > to.last && to.bounded {
		c.err = io.EOF
		return c, nil
	}
	src, err := d.search(ctx, to)
	if err != nil {
		return nil, storeError("read", d.key, err)
	}
	c.src = src
	return c, nil
}

// maxProbes is how many requests a search makes at most; with the one that reads on from
// what was found, and the one that opened the day, there are twelve.
const maxProbes = 10

// search returns the uploads of an object that is not compressed from the target on, or
// from an upload not far before it. If the object is replaced it begins again: what is
// known of the one says nothing of the other.
func (d *DayReader) search(ctx context.Context, to *target) (*lineSource, error) {
	src, err := d.searchIn(ctx, d, to)
	for lost := 0; errors.Is(err, ErrConflict) && lost < maxReads; lost++ {
		var now *DayReader
		if now, err = d.follow(ctx); err == nil {
			src, err = d.searchIn(ctx, now, to)
		}
	}
	if err != nil {
		return nil, err
	}
	src.searches = false
	return src, nil
}

// searchIn searches a version, d itself or one that has replaced it. It goes by how much
// of the way to the target's value there should be, and later by halves. A probe reads up
// to the next head, which takes half an upload, and what it has found is read on from
// there.
func (d *DayReader) searchIn(ctx context.Context, now *DayReader, to *target) (*lineSource, error) {
	length := d.doc.end - d.doc.begin
	s := &searched{step: max(1, (to.last-to.first)/int64(d.doc.totals.Uploads))}
	s.lo, s.hi, s.limit = mark{1, to.first}, mark{length, to.last + s.step}, length
	s.third = s.lo
	for probe := range maxProbes {
		at := s.aim(to.want, probe)
		if at <= s.lo.pos+1 || s.limit-s.lo.pos <= s.upload() {
			break
		}
		src := newLineSourceAt(ctx, d, now, at, lineAny)
		src.searches = true
		found, err := s.probe(src, at, to)
		if found && err == nil {
			return src, nil
		}
		src.close()
		if err != nil {
			return nil, err
		}
	}
	src := newLineSourceAt(ctx, d, now, s.lo.pos, lineHead)
	src.searches = true
	if err := src.readHead(); err != nil {
		src.close()
		return nil, err
	}
	src.found = true
	return src, nil
}

// mark is a place in the entries, and a value that a search has found there.
type mark struct{ pos, value int64 }

// searched is what a search has found out.
type searched struct {
	step  int64 // what one upload adds to the value, on average
	lo    mark  // the head of an upload before the target, or of the first
	hi    mark  // the head of an upload from the target on, or the end
	third mark  // what lo or hi was before
	limit int64 // no head is at or after this position and before hi
}

// aim returns the position for the next probe: a little before where the target should be.
func (s *searched) aim(want int64, probe int) int64 {
	at := s.expected(want) - s.upload()*3/4
	if probe >= maxProbes/2 || at >= s.limit {
		at = s.lo.pos + (s.limit-s.lo.pos)/2
	}
	return at
}

// upload returns how many bytes an upload between lo and hi may have.
func (s *searched) upload() int64 {
	return (s.hi.pos - s.lo.pos) / max(1, (s.hi.value-s.lo.value)/s.step)
}

// expected returns where the target should be: on the parabola through the three marks
// around it, since uploads grow and shrink in the course of a day, or on a line.
func (s *searched) expected(want int64) int64 {
	line := func(a, b mark) float64 {
		share := float64(want-a.value) / float64(max(1, b.value-a.value))
		return float64(a.pos) + share*float64(b.pos-a.pos)
	}
	at := line(s.lo, s.hi)
	if c := s.third; c.value < s.lo.value || c.value > s.hi.value {
		share := float64(want-s.hi.value) / float64(c.value-s.hi.value)
		curved := at + share*(line(s.lo, c)-at)
		if float64(s.lo.pos) < curved && curved < float64(s.limit) {
			at = curved
		}
	}
	return int64(at)
}

// probe looks at the first upload that begins after a position. found is true if it is
// the target, or not far before it.
func (s *searched) probe(src *lineSource, at int64, to *target) (found bool, err error) {
	u, err := src.skipToHead(s.limit)
	if err != nil {
		return false, err
	}
	if u == nil {
		s.limit = at
		return false, nil
	}
	value, err := to.value(u)
	switch {
	case err != nil:
		return false, err
	case value >= to.want:
		s.third, s.hi, s.limit = s.hi, mark{src.headAt, value}, at
		return value == to.want && to.exact, nil
	}
	s.third, s.lo = s.lo, mark{src.headAt, value}
	return s.expected(to.want)-s.lo.pos <= s.upload()*3/2, nil
}
