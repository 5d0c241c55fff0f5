package report

import (
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
)

// By is what a row of a report stands for.
type By string

// The periods that rows stand for.
const (
	ByDay   By = "day"
	ByWeek  By = "week" // from Monday to Sunday
	ByMonth By = "month"
	All     By = "all" // days of a report
)

// span returns the period that a day is in.
func (b By) span(d rotatelog.Day) days.Span {
	switch b {
	case ByWeek:
		monday := days.Add(d, -(int(weekday(d))+6)%7)
		return days.Span{First: monday, Last: days.Add(monday, 6)}
	case ByMonth:
		first := rotatelog.Day{Year: d.Year, Month: d.Month, Date: 1}
		next := days.Add(first, 31)
		return days.Span{First: first, Last: days.Add(next, -next.Date)}
	}
	return days.Span{First: d, Last: d}
}

// before returns the period that another is compared with: the one before it, but of a day
// the same weekday of the week before, since football is on the days that it is on.
func (b By) before(s days.Span) days.Span {
	if b == ByDay {
		week := days.Add(s.First, -7)
		return days.Span{First: week, Last: week}
	}
	return b.span(days.Add(s.First, -1))
}

func weekday(d rotatelog.Day) time.Weekday {
	return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, time.UTC).Weekday()
}

// Row is the sum of days.
type Row struct {
	By   By
	Days []Day // in their order
	Counts
	FirstUpload, LastUpload string
	Whole                   bool // it has all days of its period, and these are over
	Before                  *Row // what it is compared with; nil if there is nothing like it
}

// First returns the first of the days.
func (r *Row) First() rotatelog.Day { return r.Days[0].Day }

// Last returns the last of the days.
func (r *Row) Last() rotatelog.Day { return r.Days[len(r.Days)-1].Day }

// rowOf returns the sum of days, of which there must be one at least.
func rowOf(by By, all []Day) *Row {
	r := &Row{By: by, Days: all}
	for _, d := range all {
		r.add(d.Counts)
		if r.FirstUpload == "" {
			r.FirstUpload = d.FirstUpload
		}
		if d.LastUpload != "" {
			r.LastUpload = d.LastUpload
		}
	}
	return r
}

// In returns the days that are in a state.
func (r *Row) In(s State) []rotatelog.Day {
	var in []rotatelog.Day
	for _, d := range r.Days {
		if d.State == s {
			in = append(in, d.Day)
		}
	}
	return in
}

// rowIn returns the sum of the days of a span. It returns nil if there is nothing to compare
// with in it, or it has days about which nothing was asked.
func rowIn(by By, known map[rotatelog.Day]Day, span days.Span) *Row {
	var all []Day
	for day := span.First; day.Compare(span.Last) <= 0; day = day.Next() {
		d, ok := known[day]
		if !ok {
			return nil
		}
		all = append(all, d)
	}
	if r := rowOf(by, all); r.sized() > 0 {
		return r
	}
	return nil
}

// HasObject reports whether any of the days has an object.
func (r *Row) HasObject() bool {
	return slices.ContainsFunc(r.Days, func(d Day) bool { return d.Objects > 0 })
}

// Known reports whether anything is known of what is on the days, and of how large they are.
func (r *Row) Known() (counted, sized bool) { return r.counted() > 0, r.sized() > 0 }

// counted returns how many days are known, or known to lack their object.
func (r *Row) counted() int { return len(r.In(Known)) + len(r.In(Missing)) }

// sized returns of how many days the size is known.
func (r *Row) sized() int { return r.counted() + len(r.In(Unknown)) }

// Change is by how much a row differs from what it is compared with: 0.05 if there is five
// percent more a day.
type Change struct {
	Fetches, Uploads, Matches, Bytes *float64 // nil: not known
}

// Change compares the row with Before, by what there is on a day, so that a day of which
// nothing is known changes nothing. A missing day counts: there is nothing on it.
func (r *Row) Change() Change {
	b := r.Before
	if b == nil {
		return Change{}
	}
	return Change{
		Fetches: change(int64(r.Fetches), r.counted(), int64(b.Fetches), b.counted()),
		Uploads: change(int64(r.Uploads), r.counted(), int64(b.Uploads), b.counted()),
		Matches: change(r.Matches, r.counted(), b.Matches, b.counted()),
		Bytes:   change(r.Bytes, r.sized(), b.Bytes, b.sized()),
	}
}

// change compares n on some days with what was before.
func change(n int64, days int, before int64, daysBefore int) *float64 {
	if days == 0 || daysBefore == 0 || before == 0 {
		return nil
	}
	c := float64(n)/float64(days)/(float64(before)/float64(daysBefore)) - 1
	return &c
}
