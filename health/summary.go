package health

import (
	"slices"
	"time"

	"example.com/rotatelog"
)

// A Summary is what there is to say of a stream, well or not. Times are zero, and counts
// -1, where they are not known.
type Summary struct {
	Stream   string
	Now      time.Time
	Findings []Finding // of Evaluate

	Fetched   Fetched
	Batch     Batch
	Uploaded  Uploaded
	Waiting   Waiting
	Kept      Kept
	Disk      *DiskEstimate // nil if Facts.Disk is
	Yesterday Yesterday
}

// Fetched is what came from the API.
type Fetched struct {
	Last    time.Time // zero if nothing ever came
	Number  int       // of the last fetch, if it is of today: how many came today
	Missing int       // how many should have come today, and did not
	Matches int64     // in the last one
}

// Batch is the batch that is being filled.
type Batch struct {
	Fetches int
	Size    int
	Due     time.Time // when it will go up, if fetches go on as they come; zero if it is empty
}

// Uploaded is what is in today's object.
type Uploaded struct {
	Last    time.Time // upload, of whatever day
	Uploads int
	Fetches int
	Matches int64
}

// Waiting is what is sealed and waits for the store.
type Waiting struct {
	Batches int
	Fetches int
	Bytes   int64
	Oldest  time.Time // when it was sealed; zero if none waits
}

// Kept is what this machine keeps as a backup though it is in the store.
type Kept struct {
	Batches int
	Bytes   int64     // of their files, most of which are compressed
	Oldest  time.Time // when it was sealed; zero if none is kept
}

// Yesterday is the day before.
type Yesterday struct {
	Day      rotatelog.Day
	Complete bool // it is in its object, as far as this machine has it
	Waiting  int  // fetches of it that are not
	Uploads  int
	Fetches  int
	Closed   time.Time // when its last upload was seen in its object
	Before   bool      // the first fetch that was put on disk here came later
}

// Known reports whether anything is known of the day.
func (y Yesterday) Known() bool { return y.Fetches >= 0 || y.Waiting > 0 }

// Summarize returns what there is to say of a stream. Nothing but its arguments decides.
func Summarize(f Facts, o Options) Summary {
	v := &view{f, o.withDefaults()}
	s := Summary{Stream: f.Spool.Name, Now: f.Now, Findings: Evaluate(f, o),
		Fetched: v.fetched(), Batch: v.batch(), Uploaded: v.uploaded(), Waiting: v.waiting(), Kept: v.kept(), Yesterday: v.yesterday()}
	if f.Disk != nil {
		e := v.diskEstimate()
		s.Disk = &e
	}
	return s
}

func (v *view) fetched() Fetched {
	f := Fetched{Last: v.lastFetch(), Matches: -1}
	if v.Spool.Day == v.today() {
		f.Number = v.Spool.Number
	}
	if fetches := v.fetches(); len(fetches) > 0 {
		// One that only the files show is not among them.
		if last := fetches[len(fetches)-1]; !last.Time.Before(f.Last) && !last.Uncounted {
			f.Matches = last.Matches
		}
	}
	f.Missing = v.missing(f.Number)
	return f
}

// missing returns how many fetches did not come today, given how many did. On the first
// day of a stream it is not known when it began.
func (v *view) missing(number int) int {
	a := v.Spool.Append
	began := a != nil && slices.ContainsFunc(a.Days, func(c rotatelog.DayCounts) bool {
		return c.Appended > 0 && c.Day.Compare(v.today()) < 0
	})
	if !began {
		return -1
	}
	return max(0, int(v.Expect.since(v.Now, v.Location)/v.interval())-number)
}

func (v *view) batch() Batch {
	b := Batch{Fetches: v.Spool.Unfinished.Fetches, Size: v.BatchSize}
	if b.Fetches == 0 {
		return b
	}
	left := max(0, b.Size-b.Fetches)
	b.Due = v.lastFetch().Add(time.Duration(left) * v.interval())
	if midnight := v.Spool.Day.Next().Start(v.Location); midnight.Before(b.Due) { // which ends it
		b.Due = midnight
	}
	if last := v.uploaded().Last; v.UploadEvery > 0 && !last.IsZero() {
		b.Due = later(b.Due, last.Add(v.UploadEvery))
	}
	b.Due = later(b.Due, v.Now)
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (v *view) uploaded() Uploaded {
	u := Uploaded{Uploads: -1, Fetches: -1, Matches: -1}
	if p := v.Spool.Publish; p != nil {
		u.Last = p.LastSuccess
		if l := p.LastLook; l != nil && l.Day == v.today() {
			u.Uploads, u.Fetches, u.Matches = l.Uploads, l.Fetches, l.Matches
		}
	}
	if d, ok := v.object(v.today()); ok && d.Totals.Uploads >= u.Uploads { // or it was read before that look
		u.Uploads, u.Fetches, u.Matches = d.Totals.Uploads, d.Totals.Fetches, d.Totals.Matches
	}
	return u
}

func (v *view) waiting() Waiting {
	var w Waiting
	for _, b := range v.Spool.Pending {
		w.Batches++
		w.Fetches += b.Fetches
		w.Bytes += b.Bytes
		if w.Oldest.IsZero() || b.Sealed.Before(w.Oldest) {
			w.Oldest = b.Sealed
		}
	}
	return w
}

func (v *view) kept() Kept {
	var k Kept
	for _, b := range v.Spool.Confirmed {
		k.Batches++
		k.Bytes += b.Bytes
		if k.Oldest.IsZero() || b.Sealed.Before(k.Oldest) {
			k.Oldest = b.Sealed
		}
	}
	return k
}

func (v *view) yesterday() Yesterday {
	y := Yesterday{Day: v.lastDay(), Uploads: -1, Fetches: -1}
	for _, b := range v.Spool.Pending {
		if b.Day == y.Day {
			y.Waiting += b.Fetches
		}
	}
	if v.Spool.Day == y.Day {
		y.Waiting += v.Spool.Unfinished.Fetches
	}
	first := v.firstHere()
	y.Before = !first.IsZero() && first.Compare(y.Day) > 0
	v.totalsOf(&y)
	y.Complete = y.Fetches >= 0 && y.Waiting == 0 && !v.unsettled(y.Day) && !v.hasNone(y.Day)
	return y
}

// totalsOf sets the totals of a day from what is best known of it: its object, what the
// Writer saw in it when the day was over, what this machine has done on that day.
func (v *view) totalsOf(y *Yesterday) {
	a, p := v.Spool.Append, v.Spool.Publish
	if a != nil {
		for _, c := range a.Days {
			if c.Day == y.Day && c.Appended > 0 {
				y.Fetches = c.Appended
			}
		}
	}
	if p != nil && p.LastComplete != nil && p.LastComplete.Day == y.Day {
		y.Uploads, y.Fetches, y.Closed = p.LastComplete.Uploads, p.LastComplete.Fetches, p.LastComplete.Looked
	}
	if d, ok := v.object(y.Day); ok {
		y.Uploads, y.Fetches = d.Totals.Uploads, d.Totals.Fetches+y.Waiting
	}
}
