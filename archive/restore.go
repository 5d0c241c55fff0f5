package archive

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog"
)

// A Plan says what Restore would do with a day. Nothing has been changed.
type Plan struct {
	Day         rotatelog.Day
	Key         string
	Version     rotatelog.Version // of the object that is there; "" if there is none
	Compression rotatelog.Compression
	Report      Report // what is wrong with that object

	Keep    []rotatelog.DayUpload // the uploads of the object that are whole
	PutBack []PutBack             // those that come from elsewhere, in the order of their sequences
	Missing []Range               // the sequences of uploads that nothing has
	Pending []string              // the ids of batches in the spool that are not in the object: the Writer uploads them
	Partial []Partial             // uploads that nothing has whole, of which something is put back
	Differ  []string              // the ids of uploads of which two sources have different texts, each whole
	Yield   []string              // the ids of uploads of the object that an earlier restore made of fetches which other uploads have
	Damaged []string              // files in which the spool keeps what it could not understand; none of it is used
	Aside   string                // the key under which what is there now is kept; "" if there is nothing

	// Uncounted says that the rule by which matches of PutBack are counted does not give
	// those of the other uploads. Apply then refuses: name another rule.
	Uncounted bool

	maintenance *rotatelog.Maintenance
	archive     rotatelog.Archive
	tried       bool  // to keep what is there
	unlike      []int // uploads of a foreign day that cannot be written as a Writer writes them
}

// PutBack is an upload that is put back.
type PutBack struct {
	rotatelog.DayUpload
	From string // the source
	// Was is its sequence in the source, if another upload has that by now; otherwise 0.
	Was int
}

// RestoreOptions says from where a day is restored.
type RestoreOptions struct {
	// Sources are searched after the object and the spool, in this order.
	Sources []Source
	// MaxFetchBytes is the size of the largest fetch: that of the Archive unless set.
	MaxFetchBytes int64
	// Count counts the matches of what is put back from a batch, or of an upload that
	// nothing has whole: the Writer's rule unless set.
	Count rotatelog.CountFunc
}

