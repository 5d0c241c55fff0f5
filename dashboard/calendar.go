package dashboard

import (
	"fmt"
	"slices"
	"strconv"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// calendarDays is how many days the page shows, with today.
const calendarDays = 30

// A dayState is what became of a day.
type dayState struct{ class, sign, text string }

// The states of days. Each has a sign, for those who do not tell colors apart.
func dayStates(store place) (stored, open, waits, missing, unknown dayState) {
	in := "in the " + store.noun
	return dayState{"stored", "✓", in}, dayState{"open", "…", "today, so far"}, dayState{"waits", "!", "not all " + in},
		dayState{"missing", "✗", "no object " + in}, dayState{"nothing", "–", "nothing known"}
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
	stored, open, waits, missing, unknown := dayStates(store)
	d := calendarDay{day, unknown, -1, -1}
	if a := f.Spool.Append; a != nil {
		for _, c := range a.Days {
			if c.Day == day && c.Appended > 0 {
				d.state, d.fetches = stored, c.Appended
			}
		}
	}
	for _, o := range f.Days {
		if o.Totals.Day == day {
			if d.state = stored; o.Totals.Uploads > 0 {
				d.fetches, d.matches = o.Totals.Fetches, o.Totals.Matches
			}
		}
	}
	switch {
	case day == today:
		d.state = open
	case waitsOn(&f.Spool, day):
		d.state = waits
	case slices.Contains(f.NoObject, day):
		d.state = missing
	}
	return d
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
	stored, open, waits, missing, unknown := dayStates(v.place)
	for _, s := range []dayState{stored, open, waits, missing, unknown} {
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
