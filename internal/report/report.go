package report

import (
	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
)

// Report is the days of a stream, added up.
type Report struct {
	Stream string
	By     By
	Rows   []*Row
	Sum    *Row // of all days of the report
	// Compared is the part of Sum that is over. Its Before is the same number of days right
	// before it. It is nil if the days are not consecutive, or there is nothing to compare.
	Compared *Row
}

// Needed returns the days that New has to know for a report of days, of which there must be one
// at least: those, and before them what they are compared with.
func Needed(of days.Days, by By, today rotatelog.Day) days.Span {
	spans := of.Spans()
	need := days.Span{First: spans[0].First, Last: spans[len(spans)-1].Last}
	if first := by.before(by.span(need.First)).First; first.Compare(need.First) < 0 {
		need.First = first
	}
	if _, before, ok := compared(spans, today); ok && before.First.Compare(need.First) < 0 {
		need.First = before.First
	}
	return need
}

// compared returns the part of the days that is over, and what that is compared with. ok is
// false if there is no such part, or it is not consecutive.
func compared(spans []days.Span, today rotatelog.Day) (over, before days.Span, ok bool) {
	over = spans[0]
	if over.Last.Compare(today) >= 0 {
		over.Last = days.Add(today, -1)
	}
	if len(spans) > 1 || over.Last.Compare(over.First) < 0 {
		return over, before, false
	}
	return over, days.Span{First: days.Add(over.First, -length(over)), Last: days.Add(over.First, -1)}, true
}

// length returns how many days a span has.
func length(s days.Span) int {
	n := 1
	for d := s.First; d != s.Last; d = d.Next() {
		n++
	}
	return n
}

// New adds days up. known is what is known of the days that Needed returns, in their order.
func New(stream string, known []Day, of days.Days, by By, today rotatelog.Day) *Report {
	r := &Report{Stream: stream, By: by}
	byDay := map[rotatelog.Day]Day{}
	for _, d := range known {
		byDay[d.Day] = d
	}
	var all []Day
	for _, day := range of.All() {
		all = append(all, byDay[day])
	}
	r.Sum = rowOf(All, all)
	for len(all) > 0 {
		period := by.span(all[0].Day)
		n := 0
		for n < len(all) && all[n].Day.Compare(period.Last) <= 0 {
			n++
		}
		row := rowOf(by, all[:n])
		if row.Whole = n == length(period) && period.Last.Compare(today) < 0; row.Whole {
			row.Before = rowIn(by, byDay, by.before(period))
		}
		r.Rows = append(r.Rows, row)
		all = all[n:]
	}
	if over, before, ok := compared(of.Spans(), today); ok {
		if r.Compared = rowIn(All, byDay, over); r.Compared != nil {
			r.Compared.Before = rowIn(All, byDay, before)
		}
	}
	return r
}

// Total returns the sum of the report, with what the part of it that is over is compared with.
func (r *Report) Total() *Row {
	total := *r.Sum
	if r.Compared != nil && len(r.Compared.Days) == len(total.Days) {
		total.Before = r.Compared.Before
	}
	return &total
}