// PlanRestore looks for the uploads of a day in its object, in the spool of m and in
// other sources, and plans how to put the day together again. An upload is its
// upload_id. What the object has whole stays under its sequence; a day that another
// program began is written in the form of a Writer then. Of an upload
// that nothing has whole, the fetches are put back that are not broken, under a new id.
// Nothing that waits in the spool's pending/ is put back: its Writer brings it. Of the
// unfinished batch of a source those fetches are put back that are not in any upload.
func PlanRestore(ctx context.Context, m *rotatelog.Maintenance, a rotatelog.Archive, day rotatelog.Day, opts RestoreOptions) (*Plan, error) {
	p := &Plan{Day: day, maintenance: m, archive: a, Compression: m.Compression()}
	verify := VerifyOptions{MaxFetchBytes: opts.MaxFetchBytes}
	report, err := readDay(ctx, a, day, verify)
	switch {
	case err == nil:
		p.Version, p.Report, p.unlike = report.Version, report.Report, report.unlike
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if p.Version == "" {
		if c, known, err := m.CompressionOf(day); err != nil {
			return nil, err
		} else if known { // what waits is for that object
			p.Compression = c
		}
		p.Key = a.Key(day, p.Compression)
	} else {
		p.Key, p.Compression = report.Key, compressionOf(a, day, report.Key)
		p.Aside = asideKey(a, p.Key, p.Version, m.Now())
	}
	if report.texts != nil {
		defer report.texts.close()
	}
	if p.Damaged, err = m.Damaged(); err != nil {
		return nil, err
	}
	return p, p.collect(ctx, report, opts)
}

// collect finds what there is of the day.
func (p *Plan) collect(ctx context.Context, d dayRead, opts RestoreOptions) error {
	m, err := newMerge(d.whole)
	if err != nil {
		return err
	}
	found := make([][]rotatelog.DayUpload, len(opts.Sources))
	for i, s := range opts.Sources {
		if found[i], err = s.Uploads(ctx, p.Day); err != nil {
			return err
		}
		defer closeAll(found[i])
	}
	// The spool comes after the sources: so it has what a copy of it has.
	if err := p.searchSpool(m); err != nil {
		return err
	}
	for i, s := range opts.Sources {
		if err := m.supply(s.String(), found[i]); err != nil {
			return err
		}
	}
	count := opts.Count
	if count == nil {
		count = p.maintenance.Count
	}
	if p.Partial, err = m.addDamaged(); err != nil {
		return err
	}
	if err := m.settle(count); err != nil {
		return err
	}
	if err := p.addPartial(m, d, count); err != nil {
		return err
	}
	if err := p.recount(m, count); err != nil {
		return err
	}
	p.Keep, p.Differ, p.Yield = m.keep, m.differing(), m.yield
	p.PutBack, p.Missing = m.arrange()
	return nil
}

// searchSpool finds what the spool has of the day. The bodies come first: they say how
// many matches were counted.
func (p *Plan) searchSpool(m *merge) error {
	batches, err := p.maintenance.Batches(p.Day)
	if err != nil {
		return err
	}
	found, err := bodies(&p.maintenance.SpoolReader, p.Day)
	if err != nil {
		return err
	}
	var pending []string
	for _, b := range batches {
		switch {
		case b.State == rotatelog.Confirmed:
			found = append(found, b.DayUpload)
		case b.State == rotatelog.Pending:
			pending = append(pending, b.ID)
		}
	}
	if err := m.supply("the spool", found); err != nil {
		return err
	}
	for _, b := range batches {
		if b.State != rotatelog.Confirmed {
			m.wait(b)
		}
	}
	p.Pending = slices.DeleteFunc(pending, m.has)
	return nil
}

// asideKey returns the key under which a version of an object is kept.
func asideKey(a rotatelog.Archive, key string, v rotatelog.Version, now time.Time) string {
	at := strings.LastIndex(key, cmp.Or(a.Name, "all_api")+"_json_log_") // after the Prefix
	return fmt.Sprintf("%sdamaged/%s-%s-%s", key[:at], key[at:], now.UTC().Format("20060102T150405Z"), shortVersion(v))
}

// nextAside returns the key under which an object is kept, which is another one in each
// later try: a server that checks nothing may still make the copy that the first has asked
// for, of what is there by then.
func nextAside(aside string, tried bool) string {
	if tried {
		return aside + "-again"
	}
	return aside
}

// shortVersion returns what is left of a version in a file name: its first eight letters
// and digits.
func shortVersion(v rotatelog.Version) string {
	letters := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, string(v))
	return letters[:min(8, len(letters))]
}

func compressionOf(a rotatelog.Archive, day rotatelog.Day, key string) rotatelog.Compression {
	for _, c := range []rotatelog.Compression{rotatelog.Zstd, rotatelog.Gzip} {
		if key == a.Key(day, c) {
			return c
		}
	}
	return rotatelog.Uncompressed
}

// Uploads returns the uploads of the day as it would be, in order.
func (p *Plan) Uploads() []rotatelog.DayUpload {
	all := slices.Clone(p.Keep)
	for _, b := range p.PutBack {
		all = append(all, b.DayUpload)
	}
	slices.SortStableFunc(all, func(a, b rotatelog.DayUpload) int { return a.Sequence - b.Sequence })
	return all
}

// Needed reports whether Apply would change anything. It changes nothing about errors
// that stay when the object is written again: those are for people.
func (p *Plan) Needed() bool {
	return len(p.PutBack) > 0 || len(p.Yield) > 0 || slices.ContainsFunc(p.Report.Findings, func(f Finding) bool {
		switch f.Code {
		case TwoObjects, Timestamp, Count, ID:
			return false
		}
		return f.Severity() == Error
	})
}

