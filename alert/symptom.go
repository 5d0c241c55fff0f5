package alert

import (
	"time"

	"example.com/rotatelog/health"
)

const (
	// goodFor is for how long something has to be better before that is said.
	goodFor = 10 * time.Minute
	// apart is how far apart two evaluations are at least. What comes sooner is the same
	// one again.
	apart = 30 * time.Second
)

// A symptom is what one stream has of a cause.
type symptom struct {
	Stream  string          `json:"stream"`
	Finding health.Finding  `json:"finding"` // the last one
	Level   health.Severity `json:"level"`   // of which two evaluations have had at least as much
	// Peak is the worst that there was. It falls to Under when it was less since Below, for
	// long enough.
	Peak  health.Severity `json:"peak"`
	Under health.Severity `json:"under"`
	Below time.Time       `json:"below,omitzero"`
	// First and Last are when this was found, since nothing was wrong.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// see takes in what one evaluation has found. If it is hasty, once is enough for what is
// critical.
func (s *symptom) see(f health.Finding, now time.Time, hasty bool) {
	if f.Severity > health.OK {
		s.Finding, s.Last = f, now
		if s.isOver() {
			s.First = now
		}
	}
	if hasty && f.Severity == health.Critical {
		s.Peak = max(s.Peak, f.Severity)
	}
	s.Level = max(s.Level, min(s.Peak, f.Severity))
	switch {
	case f.Severity >= s.Peak:
		s.Peak, s.Below, s.Under = f.Severity, time.Time{}, health.OK
	case s.Below.IsZero():
		s.Below, s.Under = now, f.Severity
	default:
		s.Under = max(s.Under, f.Severity)
		if now.Sub(s.Below) >= goodFor {
			s.Peak = s.Under
			s.Level = min(s.Level, s.Peak)
			s.Below, s.Under = time.Time{}, health.OK
			if f.Severity < s.Peak {
				s.Below, s.Under = now, f.Severity
			}
		}
	}
}

// isOver reports whether there is nothing to remember.
func (s *symptom) isOver() bool { return s.Peak == health.OK && s.Level == health.OK }
