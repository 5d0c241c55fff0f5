package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/format"
)

// MatchRecord says what a match record is.
const MatchRecord = "A match record is one match in one fetch: a match counts once a minute."

// Label returns what a row is called, as 2025-07-03 Thu, 2025-07 or 7 days.
func (r *Row) Label() string {
	switch r.By {
	case ByMonth:
		return r.First().String()[:len("2025-07")]
	case All:
		return format.Plural(len(r.Days), "day", "days")
	case ByWeek:
		return format.Weekday(ByWeek.span(r.First()).First)
	}
	return format.Weekday(r.First())
}

// Part returns how many days of its period a row has, as 7, or 3 of 7.
func (r *Row) Part() string {
	n, all := len(r.Days), length(r.By.span(r.First()))
	if n == all || r.By == All {
		return format.Count(n)
	}
	return fmt.Sprintf("%d of %d", n, all)
}

// What is said of a day that has no numbers.
const (
	NoObject    = "no object"
	BeforeFirst = "before the first object"
	NotKnown    = "not known"
)

// Instead returns what is to be said of a row that has no numbers, "" if it has some.
func (r *Row) Instead() string {
	switch n := len(r.Days); n {
	case len(r.In(Missing)):
		return NoObject
	case len(r.In(Early)):
		return BeforeFirst
	case len(r.In(NotYet)):
		return "no object yet"
	case len(r.In(Unread)):
		return "could not be read"
	case len(r.In(Unknown)):
		return NotKnown + ", " + format.Bytes(r.Bytes)
	}
	return ""
}

const notKnown = "–"

// Times returns when the first and the last upload of a row were, in New York: the time of
// day, and the date too if the row has a week or a month. A sum has none: Notes says them.
func (r *Row) Times() (first, last string) {
	layout := map[By]string{ByDay: "03:04 PM", ByWeek: "01/02 03:04 PM", ByMonth: "01/02 03:04 PM"}[r.By]
	return timeOf(r.FirstUpload, layout), timeOf(r.LastUpload, layout)
}

// timeOf returns an upload_timestamp in another layout. Its zone is left as it is.
func timeOf(timestamp, layout string) string {
	at, err := time.Parse(rotatelog.TimeLayout, timestamp)
	if err != nil {
		return notKnown
	}
	return at.Format(layout)
}

// Texts are the numbers of a row, as they are shown. What is not known is a dash.
type Texts struct{ Fetches, Uploads, Matches, Bytes string }

// Texts returns the numbers.
func (r *Row) Texts() Texts {
	t := Texts{notKnown, notKnown, notKnown, notKnown}
	if r.counted() > 0 {
		t.Fetches, t.Uploads, t.Matches = format.Count(r.Fetches), format.Count(r.Uploads), format.Count(r.Matches)
	}
	if r.sized() > 0 {
		t.Bytes = format.Bytes(r.Bytes)
	}
	return t
}

// Texts returns the changes.
func (c Change) Texts() Texts {
	return Texts{Percent(c.Fetches), Percent(c.Uploads), Percent(c.Matches), Percent(c.Bytes)}
}

// Percent returns a change, as +4.7 %, -14 % or 0 %.
func Percent(change *float64) string {
	if change == nil {
		return notKnown
	}
	switch p := *change * 100; {
	case math.Abs(p) < 0.05:
		return "0 %"
	case math.Abs(p) < 9.95:
		return fmt.Sprintf("%+.1f %%", p)
	case p > 0:
		return "+" + format.Count(int64(math.Round(p))) + " %"
	default:
		return format.Count(int64(math.Round(p))) + " %"
	}
}

// maxListed is how many days, or spans of them, a sentence lists.
const maxListed = 8

// list returns days for a sentence, as "2025-07-04, 2025-07-06 to 2025-07-08".
func list(all []rotatelog.Day) string {
	var parts []string
	spans := days.Of(all).Spans()
	for _, s := range spans[:min(len(spans), maxListed)] {
		parts = append(parts, spanText(s))
	}
	text := strings.Join(parts, ", ")
	if more := len(spans) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func spanText(s days.Span) string {
	if s.First == s.Last {
		return s.First.String()
	}
	return s.First.String() + " to " + s.Last.String()
}

// Notes returns what there is to say of a report besides its numbers, in sentences.
func (r *Report) Notes() []string {
	var notes []string
	add := func(text string, args ...any) { notes = append(notes, fmt.Sprintf(text, args...)) }
	if r.Sum.FirstUpload != "" {
		add("The first upload was at %s, the last at %s.", r.Sum.FirstUpload, r.Sum.LastUpload)
	}
	if missing := r.Sum.In(Missing); len(missing) > 0 {
		add("%s no object: %s.", format.Plural(len(missing), "day has", "days have"), list(missing))
	}
	if early := r.Sum.In(Early); len(early) > 0 {
		add("Before the first object that was found: %s.", list(early))
	}
	if notYet := r.Sum.In(NotYet); len(notYet) > 0 {
		add("No object yet: %s.", list(notYet))
	}
	if unknown := r.Sum.In(Unknown); len(unknown) > 0 {
		add("Only the size is known, since the object was not written by rotatelog, or its metadata is lost: %s.", list(unknown))
	}
	if unread := r.Sum.In(Unread); len(unread) > 0 {
		add("Could not be read: %s.", list(unread))
	}
	if several := r.Several(); len(several) > 0 {
		add("More than one object, of which a reader finds only one: %s.", list(several))
	}
	notes = append(notes, r.comparison()...)
	return append(notes, MatchRecord)
}

// Several returns the days that have more than one object.
func (r *Report) Several() []rotatelog.Day {
	var several []rotatelog.Day
	for _, d := range r.Sum.Days {
		if d.Objects > 1 {
			several = append(several, d.Day)
		}
	}
	return several
}

// comparison says what is compared with what.
func (r *Report) comparison() []string {
	var notes []string
	if c := r.Compared; c != nil && c.Before != nil {
		b := c.Before
		text := fmt.Sprintf("The time before is %s", spanText(days.Span{First: b.First(), Last: b.Last()}))
		if b.sized() < len(b.Days) || b.counted() < len(b.Days) {
			text += fmt.Sprintf(", of which %s known", format.Plural(b.counted(), "day is", "days are"))
		}
		if n := len(b.In(Missing)); n > 0 { // which counts as a day with nothing on it
			text += fmt.Sprintf("; %s no object", format.Plural(n, "day of it has", "days of it have"))
		}
		notes = append(notes, text+".")
		if c.counted() != b.counted() || c.sized() != b.sized() {
			notes = append(notes, "Changes are of what there is on a day, on average, since not as many days are known.")
		}
	}
	if last := r.Sum.Last(); r.Compared != nil && last != r.Compared.Last() {
		notes = append(notes, fmt.Sprintf("%v is not over: it is counted, but not compared.", last))
	}
	for _, row := range r.Rows {
		if row.Before != nil && r.By != ByDay {
			return append(notes, fmt.Sprintf("The change of a %s is that of its match records on a day, on average, against the %[1]s before.", r.By))
		}
	}
	return notes
}
