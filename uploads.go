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
	// reader returns what reads the version.
	reader() *versionReader
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
	searched bool      // src did not begin with the first upload
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
		c.end()
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

// end ends a day that was read to where it ended when it was opened, in a version that has
// replaced it.
func (c *cursor) end() {
	for c.number > 0 { // in a foreign day the timestamp may come after the fetches
		if _, err := c.fetch(); err != nil {
			break
		}
	}
	if c.err != nil {
		return
	}
	if c.err = c.day.endsWith(c.upload); c.err != io.EOF {
		c.err = storeError("read", c.day.key, c.err)
	}
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
	for {
		fromStart := c.day.isReadFromStart() || errors.Is(err, ErrDamaged) && !c.searched
		err = c.src.reader().damaged(err)
		if !fromStart || !errors.Is(err, ErrConflict) || c.lost == maxReads {
			break
		}
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
		return nil, fmt.Errorf("%w: it was deleted: %v", ErrReplaced, err) // not %w: that would mean that there was none
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
	if u != nil && (u.Timestamp != doc.last || doc.lastSequence > 0 && u.Sequence != doc.lastSequence) {
		return fmt.Errorf("%w: upload %d of %s comes where version %s has ended", ErrReplaced, u.Sequence, u.Timestamp, d.object.Version)
	}
	return io.EOF
}
