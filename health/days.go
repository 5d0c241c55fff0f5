package health

import (
	"slices"
	"time"

	"example.com/rotatelog"
)

const (
	// overFor is for how long a day has to be over before it is judged. By then its last
	// batch is uploaded, and it is closed.
	overFor = 2 * time.Hour
	// usualDays is how many days say what the one after them should have.
	usualDays = 7
	// weekdays is of how many weeks the same weekday says what is usual on it.
	weekdays = 8
	// fewDays is how many days say what is usual at least.
	fewDays = 4
)

// DaysToAskFor returns the days whose objects the rules look at, the latest first: 15, also
// on the first day of a spool, which may be of a stream that another machine had, or have
// fetches of the days before. What the store has of them is for Facts.Days and
// Facts.NoObject. Nothing but its arguments decides.
func DaysToAskFor(f Facts, o Options) []rotatelog.Day {
	v := &view{f, o.withDefaults()}
	last := v.lastDay()
	days := []rotatelog.Day{last}
	for n := range usualDays {
		days = append(days, daysBefore(last, n+1))
	}
	for week := 2; week <= weekdays; week++ { // the first one is among the seven
		days = append(days, daysBefore(last, 7*week))
	}
	return days
}

// daysBefore returns the day n days before another.
func daysBefore(day rotatelog.Day, n int) rotatelog.Day {
	return rotatelog.DayOf(time.Date(day.Year, day.Month, day.Date-n, 12, 0, 0, 0, time.UTC), time.UTC)
}

// lastDay returns yesterday.
func (v *view) lastDay() rotatelog.Day { return daysBefore(v.today(), 1) }

// midnight returns when today began.
func (v *view) midnight() time.Time { return v.today().Start(v.Location) }

// firstHere returns the first day on which a fetch was put on disk here, of those that are
// remembered; zero if there is none.
func (v *view) firstHere() rotatelog.Day {
	if a := v.Spool.Append; a != nil {
		for _, c := range a.Days { // the oldest first
			if c.Appended > 0 {
				return c.Day
			}
		}
	}
	return rotatelog.Day{}
}

// firstDay returns the first day of which anything is known, zero if there is none. That
// day may have begun before the stream. Days that no rule asks for do not count: who knows
// of more of them, for a calendar, must not judge differently.
func (v *view) firstDay() rotatelog.Day {
	first, asked := v.firstHere(), DaysToAskFor(v.Facts, v.Options)
	for _, d := range v.Days {
		if !slices.Contains(asked, d.Totals.Day) {
			continue
		}
		if first.IsZero() || d.Totals.Day.Compare(first) < 0 {
			first = d.Totals.Day
		}
	}
	return first
}

// judged reports whether yesterday can be judged. Where nothing is fetched at midnight, a
// process for each fetch ends the day when fetches come again.
func (v *view) judged() bool {
	begin, wait := v.midnight(), overFor
	if _, end := v.Expect.on(v.lastDay(), v.Location); !end.After(begin) {
		from, to := v.Expect.on(v.today(), v.Location)
		begin, wait = from, min(wait, to.Sub(from)/2)
	}
	return v.Now.Sub(begin) >= wait && !v.inGrace()
}

// object returns a day's object as the store has it, if its totals are known.
func (v *view) object(day rotatelog.Day) (rotatelog.DayMetadata, bool) {
	for _, d := range v.Days {
		if d.Totals.Day == day && d.Totals.Uploads > 0 {
			return d, true
		}
	}
	return rotatelog.DayMetadata{}, false
}

// hasNone reports whether the store was asked for a day's object, and has none.
func (v *view) hasNone(day rotatelog.Day) bool { return slices.Contains(v.NoObject, day) }

// appended returns how many fetches of a day this machine has put on disk, 0 if that is
// not known.
func (v *view) appended(day rotatelog.Day) int {
	if a := v.Spool.Append; a != nil {
		for _, c := range a.Days {
			if c.Day == day {
				return c.Appended
			}
		}
	}
	return 0
}

// came returns how many fetches of a day there are, in its object or of this machine, 0 if
// that is not known.
func (v *view) came(day rotatelog.Day) int {
	d, _ := v.object(day)
	return max(d.Totals.Fetches, v.appended(day))
}

// expectedOn returns for how much of a day fetches are expected.
func (v *view) expectedOn(day rotatelog.Day) time.Duration {
	return v.Expect.since(day.Next().Start(v.Location).Add(-1), v.Location)
}

// due returns how many fetches should have come on a day, 0 if that is not known: by
// Every, else as many an hour as came on the days before it.
func (v *view) due(day rotatelog.Day, came func(rotatelog.Day) int) float64 {
	expected := float64(v.expectedOn(day))
	if v.Every > 0 {
		return expected / float64(v.Every)
	}
	var rates []float64
	for n := range usualDays {
		before := daysBefore(day, n+1)
		if n := came(before); n > 0 {
			rates = append(rates, float64(n)/float64(v.expectedOn(before)))
		}
	}
	if len(rates) < fewDays {
		return 0
	}
	return median(rates) * expected
}

// median returns the middle one of some numbers, which it sorts.
func median(of []float64) float64 {
	slices.Sort(of)
	n := len(of)
	return (of[(n-1)/2] + of[n/2]) / 2
}
