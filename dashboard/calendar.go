package dashboard

import (
	"fmt"
	"slices"
	"strconv"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/report"
)

// calendarDays is how many days the page shows, with today.
const calendarDays = 30

// A dayState is what became of a day.
type dayState struct{ class, sign, text string }

// dayStates are the states of days, in the words of a report. Each has a sign, for those who
// do not tell colors apart.
type dayStates struct{ stored, open, waits, missing, early, unknown dayState }

func statesOf(store place) dayStates {
	in := "in the " + store.noun
	return dayStates{
		stored:  dayState{"stored", "✓", in},
		open:    dayState{"open", "…", "today, so far"},
		waits:   dayState{"waits", "!", "not all " + in},
		missing: dayState{"missing", "✗", report.NoObject},
		early:   dayState{"early", "·", report.BeforeFirst},
		unknown: dayState{"nothing", "–", report.NotKnown},
	}
}

// calendarDay is what is known of a day: counts are -1 where nothing is.
type calendarDay struct {
	day     rotatelog.Day
	state   dayState
	fetches int
	matches int64
}

// dayOf returns what is known of a day: what the store says, else what this machine has
// done.
func dayOf(f *health.Facts, store place, day, today rotatelog.Day) calendarDay {
	states := statesOf(store)
	d := calendarDay{day, states.unknown, -1, -1}
	if n := appendedOn(f, day); n > 0 {
		d.state, d.fetches = states.stored, n
	}
	for _, o := range f.Days {
		if o.Totals.Day == day {
			if d.state = states.stored; o.Totals.Uploads > 0 {
				d.fetches, d.matches = o.Totals.Fetches, o.Totals.Matches
			}
		}
	}
	switch {
	case day == today:
		d.state = states.open
	case waitsOn(&f.Spool, day):
		d.state = states.waits
	case slices.Contains(f.NoObject, day):
		if d.state = states.missing; d.fetches < 0 && !begunBefore(f, day) {
			d.state = states.early
		}
	}
	return d
}

// appendedOn returns how many fetches of a day were put on disk here, as far as that is
// remembered.
func appendedOn(f *health.Facts, day rotatelog.Day) int {
	if a := f.Spool.Append; a != nil {
		for _, c := range a.Days {
			if c.Day == day {
				return c.Appended
			}
		}
	}
	return 0
}

// begunBefore reports whether a day before has an object, or fetches that were put on disk
// here: only then is one without an object missing.
func begunBefore(f *health.Facts, day rotatelog.Day) bool {
	if slices.ContainsFunc(f.Days, func(d rotatelog.DayMetadata) bool { return d.Totals.Day.Compare(day) < 0 }) {
		return true
	}
	a := f.Spool.Append
	return a != nil && slices.ContainsFunc(a.Days, func(c rotatelog.DayCounts) bool { return c.Appended > 0 && c.Day.Compare(day) < 0 })
}

// waitsOn reports whether something of a day is not in the store.
func waitsOn(spool *rotatelog.SpoolStatus, day rotatelog.Day) bool {
	return spool.Unfinished.Fetches > 0 && spool.Day == day ||
		slices.ContainsFunc(spool.Pending, func(b rotatelog.BatchStatus) bool { return b.Day == day })
}

// calendar sets what became of the last days, a row for each week.
func (p *page) calendar() {
	v := p.view
	today := rotatelog.DayOf(v.Now, v.Zone)
	var t text
	t.add("<table class=\"calendar\">\n<thead><tr>")
	for _, weekday := range []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} {
		t.add("<th scope=\"col\">%s</th>", weekday)
	}
	t.add("</tr></thead>\n<tbody>\n")
	day := daysBefore(today, calendarDays-1)
	lead := (int(day.Start(v.Zone).Weekday()) + 6) % 7 // from Monday
	for place := 0; ; place++ {
		if place%7 == 0 {
			t.add("<tr>")
		}
		if place < lead || day.Compare(today) > 0 {
			t.add("<td></td>")
		} else {
			p.calendarCell(&t, dayOf(&v.facts, v.place, day, today))
			day = day.Next()
		}
		if place%7 == 6 {
			t.add("</tr>\n")
			if day.Compare(today) > 0 {
				break
			}
		}
	}
	t.add("</tbody>\n</table>\n<p class=\"legend\">")
	all := statesOf(v.place)
	for _, s := range []dayState{all.stored, all.open, all.waits, all.missing, all.early, all.unknown} {
		t.add("<span><span class=\"sign %s\" aria-hidden=\"true\">%s</span> %s</span> ", s.class, s.sign, s.text)
	}
	t.add("</p>\n")
	p.parts["calendar"] = t.String()
}

func (p *page) calendarCell(t *text, d calendarDay) {
	label := strconv.Itoa(d.day.Date)
	if d.day.Date == 1 || d.day == daysBefore(rotatelog.DayOf(p.view.Now, p.view.Zone), calendarDays-1) {
		label = fmt.Sprintf("%d/%d", d.day.Month, d.day.Date)
	}
	t.add(`<td class="%s"><b>%s</b> <span class="sign" aria-hidden="true">%s</span><span class="hidden">: %s</span>`, d.state.class,
		label, d.state.sign, d.state.text)
	if d.fetches >= 0 {
		t.add(` <small>%s<span class="hidden"> fetches</span></small>`, format.Count(d.fetches))
	}
	t.add("</td>")
}
