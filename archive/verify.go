package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"example.com/rotatelog"
)

// VerifyOptions says how days are verified. The zero value is a good choice.
type VerifyOptions struct {
	// Count counts the matches of each fetch anew, to be compared with
	// matches_in_upload. Without it that is covered by the checksum alone.
	Count rotatelog.CountFunc
	// TimeOf says when a fetch was made: rotatelog.HeaderTime unless set. Where a
	// fetch has no time, upload_timestamp is used for the whole day. It must be safe for
	// concurrent use.
	TimeOf func(fetch []byte) (time.Time, error)
	// Gap is for how long there may be no fetch: five times the median interval of
	// the day's last 200 fetches unless set.
	Gap time.Duration
	// Spool, if set, is what the day is held against: the batches that it has confirmed
	// must be in the day, with the same fetches. If the stream has moved it must be opened
	// with the Store, so that it knows which were confirmed there.
	Spool *rotatelog.SpoolReader
	// Against, if set, is another archive of the stream, such as a mirror. Each upload that
	// it has whole must be in the day, with the same text.
	Against *rotatelog.Archive
	// MaxFetchBytes is the size of the largest fetch: that of the Archive unless set.
	MaxFetchBytes int64
	// Sample, if it is more than 1, has Verify read only a part of the days: in that many
	// runs, one a day, it reads each once. InSample says which.
	Sample int
	// Clock says which days are over, and what day is today: the system's unless set.
	Clock rotatelog.Clock
}

// Report is what Verify has found of a day.
type Report struct {
	Day     rotatelog.Day
	Key     string // "" if there is no object
	Version rotatelog.Version
	Size    int64            // of the object, in bytes
	Totals  rotatelog.Totals // counted from what is there

	Findings []Finding // the first thousand of each severity
	More     int       // findings beyond those
}

// maxFindings bounds what a Report holds of a day that is broken all over.
const maxFindings = 1000

// Worst returns the worst severity of the findings, and Note if there are none.
func (r Report) Worst() Severity {
	worst := Note
	for _, f := range r.Findings {
		worst = max(worst, f.Severity())
	}
	return worst
}

// Verify reads the days from first to last, both included, and yields a report of each.
// An error says that the Day of the report could not be read, which says nothing about
// what is in it; the days after it are still verified.
//
// A day that is not over is verified as it is. A day without an object has a report with
// DayMissing, unless it is not over or no day before it has one. A day that is not in the
// sample has no report.
func Verify(ctx context.Context, a rotatelog.Archive, first, last rotatelog.Day, opts VerifyOptions) iter.Seq2[Report, error] {
	return func(yield func(Report, error) bool) {
		a, err := withLocation(a)
		if err != nil {
			yield(Report{}, err)
			return
		}
		begun, today := false, rotatelog.DayOf(opts.now(), a.Location)
		for day := first; day.Compare(last) <= 0; day = day.Next() {
			if !InSample(day, today, opts.Sample) {
				if !begun {
					_, err := a.Text(ctx, day)
					begun = err == nil
				}
				continue
			}
			r, err := VerifyDay(ctx, a, day, opts)
			if errors.Is(err, fs.ErrNotExist) {
				if err = nil; !begun || day.Compare(today) >= 0 {
					continue
				}
				r = missing(a, day)
			}
			begun, r.Day = true, day
			if !yield(r, err) || ctx.Err() != nil {
				return
			}
		}
	}
}

func missing(a rotatelog.Archive, day rotatelog.Day) Report {
	key := a.Key(day, rotatelog.Uncompressed)
	return Report{Day: day, Findings: []Finding{{Code: DayMissing, Day: day, Key: key,
		Text: "there is no object of the day", Next: fmt.Sprintf("rotatelog restore %v", day)}}}
}

// VerifyDay verifies one day. The error matches [fs.ErrNotExist] if it has no object. If
// the object is replaced while it is read, VerifyDay begins again; if that happens each
// time, the error matches [rotatelog.ErrConflict].
func VerifyDay(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, opts VerifyOptions) (Report, error) {
	c, err := verifyDay(ctx, a, day, opts, func(*check) {})
	if err != nil {
		return Report{}, err
	}
	return c.Report, nil
}

