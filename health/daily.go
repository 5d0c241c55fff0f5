package health

import (
	"fmt"
	"math"

	"example.com/rotatelog"
)

// stoppedBefore reports whether no fetch has come since a day began, which append_stale
// says.
func (v *view) stoppedBefore(day rotatelog.Day) bool {
	x := v.appendStale()
	return x.Severity > OK && x.Since.Before(day.Start(v.Location))
}

// dayMissing finds that yesterday has no object, and that nothing else explains it.
func (v *view) dayMissing() Finding {
	day := v.lastDay()
	if !v.judged() || !v.hasNone(day) || v.yesterday().Waiting > 0 || v.unsettled(day) {
		return Finding{}
	}
	x := Finding{Severity: Error, Since: v.midnight()}
	if n := v.appended(day); n > 0 {
		x.Text = fmt.Sprintf("The store has no object of %s, and nothing of it waits. On that day %s put on disk here: the object was deleted, or is in another place.",
			day, count(n, "fetch was", "fetches were"))
		x.Steps = []string{
			"rotatelog doctor   (says where the store is)",
			v.command("restore " + day.String()), v.command("restore " + day.String() + " --apply"),
			"find out who did it, and whose key can delete there",
		}
		return x
	}
	before := daysBefore(day, 1)
	if v.came(before) == 0 || v.stoppedBefore(day) {
		return Finding{}
	}
	x.Text = fmt.Sprintf("The store has no object of %s, and no fetch of it was put on disk here. The day before had %s.", day, count(v.came(before), "fetch", "fetches"))
	x.Steps = []string{
		"see why nothing was fetched: journalctl -u rotatelog, or the log",
		"if another machine did, see where it uploads to: rotatelog doctor, on that machine",
	}
	return x
}

// unsettled reports whether a write to a day's object is in doubt.
func (v *view) unsettled(day rotatelog.Day) bool {
	for _, u := range v.Spool.Unsettled {
		if u.Day == day {
			return true
		}
	}
	return false
}

// dayOpen finds that yesterday was not closed, though somebody was there to do it.
func (v *view) dayOpen() Finding {
	day := v.lastDay()
	d, ok := v.object(day)
	if !ok || d.Layout != "metadata last" || !v.judged() || v.yesterday().Waiting > 0 || v.stoppedBefore(v.today()) {
		return Finding{}
	}
	return Finding{Severity: Error, Since: v.midnight(),
		Text: fmt.Sprintf("The object of %s is not closed: its daily_metadata is still at its end. It is whole and can be read.", day),
		Steps: []string{
			`look for "daily file could not be closed" in the log`,
			v.command("upload --partial") + "   (the next upload closes it)",
			"rotatelog doctor",
		}}
}

// enough is how many percent of what is due have to come.
const enough = 95

// fetchesShort finds that fewer fetches came yesterday than should. It looks at fetches,
// never at matches: the API is asked also when nobody plays.
func (v *view) fetchesShort() Finding {
	day, first := v.lastDay(), v.firstDay()
	if !v.judged() || first.IsZero() || first.Compare(day) >= 0 || v.stoppedBefore(day) {
		return Finding{}
	}
	d, ok := v.object(day)
	came, like := max(d.Totals.Fetches+v.yesterday().Waiting, v.appended(day)), v.came
	if !ok { // then this machine's fetches are held against those that it had before
		came, like = v.appended(day), v.appended
	}
	due := int(math.Round(v.due(day, like)))
	if came == 0 || 100*came >= enough*due {
		return Finding{}
	}
	text := fmt.Sprintf("Of %s, %s came, and about %s should have: %d %%.", day, count(came, "fetch", "fetches"), grouped(due), 100*came/due)
	return Finding{Severity: Error, Since: day.Start(v.Location), Text: text, Steps: []string{
		v.command("verify "+day.String()) + "   (says between which times none came)",
		"look at that time in the log of what fetches",
		"if so many are right, set ROTATELOG_EVERY or ROTATELOG_EXPECT in " + v.Settings,
	}}
}
