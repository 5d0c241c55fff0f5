package alert

import (
	"fmt"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// Morning is what the line about a stream says at 8 AM.
type Morning struct {
	Summary health.Summary
	// Object is that of yesterday as the store has it; nil: it is not known.
	Object *rotatelog.DayMetadata
	// Usual says that what a fetch of yesterday had was held against other days.
	Usual bool
	// Verified is what was found when yesterday was verified; nil: it is not known.
	Verified *Verified
}

// Verified is what was found when a day was last verified. The zero Verified: it was not.
type Verified struct {
	Time             time.Time
	Changed          bool // the object is another one since
	Errors, Warnings int
	Gaps             int       // among the warnings: times without a fetch
	GapFrom, GapTo   time.Time // the longest of them, in the zone in which it is told
}

// String returns the line, such as "all_api Wed 07/09: complete. 1,440 fetches, 144
// uploads, 64,112 match records (usual), 2.63 GB, 1 gap of 3 min at 10:02 AM. Verified.
// Disk 22 d."
func (m Morning) String() string {
	y := m.Summary.Yesterday
	day := time.Date(y.Day.Year, y.Day.Month, y.Day.Date, 12, 0, 0, 0, time.UTC)
	sentences := []string{fmt.Sprintf("%s %s: %s.", m.Summary.Stream, day.Format("Mon 01/02"), m.state())}
	if facts := m.facts(); len(facts) > 0 {
		sentences = append(sentences, strings.Join(facts, ", ")+".")
	}
	if m.Verified != nil {
		sentences = append(sentences, m.verified()+".")
	}
	if d := m.Summary.Disk; d != nil {
		lasts := "more than 90 d"
		if d.Lasts < health.LongLasting {
			lasts = format.Duration(d.Lasts)
		}
		sentences = append(sentences, "Disk "+lasts+".")
	}
	return strings.Join(sentences, " ")
}

// state says in a word what became of yesterday.
func (m Morning) state() string {
	y := m.Summary.Yesterday
	switch {
	case y.Complete:
		return "complete"
	case y.Waiting > 0:
		return format.Plural(y.Waiting, "fetch waits", "fetches wait") + " for the store"
	case y.Known():
		return "in doubt"
	}
	return "nothing is known"
}

// facts are the numbers that are known.
func (m Morning) facts() []string {
	y := m.Summary.Yesterday
	var facts []string
	if y.Fetches >= 0 {
		facts = append(facts, format.Plural(y.Fetches, "fetch", "fetches"))
	}
	if y.Uploads >= 0 {
		facts = append(facts, format.Plural(y.Uploads, "upload", "uploads"))
	}
	if m.Object != nil {
		facts = append(facts, m.records(), format.Bytes(m.Object.Size))
	}
	if m.Verified != nil && m.Verified.Gaps > 0 {
		facts = append(facts, m.Verified.gaps())
	}
	return facts
}

// records says how many match records yesterday's object has.
func (m Morning) records() string {
	records := format.Plural(m.Object.Totals.Matches, "match record", "match records")
	switch {
	case m.finds(health.MatchesUnusual):
		records += " (unusual)"
	case m.Usual:
		records += " (usual)"
	}
	return records
}

// verified says whether yesterday was verified, and is as it should be.
func (m Morning) verified() string {
	v := m.Verified
	var found []string
	if v.Errors > 0 {
		found = append(found, format.Plural(v.Errors, "error", "errors"))
	}
	if others := v.Warnings - v.Gaps; others > 0 {
		found = append(found, format.Plural(others, "warning", "warnings"))
	}
	switch {
	case v.Time.IsZero():
		return "Not verified"
	case v.Changed:
		return "Not verified since it was changed"
	case len(found) > 0:
		return fmt.Sprintf("Verified, with %s: rotatelog verify %v", strings.Join(found, " and "), m.Summary.Yesterday.Day)
	}
	return "Verified"
}

// gaps says when there was no fetch.
func (v *Verified) gaps() string {
	what := "1 gap"
	if v.Gaps > 1 {
		what = format.Count(v.Gaps) + " gaps, the longest"
	}
	return fmt.Sprintf("%s of %s at %s", what, format.Duration(v.GapTo.Sub(v.GapFrom)), format.Minute(v.GapFrom, v.GapFrom.Location()))
}

func (m Morning) finds(code health.Code) bool {
	for _, f := range m.Summary.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}