// hold holds the day against a spool and against another archive.
func (c *check) hold(ctx context.Context) error {
	if c.opts.Spool != nil {
		batches, err := c.opts.Spool.Batches(c.Day)
		if err != nil {
			return err
		}
		for _, b := range batches {
			if b.State != rotatelog.Confirmed || b.FetchCount == 0 {
				continue
			}
			// Its counts are by the reader's rule, which need not be the Writer's.
			if err := c.compareUpload("the spool", b.DayUpload, false); err != nil {
				return err
			}
		}
	}
	if c.opts.Against == nil {
		return nil
	}
	other, err := readDay(ctx, *c.opts.Against, c.Day, VerifyOptions{MaxFetchBytes: c.opts.MaxFetchBytes})
	if errors.Is(err, fs.ErrNotExist) {
		c.find(NotInDay, 0, 0, "the other archive has no object of the day")
		return nil
	}
	for _, u := range other.whole {
		if err == nil {
			err = c.compareUpload("the other archive", u, true)
		}
	}
	return err
}

// compareUpload looks for an upload of another source in the day. The text of its fetches
// must be the same, and, if the counts say something, its checksum.
func (c *check) compareUpload(source string, u rotatelog.DayUpload, counts bool) error {
	place, ok := c.seen.place(u.ID)
	have := c.seen.text(u.ID)
	checked := u.SHA256 != "" && have.checked
	switch {
	case !ok:
		c.find(NotInDay, u.Sequence, 0, "%s has it, and the day does not", source)
		return nil
	case !have.whole, u.Lacks > 0, checked && digestOf(u.SHA256) == have.checksum:
		return nil
	case !checked || !counts:
		text, err := textOf(u)
		if errors.Is(err, fs.ErrNotExist) { // it was deleted since it was listed
			return nil
		}
		if err != nil || text == have.text {
			return err
		}
	}
	c.find(Differs, place, 0, "%s has another text of it", source)
	return nil
}

// textOf returns the digest of the text of an upload.
func textOf(u rotatelog.DayUpload) (sum digest, err error) {
	text, err := u.Open()
	if err != nil {
		return sum, err
	}
	defer text.Close()
	h := sha256.New()
	_, err = io.Copy(h, text)
	return digest(h.Sum(nil)), err
}

// maxVersions is how many versions of a day are tried to be read to their end.
const maxVersions = 5

// verifyDay verifies a day, and returns the check that did. prepare is called with each
// check before it begins.
func verifyDay(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, opts VerifyOptions, prepare func(*check)) (*check, error) {
	for n := 1; ; n++ {
		c, err := newCheck(ctx, a, day, opts)
		if err != nil {
			return nil, err
		}
		prepare(c)
		if err = c.others(ctx); err == nil {
			err = c.read(ctx)
		}
		if err == nil {
			err = c.hold(ctx) // which may have what was uploaded since the day was read
		}
		if err == nil && c.Worst() == Error {
			err = c.isStill(ctx)
		}
		if n == maxVersions || !errors.Is(err, rotatelog.ErrConflict) {
			return c, err
		}
	}
}

// isStill returns an error that matches rotatelog.ErrConflict if the object is no longer
// the one that was read. Some servers yield a mixture of two versions at that moment, so
// that nothing is wrong with either.
func (c *check) isStill(ctx context.Context) error {
	still, err := isStill(ctx, c.archive, c.Day, c.Key, c.Version, c.Size)
	if err != nil || still {
		return err
	}
	return fmt.Errorf("%s: %w: it was replaced while it was read", c.Key, rotatelog.ErrConflict)
}

// isStill reports whether the object of a day is still the one that was read.
func isStill(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, key string, v rotatelog.Version, size int64) (bool, error) {
	now, err := a.Text(ctx, day)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m, _ := now.Metadata()
	return m.Key == key && m.Version == v && m.Size == size, nil
}

// forms returns the compressions that a day's object may have.
func forms() []rotatelog.Compression {
	return []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip}
}

// otherKeys returns the keys that another object of a day than the one at key would have.
func otherKeys(a rotatelog.Archive, day rotatelog.Day, key string) (keys []string) {
	for _, c := range forms() {
		if other := a.Key(day, c); other != key {
			keys = append(keys, other)
		}
	}
	return keys
}

// others looks for objects of the day in another compression.
func (c *check) others(ctx context.Context) error {
	for _, key := range otherKeys(c.archive, c.Day, c.Key) {
		_, err := c.archive.Store.Stat(ctx, key)
		switch {
		case err == nil:
			c.find(TwoObjects, 0, 0, "the day has another object, %s: a reader finds only one of the two", key)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}
