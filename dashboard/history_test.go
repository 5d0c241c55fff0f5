package dashboard

import (
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// Each fetch is counted once, however often it is seen, and also if several have the same
// time, of which some were seen before.
func TestHistoryCountsEachFetchOnce(t *testing.T) {
	zone := newYork()
	start := time.Date(2025, 7, 10, 0, 5, 0, 0, zone)
	var all []rotatelog.RecentAppend
	for n := range 600 {
		all = append(all, rotatelog.RecentAppend{Time: start.Add(time.Duration(n/3) * time.Minute), Matches: 2})
	}
	all[7].Uncounted, all[8].Refused = true, "invalid"
	for _, step := range []int{1, 2, 7, 50} {
		var h history
		for end := step; end <= len(all)+step; end += step {
			end := min(end, len(all))
			recent := all[max(0, end-60):end]
			for range 2 {
				h.add(health.Facts{Now: recent[len(recent)-1].Time, Spool: rotatelog.SpoolStatus{Append: &rotatelog.WriterState{Recent: recent}}}, zone)
			}
		}
		var sum bucket
		for _, b := range h.through(rotatelog.DayOf(start, zone)) {
			sum.fetches += b.fetches
			sum.matches += b.matches
		}
		if sum.fetches != 598 || sum.matches != 1196 {
			t.Errorf("by %d: %+v", step, sum)
		}
	}
}

// The last eight days are remembered, so that there is a week ago, and no more.
func TestHistoryForgets(t *testing.T) {
	zone := newYork()
	var h history
	day := rotatelog.Day{Year: 2025, Month: time.October, Date: 30}
	for range 40 { // with one of 25 hours
		noon := day.Start(zone).Add(23*time.Hour + 50*time.Minute)
		h.add(health.Facts{Now: noon, Spool: rotatelog.SpoolStatus{Append: &rotatelog.WriterState{Recent: []rotatelog.RecentAppend{{Time: noon, Matches: 1}}}}}, zone)
		day = day.Next()
	}
	last := daysBefore(day, 1)
	if len(h.days) != historyDays || h.through(daysBefore(last, 7)) == nil || h.through(daysBefore(last, 8)) != nil || len(h.through(last)) > maxBuckets {
		t.Errorf("%d days", len(h.days))
	}
}

// Once a clock that was ahead is right again, fetches are counted again, and what came in the
// future is forgotten.
func TestHistoryAfterTheClockWasAhead(t *testing.T) {
	zone := newYork()
	now := time.Date(2025, 7, 10, 12, 0, 0, 0, zone)
	var h history
	var recent []rotatelog.RecentAppend
	at := func(now time.Time) {
		recent = append(recent, rotatelog.RecentAppend{Time: now, Matches: 2})
		h.add(health.Facts{Now: now.Add(time.Second), Spool: rotatelog.SpoolStatus{Append: &rotatelog.WriterState{Recent: recent}}}, zone)
	}
	count := func() (n int) {
		for _, b := range h.through(rotatelog.DayOf(now, zone)) {
			n += b.fetches
		}
		return n
	}
	for n := range 10 {
		at(now.Add(time.Duration(n) * time.Minute))
	}
	for n := range 10 {
		at(now.Add(72*time.Hour + time.Duration(n)*time.Minute))
	}
	for n := range 10 {
		at(now.Add(time.Hour + time.Duration(n)*time.Minute))
	}
	if n := count(); n < 19 || n > 20 || len(h.days) != 1 { // one came before the clock was seen to be right
		t.Errorf("%d fetches on one of %d days", n, len(h.days))
	}
}

// On the days around a change of the clocks, what was a week ago stands where it was the same
// time of day.
func TestWeekAgoIsTheSameTimeOfDay(t *testing.T) {
	zone := newYork()
	for _, date := range []int{2, 9} { // of November 2025: the clocks are set back on the 2nd
		today := rotatelog.Day{Year: 2025, Month: time.November, Date: date}
		ago := daysBefore(today, 7)
		var h history
		for at := ago.Start(zone); at.Before(ago.Next().Start(zone)); at = at.Add(bucketTime) {
			h.add(health.Facts{Now: at, Spool: rotatelog.SpoolStatus{Append: &rotatelog.WriterState{Recent: []rotatelog.RecentAppend{{Time: at, Matches: int64(at.Hour())}}}}}, zone)
		}
		week := h.weekBefore(today, zone)
		if want := int(today.Next().Start(zone).Sub(today.Start(zone)) / bucketTime); len(week) != want {
			t.Errorf("%v: %d places, want %d", today, len(week), want)
		}
		for i, b := range week {
			if hour := today.Start(zone).Add(time.Duration(i) * bucketTime).Hour(); b.fetches != 1 || b.matches != int64(hour) {
				t.Errorf("%v: at %d there is %+v", today, hour, b)
			}
		}
	}
	var none history
	if week := none.weekBefore(rotatelog.Day{Year: 2025, Month: time.July, Date: 10}, zone); len(week) != 0 {
		t.Errorf("nothing is known, and yet there are %d places", len(week))
	}
}
