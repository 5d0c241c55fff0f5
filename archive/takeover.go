package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// A Takeover says what would be done so that a new machine, or a new directory, continues
// the stream of a lost one. Nothing has been changed.
type Takeover struct {
	Day         rotatelog.Day
	Key         string
	Version     rotatelog.Version // of the day's object; "" if there is none
	Compression rotatelog.Compression
	Owner       string // the Writer that owns it; "" if it has no owner
	Uploads     int
	Number      int    // the last daily fetch number that is in it
	Mine        bool   // it belongs to this directory already
	Aside       string // the key under which the object is kept as it is now; "": it is not changed

	maintenance *rotatelog.Maintenance
	archive     rotatelog.Archive
	size        int64
}

// PlanTakeover looks at the object of a day, which should be today. What the lost machine
// had appended and not uploaded is not in it: at most the batches that waited, and the
// unfinished one. If its disk turns up, Restore brings them in by SpoolSource.
func PlanTakeover(ctx context.Context, m *rotatelog.Maintenance, a rotatelog.Archive, day rotatelog.Day) (*Takeover, error) {
	t := &Takeover{Day: day, Key: a.Key(day, m.Compression()), Compression: m.Compression(), maintenance: m, archive: a}
	report, err := readDay(ctx, a, day, VerifyOptions{})
	if errors.Is(err, fs.ErrNotExist) { // the day has not begun: its object will be this Writer's
		t.Mine = true
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if report.Worst() == Error {
		return nil, &rotatelog.Error{Op: "take over", Key: report.Key, Err: fmt.Errorf("the day is broken: %v", report.Findings[0]),
			Hint: "look at it with verify; the machine that owned it, or its disk, may have what is missing"}
	}
	r, err := a.Open(ctx, day)
	if err != nil {
		return nil, err
	}
	meta := r.Metadata()
	t.Key, t.Version, t.size = meta.Key, report.Version, report.Size
	t.Compression = compressionOf(a, day, t.Key)
	t.Owner, t.Uploads = meta.Owner, report.Totals.Uploads
	t.Mine = meta.Owner == m.Owner()
	if t.Number, err = lastNumber(report.whole); err != nil {
		return nil, err
	}
	t.Number = max(t.Number, report.Totals.Fetches)
	if !t.Mine && m.Owner() != "" {
		t.Aside = asideKey(a, t.Key, t.Version, m.Now())
	}
	return t, nil
}

// lastNumber returns the largest FETCH_HEADER.fetch_number of the last upload, or 0.
func lastNumber(uploads []rotatelog.DayUpload) (int, error) {
	if len(uploads) == 0 {
		return 0, nil
	}
	text, err := uploads[len(uploads)-1].Open()
	if err != nil {
		return 0, err
	}
	defer text.Close()
	last := 0
	count := rotatelog.CountMember("FETCH_HEADER", "fetch_number")
	_, err = rawjson.ReadArray(inArray(text), func(fetch []byte, _ int64) error {
		if n, err := count(fetch); err == nil && n < 1<<31 {
			last = max(last, int(n))
		}
		return nil
	})
	return last, err
}

// Apply takes the day over. First it keeps a copy of the object; then it writes its own
// id into the object, whose content stays, and succeeds only if it then sees that id, and
// all that it saw before. The Writer whose day it was is refused from then on. At last it
// has the next Writer of the directory continue the daily numbers and the compression.
// No Writer of the directory may be running: the error then matches rotatelog.ErrLocked.
func (t *Takeover) Apply(ctx context.Context) error {
	if t.Version != "" && !t.Mine {
		if err := t.adopt(ctx); err != nil {
			return err
		}
	}
	if t.Number > 0 {
		if _, err := t.maintenance.Seed(t.Day, t.Number, t.Compression); err != nil {
			return err
		}
	}
	return nil
}

func (t *Takeover) adopt(ctx context.Context) error {
	d, err := t.maintenance.LockDay(ctx, t.Day, t.Compression)
	if err != nil {
		return err
	}
	defer d.Unlock()
	obj, err := d.Resolve(ctx)
	if err != nil {
		return err
	}
	if obj.Version != t.Version {
		return &rotatelog.Error{Op: "take over", Key: t.Key, Err: fmt.Errorf("%w: it has changed since it was looked at", rotatelog.ErrConflict),
			Hint: "its Writer still runs, or another machine takes it over at this moment; see which, and try again"}
	}
	if t.Aside != "" {
		if err := keepAside(ctx, d, t.archive.Store, t.Key, t.Aside, obj); err != nil {
			return err
		}
	}
	_, err = d.Adopt(ctx, t.Version)
	return err
}
