package prom

import (
	"errors"
	"maps"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// A snapshot is what is known of a stream at one moment. Times are zero, and pointers
// nil, where nothing is known.
type snapshot struct {
	stream   string
	readable bool
	known    bool // what is below is; if not, only what is set is

	totals  *totals
	created time.Time // since when they count

	lastFetch, lastUpload time.Time
	interval              time.Duration
	unfinished            int // -1: not known
	pending               health.Waiting
	refused               bool
	today                 *rotatelog.DayLook

	disk     *health.DiskEstimate
	findings []health.Finding
	blind    []health.Code // which could not be looked for
	judged   bool          // findings are known
}

// totals are what only grows.
type totals struct {
	fetches, uncounted, uploads, attempts, failures, conflicts, repairs int

	matches float64        // which may be many: as large as an int64 each
	refused map[string]int // by reason
}

func totalsOf(s rotatelog.Stats) totals {
	return totals{s.Appended, s.Uncounted, s.Uploaded, s.Attempts, s.Failed, s.Conflicts, s.Repaired, float64(s.Matches), s.RefusedFor}
}

func (t totals) plus(more totals) totals {
	sum := totals{t.fetches + more.fetches, t.uncounted + more.uncounted, t.uploads + more.uploads, t.attempts + more.attempts,
		t.failures + more.failures, t.conflicts + more.conflicts, t.repairs + more.repairs, t.matches + more.matches, maps.Clone(t.refused)}
	if sum.refused == nil {
		sum.refused = map[string]int{}
	}
	for reason, n := range more.refused {
		sum.refused[reason] += n
	}
	return sum
}

// snapshot returns what is known of the stream: by its spool, and then by its Writer,
// which knows better.
func (w *watched) snapshot(now time.Time, r reading, neighbors []rotatelog.SpoolStatus) snapshot {
	s := snapshot{stream: w.Name, readable: r.ok || w.Look == nil && w.reader == nil, interval: w.Options.Every, unfinished: -1}
	if r.ok {
		facts := r.facts
		if w.Look == nil {
			facts.Now, facts.Neighbors = now, neighbors
			if w.Facts != nil {
				w.Facts(&facts)
			}
		}
		s.fromSpool(facts, w.Options)
	}
	if w.Writer != nil {
		t := w.before.plus(totalsOf(w.Writer.Stats()))
		s.totals, s.created, s.known = &t, w.began, true
		s.fromWriter(w.Writer)
	}
	return s
}

func (s *snapshot) fromSpool(facts health.Facts, o health.Options) {
	spool, today := facts.Spool, rotatelog.DayOf(facts.Now, o.Location)
	sum := health.Summarize(facts, o)
	s.known, s.findings, s.judged, s.disk = true, sum.Findings, true, sum.Disk
	s.lastFetch, s.lastUpload = sum.Fetched.Last, sum.Uploaded.Last
	s.blind = health.Blind(facts, o)
	s.interval = health.Interval(facts, o)
	s.unfinished, s.pending = spool.Unfinished.Fetches, sum.Waiting
	if p := spool.Publish; p != nil {
		s.refused = refuses(p)
		if p.LastLook != nil && p.LastLook.Day == today {
			s.today = p.LastLook
		}
	}
	s.totals = totalsOfMonth(spool, today)
	s.created = rotatelog.Day{Year: today.Year, Month: today.Month, Date: 1}.Start(o.Location)
}

// refuses reports whether uploads fail in a way that no retry can fix.
func refuses(p *rotatelog.WriterState) bool {
	f := p.LastFailure
	return f != nil && f.Permanent && f.Over.IsZero() && !p.LastSuccess.After(f.Time)
}

// totalsOfMonth returns the sums of the days of this month, nil if the spool says nothing
// of any day.
func totalsOfMonth(s rotatelog.SpoolStatus, today rotatelog.Day) *totals {
	if s.Append == nil && s.Publish == nil {
		return nil
	}
	t := totals{refused: map[string]int{}}
	for _, state := range []*rotatelog.WriterState{s.Append, s.Publish} {
		if state == nil {
			continue
		}
		for _, c := range state.Days {
			if c.Day.Year == today.Year && c.Day.Month == today.Month {
				t = t.plus(totals{c.Appended, c.Uncounted, c.Uploaded, c.Attempts, c.Failures, c.Conflicts, c.Repaired, float64(c.Matches), c.Refused})
			}
		}
	}
	return &t
}

func (s *snapshot) fromWriter(w *rotatelog.Writer) {
	stats, today := w.Stats(), w.Today()
	s.lastFetch, s.lastUpload = later(s.lastFetch, stats.LastAppended), later(s.lastUpload, stats.LastUploaded)
	s.pending = health.Waiting{Batches: stats.Pending, Bytes: stats.PendingBytes, Oldest: stats.OldestPending}
	s.refused = errors.Is(stats.LastError, rotatelog.ErrPermanent)
	if !today.Looked.IsZero() {
		s.today = &rotatelog.DayLook{Day: today.Day, Uploads: today.Uploads, Fetches: today.Fetches, Matches: today.Matches, Size: today.Size, Looked: today.Looked}
	}
}

// zoneOf returns the zone of the stream's days.
func zoneOf(o health.Options) *time.Location {
	if o.Location != nil {
		return o.Location
	}
	if newYork, err := time.LoadLocation("America/New_York"); err == nil {
		return newYork
	}
	return time.UTC
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
