package health

import (
	"slices"
	"time"

	"example.com/rotatelog"
)

const (
	usualInterval = time.Minute
	// leastInterval is the least time between two fetches of a schedule. What comes
	// faster is not fetched at that moment: it comes from a file, or from a loop over files.
	leastInterval = 5 * time.Second
	// fewIntervals is how many say something even if they are short.
	fewIntervals = 10
)

// fetches returns the last fetches on disk, the oldest first.
func (v *view) fetches() []rotatelog.RecentAppend {
	return slices.DeleteFunc(v.recent(), func(a rotatelog.RecentAppend) bool { return a.Refused != "" })
}

// recent returns the last Appends, the oldest first.
func (v *view) recent() []rotatelog.RecentAppend {
	if v.Spool.Append == nil {
		return nil
	}
	return slices.Clone(v.Spool.Append.Recent)
}

// lastFetch returns when a fetch was last put on disk, zero if never. The Writer says so
// at least every 30 s; what came since shows in the files. A batch that was sealed for another
// reason than a fetch is not younger than what the Writer says.
func (v *view) lastFetch() time.Time {
	var last, written time.Time
	if a := v.Spool.Append; a != nil {
		last, written = a.LastSuccess, a.Written
	}
	show := func(t time.Time) {
		if t.After(written) && t.After(last) {
			last = t
		}
	}
	if v.Spool.Unfinished.Fetches > 0 {
		show(v.Spool.Unfinished.Changed)
	}
	for b := range batches(&v.Spool) {
		show(b.Sealed)
	}
	return last
}

// Interval returns the usual time between two fetches: Options.Every, or the median of the
// last 60, or a minute while there are few.
func Interval(f Facts, o Options) time.Duration {
	v := &view{f, o.withDefaults()}
	return v.interval()
}

// interval returns the usual time between two fetches.
func (v *view) interval() time.Duration {
	if v.Every > 0 {
		return v.Every
	}
	var intervals []time.Duration
	fetches := v.fetches()
	for i := 1; i < len(fetches); i++ {
		if d := fetches[i].Time.Sub(fetches[i-1].Time); d >= leastInterval {
			intervals = append(intervals, d)
		}
	}
	if len(intervals) == 0 {
		return usualInterval
	}
	slices.Sort(intervals)
	median := intervals[len(intervals)/2].Round(time.Second)
	if len(intervals) < fewIntervals {
		return max(median, usualInterval)
	}
	return median
}