// Apply restores the day under its lock, while the Writer of the stream continues with
// other days. First it keeps the object that is there now, under the key Aside, and
// compares the two. The error matches rotatelog.ErrConflict if the object has changed
// since it was planned; then plan again. After any other error Apply may be called again,
// and keeps the object under another key. It returns what Verify says of the day
// afterwards.
func (p *Plan) Apply(ctx context.Context) (Report, error) {
	uploads := p.Uploads()
	if !p.Needed() {
		return p.Report, nil
	}
	if len(uploads) == 0 {
		return Report{}, &rotatelog.Error{Op: "restore", Key: p.Key, Err: errors.New("no upload of the day was found"),
			Hint: "name another source: the disk of the machine that wrote it, a mirror, or a file"}
	}
	if p.Uncounted {
		return Report{}, &rotatelog.Error{Op: "restore", Key: p.Key, Err: errors.New("matches would be counted by a rule that does not give those of the other uploads of the day"),
			Hint: "nothing was changed; name the rule by which its Writer counts"}
	}
	if len(p.unlike) > 0 {
		return Report{}, &rotatelog.Error{Op: "restore", Key: p.Key, Err: fmt.Errorf("another program began the day, and its uploads %v cannot be written as a Writer writes them: something of them would be lost", p.unlike),
			Hint: "nothing was changed; put the uploads of PutBack into another day, or edit a copy of the object"}
	}
	defer closeAll(uploads)
	d, err := p.maintenance.LockDay(ctx, p.Day, p.Compression)
	if err != nil {
		return Report{}, err
	}
	defer d.Unlock()
	obj, err := d.Resolve(ctx)
	if err != nil {
		return Report{}, err
	}
	if obj.Version != p.Version {
		return Report{}, &rotatelog.Error{Op: "restore", Key: p.Key, Err: fmt.Errorf("%w: it has changed since this was planned", rotatelog.ErrConflict), Hint: "plan again"}
	}
	if err := d.CheckOwner(obj); err != nil {
		return Report{}, err
	}
	if p.Version != "" {
		p.Aside, p.tried = nextAside(p.Aside, p.tried), true
		if err := keepAside(ctx, d, p.archive.Store, p.Key, p.Aside, obj); err != nil {
			return Report{}, err
		}
	}
	if _, err := d.Write(ctx, p.Version, uploads); err != nil {
		return Report{}, err
	}
	return VerifyDay(ctx, p.archive, p.Day, VerifyOptions{})
}

// maxPlans is how often Restore plans before it gives up.
const maxPlans = 5

// Restore plans to restore a day, and applies the plan. If the object has changed since
// it was planned it plans again: its Writer has uploaded, or an earlier restore that was
// cut short has taken effect. The Plan is the last one.
func Restore(ctx context.Context, m *rotatelog.Maintenance, a rotatelog.Archive, day rotatelog.Day, opts RestoreOptions) (*Plan, Report, error) {
	for n := 1; ; n++ {
		p, err := PlanRestore(ctx, m, a, day, opts)
		if err != nil {
			return p, Report{}, err
		}
		r, err := p.Apply(ctx)
		if !errors.Is(err, rotatelog.ErrConflict) || n == maxPlans {
			return p, r, err
		}
	}
}

// keepAside copies the object of a locked day to the key aside, and compares the two.
func keepAside(ctx context.Context, d *rotatelog.LockedDay, store rotatelog.Store, key, aside string, obj rotatelog.Object) error {
	kept := d.Keep(ctx, obj, aside)
	if kept != nil && !errors.Is(kept, fs.ErrExist) && !errors.Is(kept, rotatelog.ErrConflict) {
		return kept
	}
	copied, err := store.Stat(ctx, aside) // it may be there already
	if err != nil {
		return errors.Join(kept, err)
	}
	a, err := store.Read(ctx, key, obj.Version, 0, obj.Size)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := store.Read(ctx, aside, copied.Version, 0, copied.Size)
	if err != nil {
		return err
	}
	defer b.Close()
	if same, err := sameBytes(a, b); err != nil || !same {
		return &rotatelog.Error{Op: "keep", Key: aside, Err: errors.Join(errors.New("the copy of what is there now is not like it"), err), Hint: "nothing was changed; try again"}
	}
	return nil
}

// sameBytes reports whether two readers yield the same.
func sameBytes(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, errA := io.ReadFull(a, x)
		k, errB := io.ReadFull(b, y)
		if n != k || !bytes.Equal(x[:n], y[:k]) {
			return false, nil
		}
		endA, endB := errA == io.EOF || errA == io.ErrUnexpectedEOF, errB == io.EOF || errB == io.ErrUnexpectedEOF
		switch {
		case endA && endB:
			return true, nil
		case errA != nil:
			return false, errA
		case errB != nil:
			return false, errB
		}
	}
}
