package health

import (
	"fmt"
	"slices"
)

// matchesUnusual compares what a fetch of yesterday had with the same weekday of the weeks
// before. What one of those days had as well is usual: a break of the leagues comes again
// after a few weeks, and a day without any match does not.
func (v *view) matchesUnusual() Finding {
	day := v.lastDay()
	d, ok := v.object(day)
	if !ok || d.Totals.Fetches == 0 || !v.judged() || v.yesterday().Waiting > 0 || v.fetchesShort().Severity > OK {
		return Finding{}
	}
	perFetch := float64(d.Totals.Matches) / float64(d.Totals.Fetches)
	var usual []float64
	for n := range weekdays {
		before, ok := v.object(daysBefore(day, 7*(n+1)))
		// A day of which only a part was fetched says little about a whole one.
		if ok && 2*before.Totals.Fetches >= d.Totals.Fetches {
			usual = append(usual, float64(before.Totals.Matches)/float64(before.Totals.Fetches))
		}
	}
	if len(usual) < fewDays {
		return Finding{}
	}
	m := median(usual)
	few := perFetch < m/2 && (perFetch == 0 || perFetch < slices.Min(usual))
	many := m > 0 && perFetch > 2*m && perFetch > slices.Max(usual)
	if !few && !many {
		return Finding{}
	}
	weekday := day.Start(v.Location).Weekday()
	text := fmt.Sprintf("A fetch of %s had %.1f matches on average, and usually has %.1f: that is the median of the last %d %ss.", day, perFetch, m, len(usual), weekday)
	return Finding{Severity: Error, Since: day.Start(v.Location), Text: text, Steps: []string{
		v.command("cat "+day.String()+" --upload 1") + "   (shows what came)",
		"look at the API: a league that is missing, a limit, a page of many",
		"see whether ROTATELOG_COUNT in " + v.Settings + " still says what counts",
		"in a break of the leagues it may be as it should",
	}}
}
