package prom

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// TestCountersOfShortProcesses: one process for each fetch, over the end of a month. The
// counters never go down but there, and say the same to a process that has just begun to
// watch.
func TestCountersOfShortProcesses(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2025, 7, 30, 16, 0, 0, 0, time.UTC))
	long := w.collector()
	w.add(long, Stream{Dir: w.cfg.Dir})
	last, resets := -1.0, 0
	for n := 1; n <= 16; n++ { // six hours apart: four days
		w.process(fetch45, "<html>")
		w.clock.Advance(time.Second) // what is a second old is read again
		short := w.collector()
		w.add(short, Stream{Dir: w.cfg.Dir})
		found := w.values(long)
		if got := found["rotatelog_fetches_total"]; got < last {
			if resets++; got != 1 {
				t.Errorf("after the reset there are %v fetches", got)
			}
			if now := w.clock.Now().In(zoneOf(health.Options{})); now.Day() != 1 {
				t.Errorf("the counters are reset on %v", now)
			}
		}
		last = found["rotatelog_fetches_total"]
		if refused := found["rotatelog_appends_refused_total{invalid}"]; refused != last || found["rotatelog_matches_total"] != 45*last {
			t.Errorf("%v fetches, %v refused, %v matches", last, refused, found["rotatelog_matches_total"])
		}
		if got := w.values(short)["rotatelog_fetches_total"]; got != last {
			t.Errorf("a process that watches since now sees %v fetches, want %v", got, last)
		}
		w.clock.Advance(6*time.Hour - time.Second)
	}
	if resets != 1 {
		t.Errorf("the counters were reset %d times in four days", resets)
	}
}

// TestMonthIsNeverForgotten: a spool keeps the counts of 35 days, and that is enough at
// every moment of the longest month, whatever was before.
func TestMonthIsNeverForgotten(t *testing.T) {
	var days []rotatelog.DayCounts
	day := rotatelog.Day{Year: 2027, Month: 11, Date: 1}
	for range 500 { // through a leap year's February
		days = append(days, rotatelog.DayCounts{Day: day, Appended: 1440})
		days = days[max(0, len(days)-35):]
		got := totalsOfMonth(rotatelog.SpoolStatus{Append: &rotatelog.WriterState{Days: slices.Clone(days)}}, day)
		if want := 1440 * day.Date; got.fetches != want {
			t.Fatalf("on %v: %d fetches, want %d", day, got.fetches, want)
		}
		day = day.Next()
	}
}

// TestMonthOfBothStates: one process appends, another one uploads, and each has its file.
func TestMonthOfBothStates(t *testing.T) {
	day := rotatelog.Day{Year: 2025, Month: 7, Date: 10}
	spool := rotatelog.SpoolStatus{
		Append: &rotatelog.WriterState{Days: []rotatelog.DayCounts{
			{Day: rotatelog.Day{Year: 2025, Month: 6, Date: 30}, Appended: 100, Refused: map[string]int{"io": 1}},
			{Day: day, Appended: 7, Matches: 315, Uncounted: 2, Repaired: 1, Refused: map[string]int{"io": 3}}}},
		Publish: &rotatelog.WriterState{Days: []rotatelog.DayCounts{
			{Day: rotatelog.Day{Year: 2024, Month: 7, Date: 10}, Uploaded: 100},
			{Day: day, Uploaded: 4, Attempts: 6, Failures: 2, Conflicts: 5}}},
	}
	got := totalsOfMonth(spool, day)
	want := totals{fetches: 7, uncounted: 2, uploads: 4, attempts: 6, failures: 2, repairs: 1, matches: 315, conflicts: 5, refused: map[string]int{"io": 3}}
	if fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", *got, want)
	}
	if got := totalsOfMonth(rotatelog.SpoolStatus{}, day); got != nil {
		t.Errorf("of a spool without a state: %+v", got)
	}
}
