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
