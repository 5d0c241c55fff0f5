package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

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
	Last        string // upload_timestamp of the last upload
	Number      int    // the last daily fetch number that is in it
	Mine        bool   // it belongs to this directory already
	Aside       string // the key under which the object is kept as it is now; "": it is not changed

	// Open are the writes to the day, in any compression, that the lost machine may have
	// begun. While there are any Apply refuses, unless AbortOpen is set: then it aborts
	// them. None may be younger than 15 minutes.
	Open      []rotatelog.OpenUpload
	AbortOpen bool

	maintenance *rotatelog.Maintenance
	archive     rotatelog.Archive
	tried       bool // to keep the object
}

// PlanTakeover looks at the object of a day, which should be today.
func PlanTakeover(ctx context.Context, m *rotatelog.Maintenance, a rotatelog.Archive, day rotatelog.Day) (*Takeover, error) {
	t := &Takeover{Day: day, Key: a.Key(day, m.Compression()), Compression: m.Compression(), maintenance: m, archive: a}
	report, err := readDay(ctx, a, day, VerifyOptions{})
	if errors.Is(err, fs.ErrNotExist) { // the day has not begun: its object will be this Writer's
		t.Mine = true
		if c, known, err := m.CompressionOf(day); err != nil {
			return nil, err
		} else if known { // what waits is for that object
			t.Compression, t.Key = c, a.Key(day, c)
		}
		return t, t.findOpen(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer report.texts.close()
	if report.Worst() == Error {
		return nil, &rotatelog.Error{Op: "take over", Key: report.Key, Err: fmt.Errorf("the day is broken: %v", report.firstError()),
			Hint: "look at it with verify; the machine that owned it, or its disk, may have what is missing"}
	}
	t.Key, t.Version = report.Key, report.Version
	t.Compression = compressionOf(a, day, t.Key)
	t.Owner, t.Uploads, t.Last = report.owner, report.Totals.Uploads, report.last
	t.Mine = t.Owner == m.Owner()
	if t.Number, err = lastNumber(report.whole); err != nil {
		return nil, err
	}
	t.Number = max(t.Number, report.Totals.Fetches)
	if !t.Mine && m.Owner() != "" {
		t.Aside = asideKey(a, t.Key, t.Version, m.Now())
	}
	return t, t.findOpen(ctx)
}

// findOpen finds the writes that are not finished. The lost machine may have compressed
// the day otherwise than this one would.
func (t *Takeover) findOpen(ctx context.Context) error {
	store, ok := t.archive.Store.(rotatelog.UploadLister)
	if !ok || t.maintenance.Owner() == "" {
		return nil
	}
	t.Open = nil
	for _, c := range forms() {
		open, err := store.OpenUploads(ctx, t.archive.Key(t.Day, c))
		if err != nil {
			return err
		}
		t.Open = append(t.Open, open...)
	}
	return nil
}

// Lost returns what is lost at most, a sentence. If the disk of the lost machine turns up,
// Restore brings that in by SpoolSource.
func (t *Takeover) Lost() string {
	const what = ": the batches that it had not uploaded yet, and the one that it was filling"
	if t.Uploads == 0 {
		return "at most what the lost machine has appended on " + t.Day.String() + what
	}
	return fmt.Sprintf("at most what the lost machine has appended after fetch %d, the last in upload %d, which was sealed at %s%s", t.Number, t.Uploads, t.Last, what)
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
// id into the object, whose uploads stay, and succeeds only if it then sees that id, and
// all that it saw before. The Writer whose day it was is refused from then on. At last it
// has the next Writer of the directory continue the daily numbers and the compression.
// No Writer of the directory may be running: the error then matches rotatelog.ErrLocked.
// If another machine takes the day over at the same time, one of the two gets an error
// that matches rotatelog.ErrConflict.
func (t *Takeover) Apply(ctx context.Context) error {
	if err := t.endOpen(ctx); err != nil {
		return err
	}
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

// endOpen aborts the writes that are not finished, if it may.
func (t *Takeover) endOpen(ctx context.Context) error {
	if t.Mine && t.Version != "" { // they are this Writer's, which has their intents
		return nil
	}
	if err := t.findOpen(ctx); err != nil {
		return err
	}
	if len(t.Open) == 0 {
		return nil
	}
	if !t.AbortOpen {
		return &rotatelog.Error{Op: "take over", Key: t.Open[0].Key, Err: fmt.Errorf("%d uploads to the day are not finished, the last of which was added to %v ago", len(t.Open), t.youngest()),
			Hint: "see that the lost machine has ended, and have them aborted"}
	}
	for _, u := range t.Open {
		if err := t.archive.Store.(rotatelog.UploadLister).AbortUpload(ctx, u.Key, u.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *Takeover) youngest() time.Duration {
	least := t.Open[0].Age
	for _, u := range t.Open {
		least = min(least, u.Age)
	}
	return least.Round(time.Second)
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
		return t.changed(rotatelog.ErrConflict)
	}
	if t.Aside != "" {
		t.Aside, t.tried = nextAside(t.Aside, t.tried), true
		if err := keepAside(ctx, d, t.archive.Store, t.Key, t.Aside, obj); err != nil {
			return err
		}
	}
	if _, err := d.Adopt(ctx, t.Version, t.Owner); errors.Is(err, rotatelog.ErrConflict) {
		return t.changed(err)
	} else if err != nil {
		return err
	}
	return nil
}

func (t *Takeover) changed(err error) error {
	return &rotatelog.Error{Op: "take over", Key: t.Key, Err: fmt.Errorf("it has changed since it was looked at: %w", err),
		Hint: "its Writer still runs, or another machine takes it over at this moment; see which, and try again"}
}
