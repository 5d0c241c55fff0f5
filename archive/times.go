package archive

import (
	"cmp"
	"math"
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// times collects when the fetches of a day were made, and by what they are known.
type times struct {
	fetches, uploads []moment
	untimed          bool // a fetch has no time, so that those of the uploads count

	ids     map[uint64]struct{} // hashes of random_fetch_id
	number  int64               // the last fetch_number
	numbers int64               // that are missing
}

// moment is when something was made, and the upload it is in.
type moment struct {
	unix   int64
	upload int
}

// since returns how long after another moment m is, or the longest Duration.
func (m moment) since(earlier moment) time.Duration {
	return time.Unix(m.unix, 0).Sub(time.Unix(earlier.unix, 0))
}

// Each of these bounds what is remembered of a day, whatever is in it.
const (
	maxMoments = 1 << 20
	maxIDs     = 1 << 20
	maxID      = 100 // bytes
	maxGaps    = 20
)

// identify looks at the header of a fetch.
func (t *times) identify(c *check, header []byte, upload, n int) {
	if len(header) == 0 || header[0] != '{' {
		return
	}
	if id, err := rawjson.Lookup(header, "random_fetch_id"); err == nil && 2 < len(id) && len(id) <= maxID && len(t.ids) < maxIDs {
		hash := c.seen.hash(id)
		if _, twice := t.ids[hash]; twice {
			c.find(FetchTwice, upload, n, "its random_fetch_id, %s, stands in an earlier fetch, too", id)
		}
		if t.ids == nil {
			t.ids = map[uint64]struct{}{}
		}
		t.ids[hash] = struct{}{}
	}
	if number, err := rotatelog.CountMember("fetch_number")(header); err == nil && number > 0 {
		if gap := number - t.number - 1; t.number > 0 && gap > 0 {
			t.numbers = addClamped(t.numbers, gap)
		}
		t.number = number
	}
}

// add takes down when a fetch was made, the zero Time if that is not known.
func (t *times) add(at time.Time, upload int) {
	switch {
	case at.IsZero():
		t.untimed, t.fetches = true, nil
	case !t.untimed && len(t.fetches) < maxMoments:
		t.fetches = append(t.fetches, moment{at.Unix(), upload})
	}
}

// uploadTime takes down when an upload was sealed.
func (c *check) uploadTime(at time.Time, upload int) {
	all := c.times.uploads
	if n := len(all); n > 0 && at.Unix() < all[n-1].unix {
		c.find(Order, upload, 0, "it is older than the one before it: the clock was set back, or it was restored")
	}
	if len(all) < maxMoments {
		c.times.uploads = append(all, moment{at.Unix(), upload})
	}
}

// gaps looks for times without a fetch.
func (c *check) gaps() {
	t := &c.times
	all := t.fetches
	if len(all) == 0 {
		all = t.uploads
	}
	if t.numbers > 0 && c.meta.Owner != "" {
		c.find(NumberGap, 0, 0, "%d fetch numbers are missing", t.numbers)
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.unix, b.unix) })
	limit := c.opts.Gap
	if limit <= 0 {
		limit = usualGap(all)
	}
	if limit <= 0 {
		return
	}
	found := 0
	for i := 1; i < len(all) && found < maxGaps; i++ {
		from, to := all[i-1], all[i]
		if to.since(from) > limit {
			found++
			c.findGap(to.upload, from, to, c.clock(to.unix))
		}
	}
	if n := len(all); c.over() && n > 0 {
		last, end := all[n-1], moment{unix: c.Day.Next().Start(c.location()).Unix()}
		if end.since(last) > limit {
			c.findGap(last.upload, last, end, "midnight")
		}
	}
}

// findGap reports that there was no fetch from one moment to another.
func (c *check) findGap(upload int, from, to moment, until string) {
	n := len(c.Findings)
	c.find(Gap, upload, 0, "no fetch from %s to %s", c.clock(from.unix), until)
	if len(c.Findings) > n {
		c.Findings[n].From, c.Findings[n].To = time.Unix(from.unix, 0).In(c.location()), time.Unix(to.unix, 0).In(c.location())
	}
}

// usualGap returns five times the median interval of the last 200 moments, or 0 if they
// are too few.
func usualGap(all []moment) time.Duration {
	const last, least = 200, 10
	var intervals []time.Duration
	for i := max(1, len(all)-last); i < len(all); i++ {
		intervals = append(intervals, all[i].since(all[i-1]))
	}
	if len(intervals) < least {
		return 0
	}
	slices.Sort(intervals)
	const times, longest = 5, time.Duration(math.MaxInt64)
	median := max(intervals[len(intervals)/2], time.Second)
	if median > longest/times {
		return longest
	}
	return times * median
}

func (c *check) clock(unix int64) string {
	return time.Unix(unix, 0).In(c.location()).Format("03:04 PM")
}

func (c *check) location() *time.Location { return c.archive.Location }

// over reports whether the day has ended.
func (c *check) over() bool {
	return rotatelog.DayOf(c.opts.now(), c.location()).Compare(c.Day) > 0
}

func (o VerifyOptions) now() time.Time {
	if o.Clock != nil {
		return o.Clock.Now()
	}
	return time.Now()
}

// withLocation returns an archive whose Location is set.
func withLocation(a rotatelog.Archive) (rotatelog.Archive, error) {
	if a.Location != nil {
		return a, nil
	}
	var err error
	a.Location, err = time.LoadLocation("America/New_York")
	return a, err
}
