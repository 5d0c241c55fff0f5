package dashboard

import (
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// history is how many matches fetches had through the last days, as far as somebody looked:
// the spool remembers only the last 60 fetches.
type history struct {
	last time.Time // fetch that was added
	same int       // fetches that were added with this time
	days []dayHistory
}

type dayHistory struct {
	day     rotatelog.Day
	buckets []bucket
}

// bucket is a part of a day.
type bucket struct {
	fetches int
	matches int64
}

const (
	bucketTime  = 10 * time.Minute
	historyDays = 8 // so that there is the same weekday a week ago
	maxBuckets  = int(25 * time.Hour / bucketTime)
)

// add adds the fetches that came since it was called last.
func (h *history) add(f health.Facts, zone *time.Location) {
	if f.Spool.Append == nil {
		return
	}
	if now := f.Now.Add(time.Minute); h.last.After(now) { // the clock was ahead
		h.last, h.same = f.Now, 0
		h.days = slices.DeleteFunc(h.days, func(d dayHistory) bool { return d.day.Compare(rotatelog.DayOf(now, zone)) > 0 })
	}
	last, same := h.last, h.same
	n := 0
	for _, a := range f.Spool.Append.Recent {
		if a.Refused != "" || a.Time.Before(h.last) || a.Time.After(f.Now.Add(time.Minute)) {
			continue
		}
		if a.Time.Equal(h.last) {
			if n++; n <= h.same {
				continue
			}
		}
		switch {
		case a.Time.Equal(last):
			same++
		case a.Time.After(last):
			last, same = a.Time, 1
		}
		h.count(a, zone)
	}
	h.last, h.same = last, same
}

// count adds a fetch, if it could be counted.
func (h *history) count(a rotatelog.RecentAppend, zone *time.Location) {
	day := rotatelog.DayOf(a.Time, zone)
	place := int(a.Time.Sub(day.Start(zone)) / bucketTime)
	if a.Uncounted || place < 0 || place >= maxBuckets {
		return
	}
	d := h.of(day)
	for len(d.buckets) <= place {
		d.buckets = append(d.buckets, bucket{})
	}
	d.buckets[place].fetches++
	d.buckets[place].matches += a.Matches
}

// of returns the history of a day, and forgets one if there are too many.
func (h *history) of(day rotatelog.Day) *dayHistory {
	i := slices.IndexFunc(h.days, func(d dayHistory) bool { return d.day == day })
	if i < 0 {
		h.days = append(h.days, dayHistory{day: day})
		slices.SortFunc(h.days, func(a, b dayHistory) int { return a.day.Compare(b.day) })
		h.days = slices.Delete(h.days, 0, max(0, len(h.days)-historyDays))
		if i = slices.IndexFunc(h.days, func(d dayHistory) bool { return d.day == day }); i < 0 {
			return &dayHistory{day: day} // older than all of these
		}
	}
	return &h.days[i]
}

// through returns the history of a day.
func (h *history) through(day rotatelog.Day) []bucket {
	for _, d := range h.days {
		if d.day == day {
			return slices.Clone(d.buckets)
		}
	}
	return nil
}

// weekBefore returns the history of the day a week before another, each part where that day
// has the same time of day: when the clocks are changed, days have other hours.
func (h *history) weekBefore(day rotatelog.Day, zone *time.Location) []bucket {
	ago := daysBefore(day, 7)
	known := h.through(ago)
	if len(known) == 0 {
		return nil
	}
	start, end := day.Start(zone), day.Next().Start(zone)
	all := make([]bucket, end.Sub(start)/bucketTime)
	for i := range all {
		at := start.Add(time.Duration(i) * bucketTime).In(zone)
		same := time.Date(ago.Year, ago.Month, ago.Date, at.Hour(), at.Minute(), 0, 0, zone)
		if place := int(same.Sub(ago.Start(zone)) / bucketTime); place < len(known) {
			all[i] = known[place]
		}
	}
	return all
}
