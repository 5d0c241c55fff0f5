package report_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/report"
)

func day(t *testing.T, s string) rotatelog.Day {
	t.Helper()
	d, err := rotatelog.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// stream is a stream that has fetched each minute since a day, with a hundred match records
// a fetch on weekends, and fifty else.
type stream struct {
	t      *testing.T
	zone   *time.Location
	today  rotatelog.Day
	since  rotatelog.Day
	states map[string]report.State // of days that are not Known
}

func newStream(t *testing.T, today, since string) stream {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return stream{t, zone, day(t, today), day(t, since), map[string]report.State{}}
}

// report returns a report of the stream.
func (s stream) report(by report.By, args ...string) *report.Report {
	s.t.Helper()
	of, err := days.Parse(args, s.today)
	if err != nil {
		s.t.Fatal(err)
	}
	var known []report.Day
	need := report.Needed(of, by, s.today)
	for d := need.First; d.Compare(need.Last) <= 0; d = d.Next() {
		known = append(known, s.day(d))
	}
	return report.New("all_api", known, of, by, s.today)
}

func (s stream) day(d rotatelog.Day) report.Day {
	start := d.Start(s.zone)
	fetches := int(d.Next().Start(start.Location()).Sub(start).Minutes())
	perFetch := 50
	if start.Weekday()%6 == 0 {
		perFetch = 100
	}
	at := func(minute int) string {
		return start.Add(time.Duration(minute) * time.Minute).Format(rotatelog.TimeLayout)
	}
	k := report.Day{Day: d, State: report.Known, Objects: 1, FirstUpload: at(9), LastUpload: at(fetches - 1), Counts: report.Counts{
		Fetches: fetches, Uploads: fetches / 10, Matches: int64(fetches * perFetch), Bytes: int64(fetches) * 1000}}
	state, ok := s.states[d.String()]
	switch {
	case d.Compare(s.since) < 0:
		return report.Day{Day: d, State: report.Early}
	case ok && state == report.Missing:
		return report.Day{Day: d, State: state}
	case ok && state == report.Unknown:
		return report.Day{Day: d, State: state, Counts: report.Counts{Bytes: k.Bytes}}
	case ok:
		return report.Day{Day: d, State: state, Err: errors.New("denied")}
	}
	return k
}

func wantChange(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 0.0005 {
		t.Errorf("%s: changed by %v, want %g", what, text(got), want)
	}
}

func text(f *float64) string {
	if f == nil {
		return "nothing known"
	}
	return fmt.Sprint(*f)
}

// strings returns the rows, as first..last (days) and whether they are whole.
func rows(r *report.Report) []string {
	var all []string
	for _, row := range r.Rows {
		text := fmt.Sprintf("%v..%v %d", row.First(), row.Last(), len(row.Days))
		if row.Whole {
			text += " whole"
		}
		if row.Before != nil {
			text += fmt.Sprintf(" after %v..%v", row.Before.First(), row.Before.Last())
		}
		all = append(all, text)
	}
	return all
}

func wantRows(t *testing.T, r *report.Report, want ...string) {
	t.Helper()
	if got := rows(r); !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func TestRowsAreDaysWeeksAndMonths(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-01-01")
	wantRows(t, s.report(report.ByDay, "2d"),
		"2025-07-08..2025-07-08 1 whole after 2025-07-01..2025-07-01", "2025-07-09..2025-07-09 1 whole after 2025-07-02..2025-07-02")
	wantRows(t, s.report(report.ByDay, "today"), "2025-07-10..2025-07-10 1")
	// July 10 is a Thursday: weeks begin on Mondays.
	wantRows(t, s.report(report.ByWeek, "2025-06-25..2025-07-10"),
		"2025-06-25..2025-06-29 5", "2025-06-30..2025-07-06 7 whole after 2025-06-23..2025-06-29", "2025-07-07..2025-07-10 4")
	wantRows(t, s.report(report.ByMonth, "2025-05-20..2025-07-10"),
		"2025-05-20..2025-05-31 12", "2025-06-01..2025-06-30 30 whole after 2025-05-01..2025-05-31", "2025-07-01..2025-07-10 10")
	wantRows(t, s.report(report.ByMonth, "2025-02"), "2025-02-01..2025-02-28 28 whole after 2025-01-01..2025-01-31")
	wantRows(t, s.report(report.ByWeek, "2025-07-02", "2025-06-30"), "2025-06-30..2025-07-02 2") // and July 1 is not in it
	// A month before a year's end, and a leap day.
	s = newStream(t, "2024-03-01", "2023-01-01")
	wantRows(t, s.report(report.ByMonth, "2024-02"), "2024-02-01..2024-02-29 29 whole after 2024-01-01..2024-01-31")
	wantRows(t, s.report(report.ByMonth, "2024-01"), "2024-01-01..2024-01-31 31 whole after 2023-12-01..2023-12-31")
	wantRows(t, s.report(report.ByWeek, "2024-01-01..2024-01-07"), "2024-01-01..2024-01-07 7 whole after 2023-12-25..2023-12-31")
}

// Weeks and months in which the clocks change have all their days, each once, and are
// compared by what is on a day.
func TestClockChangesLoseNoDay(t *testing.T) {
	s := newStream(t, "2025-12-01", "2024-01-01")
	for week, fetches := range map[string]int{"2025-03-03..2025-03-09": 7*1440 - 60, "2025-10-27..2025-11-02": 7*1440 + 60} {
		r := s.report(report.ByWeek, week)
		if len(r.Rows) != 1 || !r.Rows[0].Whole || r.Sum.Fetches != fetches || len(r.Sum.Days) != 7 {
			t.Errorf("%s: %q, %d fetches, want %d", week, rows(r), r.Sum.Fetches, fetches)
		}
		wantChange(t, week, r.Compared.Change().Fetches, float64(fetches)/(7*1440)-1)
	}
	if r := s.report(report.ByDay, "2025-11-02"); r.Sum.Fetches != 1500 || r.Rows[0].Before.First() != day(t, "2025-10-26") {
		t.Errorf("%d fetches, compared with %v", r.Sum.Fetches, r.Rows[0].Before.First())
	}
	if r := s.report(report.ByMonth, "2025-11"); len(r.Sum.Days) != 30 || r.Compared.Before.First() != day(t, "2025-10-02") {
		t.Errorf("%d days, compared with %v", len(r.Sum.Days), r.Compared.Before.First())
	}
}

func TestSumsAndChange(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-01-01")
	r := s.report(report.ByDay, "7d")
	if want := (report.Counts{Fetches: 7 * 1440, Uploads: 7 * 144, Matches: 1440 * (5*50 + 2*100), Bytes: 7 * 1440 * 1000}); r.Sum.Counts != want {
		t.Errorf("%+v, want %+v", r.Sum.Counts, want)
	}
	if r.Sum.FirstUpload != "07/03/2025 12:09:00 AM EDT" || r.Sum.LastUpload != "07/09/2025 11:59:00 PM EDT" {
		t.Errorf("from %q to %q", r.Sum.FirstUpload, r.Sum.LastUpload)
	}
	if b := r.Compared.Before; b.First() != day(t, "2025-06-26") || b.Last() != day(t, "2025-07-02") {
		t.Errorf("compared with %v..%v", b.First(), b.Last())
	}
	c := r.Compared.Change()
	for what, got := range map[string]*float64{"fetches": c.Fetches, "uploads": c.Uploads, "matches": c.Matches, "bytes": c.Bytes} {
		wantChange(t, what, got, 0)
	}
	// A weekend is compared with the two days before it.
	wantChange(t, "a weekend", s.report(report.ByDay, "2025-07-05..2025-07-06").Compared.Change().Matches, 1)
	// Months have different lengths, and are compared by the day.
	wantChange(t, "February", s.report(report.ByMonth, "2025-02").Rows[0].Change().Fetches, 0)
}

// A day that is missing is less than there was before. One of which nothing is known says
// nothing, and neither does the time before the first day.
func TestDaysThatAreNotKnown(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-01-01")
	s.states = map[string]report.State{"2025-07-04": report.Missing, "2025-07-07": report.Unknown, "2025-07-08": report.Unread}
	r := s.report(report.ByDay, "7d")
	if r.Sum.Fetches != 4*1440 || r.Sum.Bytes != 5*1440*1000 {
		t.Errorf("%+v", r.Sum.Counts)
	}
	for state, want := range map[report.State]string{report.Missing: "[2025-07-04]", report.Unknown: "[2025-07-07]", report.Unread: "[2025-07-08]", report.Early: "[]"} {
		if got := fmt.Sprint(r.Sum.In(state)); got != want {
			t.Errorf("state %d: %s, want %s", state, got, want)
		}
	}
	c := r.Compared.Change()
	wantChange(t, "fetches", c.Fetches, -1.0/5) // four of five
	wantChange(t, "bytes", c.Bytes, -1.0/6)     // five of six
	if r.Rows[1].Whole != true || *r.Rows[1].Change().Fetches != -1 {
		t.Errorf("the missing day: %v", text(r.Rows[1].Change().Fetches))
	}
	if c := r.Rows[4].Change(); c.Fetches != nil || c.Bytes == nil {
		t.Errorf("the day that is not known: fetches %v, bytes %v", text(c.Fetches), text(c.Bytes))
	}

	s = newStream(t, "2025-07-10", "2025-07-01") // nothing before
	if r := s.report(report.ByDay, "7d"); r.Compared.Before.First() != day(t, "2025-06-26") || len(r.Compared.Before.In(report.Early)) != 5 {
		t.Errorf("compared with %v", r.Compared.Before.Days)
	} else {
		wantChange(t, "in the first week", r.Compared.Change().Fetches, 0)
	}
	if r := s.report(report.ByMonth, "2025-07"); r.Compared.Before != nil || r.Compared.Change() != (report.Change{}) {
		t.Errorf("compared with %v", r.Compared.Before)
	}
}

// Today is not over: it is counted, but not compared. Days that are not consecutive have no
// time before.
func TestOnlyWhatIsOverIsCompared(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-01-01")
	r := s.report(report.ByDay, "2025-07-04..2025-07-10")
	if len(r.Sum.Days) != 7 || len(r.Compared.Days) != 6 || r.Compared.Before.First() != day(t, "2025-06-28") || len(r.Compared.Before.Days) != 6 {
		t.Errorf("%d days are compared with those from %v on", len(r.Compared.Days), r.Compared.Before.First())
	}
	for _, args := range [][]string{{"today"}, {"2025-07-01", "2025-07-03"}} {
		if r := s.report(report.ByDay, args...); r.Compared != nil {
			t.Errorf("%q are compared with %v", args, r.Compared.Before)
		}
	}
}

// Days before the first object are not said to lack one, and times are as short as the row
// lets them be.
func TestRowsSayWhatTheyAre(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-07-02")
	s.states = map[string]report.State{"2025-07-03": report.Missing}
	for _, test := range []struct {
		by                   report.By
		row                  int
		instead, first, last string
	}{
		{report.ByDay, 0, "before the first object", "–", "–"},
		{report.ByDay, 1, "", "12:09 AM", "11:59 PM"},
		{report.ByDay, 2, "no object", "–", "–"},
		{report.ByWeek, 0, "", "07/02 12:09 AM", "07/06 11:59 PM"},
		{report.ByMonth, 0, "", "07/02 12:09 AM", "07/09 11:59 PM"},
	} {
		row := s.report(test.by, "2025-07-01..2025-07-09").Rows[test.row]
		first, last := row.Times()
		if row.Instead() != test.instead || first != test.first || last != test.last {
			t.Errorf("%s %s: %q, %s to %s, want %q, %s to %s", test.by, row.Label(), row.Instead(), first, last, test.instead, test.first, test.last)
		}
	}
}

// A day that is missing in the time before makes every change look good.
func TestMissingDaysOfTheTimeBefore(t *testing.T) {
	s := newStream(t, "2025-07-10", "2025-01-01")
	s.states = map[string]report.State{"2025-06-28": report.Missing}
	want := "The time before is 2025-06-26 to 2025-07-02; 1 day of it has no object."
	if notes := s.report(report.ByDay, "7d").Notes(); !slices.Contains(notes, want) {
		t.Errorf("%q, want %q", notes, want)
	}
}
