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
	// Verified is when yesterday was verified, zero if it was not; nil: it is not known.
	Verified *time.Time
}

// String returns the line, such as "all_api Wed 07/09: complete. 1,440 fetches, 144
// uploads, 64,112 match records (usual), 2.63 GB. Verified. Disk 22 d."
func (m Morning) String() string {
	y := m.Summary.Yesterday
	day := time.Date(y.Day.Year, y.Day.Month, y.Day.Date, 12, 0, 0, 0, time.UTC)
	sentences := []string{fmt.Sprintf("%s %s: %s.", m.Summary.Stream, day.Format("Mon 01/02"), m.state())}
	if facts := m.facts(); len(facts) > 0 {
		sentences = append(sentences, strings.Join(facts, ", ")+".")
	}
	if v := m.Verified; v != nil {
		if v.IsZero() {
			sentences = append(sentences, "Not verified.")
		} else {
			sentences = append(sentences, "Verified.")
		}
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
	if m.Object == nil {
		return facts
	}
	records := format.Plural(m.Object.Totals.Matches, "match record", "match records")
	switch {
	case m.finds(health.MatchesUnusual):
		records += " (unusual)"
	case m.Usual:
		records += " (usual)"
	}
	return append(facts, records, format.Bytes(m.Object.Size))
}

func (m Morning) finds(code health.Code) bool {
	for _, f := range m.Summary.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}
