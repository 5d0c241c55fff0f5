// Package status says what is known of a stream in the words that the terminal, the page
// and programs share.
package status

import (
	"strings"
	"time"
	"unicode"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// Stream is what is known of a stream now.
type Stream struct {
	health.Summary
	Zone     *time.Location
	Counted  bool     // something was told to count matches
	Blind    []string // why nothing is known, in sentences: then the Summary has only name and time
	IsNew    bool     // that is because nothing was ever kept where it could be
	Problems []string // what of the spool could not be read
	Unknown  []string // what else could not be found out
}

// NotKnown is said in place of what is not known.
const NotKnown = "not known"

// Worst returns how bad the worst finding is.
func (s *Stream) Worst() health.Severity { return health.Worst(s.Findings) }

// Obscured reports whether something about the stream could not be read, so that it cannot
// be called good.
func (s *Stream) Obscured() bool { return s.Blind != nil || len(s.Problems) > 0 }

// Rank orders streams by what has to be seen first: what is not known comes before a
// warning, and what waits for its first fetch after it. It is 0 where all is good.
func (s *Stream) Rank() int {
	rank := 2 * int(s.Worst())
	switch {
	case s.Obscured():
		rank = max(rank, 2*int(health.Warning)+1)
	case s.AwaitsFirst():
		rank = max(rank, 1)
	}
	return rank
}

// State returns the first words of a stream, such as CRITICAL upload_refused or WAITING for
// the first fetch.
func (s *Stream) State() (state, code string) {
	switch {
	case s.Blind != nil:
		return "UNKNOWN", ""
	case len(s.Findings) > 0:
		return strings.ToUpper(s.Worst().String()), string(s.Findings[0].Code)
	case len(s.Problems) > 0:
		return "UNKNOWN", ""
	case s.AwaitsFirst():
		return "WAITING", awaits
	}
	return "OK", ""
}

// Sentences splits a text where a sentence ends and another begins.
func Sentences(text string) []string {
	var all []string
	for i := 0; i+2 < len(text); i++ {
		if strings.IndexByte(".!?", text[i]) >= 0 && text[i+1] == ' ' && unicode.IsUpper(rune(text[i+2])) {
			all = append(all, text[:i+1])
			text, i = text[i+2:], -1
		}
	}
	return append(all, text)
}

// Clock returns the time of day, and the date if that is not today's.
func (s *Stream) Clock(t time.Time) string {
	if rotatelog.DayOf(t, s.Zone) != rotatelog.DayOf(s.Now, s.Zone) {
		return t.In(s.Zone).Format("01/02/2006 03:04:05 PM")
	}
	return format.Clock(t, s.Zone)
}
