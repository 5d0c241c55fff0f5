package alert

import (
	"time"

	"example.com/rotatelog/health"
)

// NotSeen is the code of a stream about which nothing can be found out. It is also an
// anchor of docs/TROUBLESHOOTING.md.
const NotSeen health.Code = "not_seen"

// A Look is what is known of all streams at one time.
type Look struct {
	Now time.Time
	// Started is when the machine, or the program that evaluates for long, was started.
	Started time.Time
	Streams []Stream
}

// A Stream is what was found out about one of them.
type Stream struct {
	Name     string
	Findings []health.Finding
	// Unknown are the codes that could not be looked for: that they are not among the
	// findings does not mean that all is well.
	Unknown []health.Code
	// NotSeen says why nothing could be found out, in a sentence; "" if that is not so.
	NotSeen string
	// Morning is what the message at 8 AM says: see [Morning].
	Morning string
}

// findings returns the findings by their codes.
func (s Stream) findings() map[health.Code]health.Finding {
	found := map[health.Code]health.Finding{}
	for _, f := range s.Findings {
		if f.Severity > found[f.Code].Severity {
			f.Stream = s.Name
			found[f.Code] = f
		}
	}
	if s.NotSeen != "" {
		found[NotSeen] = health.Finding{Code: NotSeen, Severity: health.Error, Stream: s.Name, Text: s.NotSeen,
			Steps: []string{"rotatelog   (says more)", "rotatelog doctor"}}
	}
	return found
}

// grace is for how long after a start nothing is judged.
const grace = 5 * time.Minute

func (l Look) inGrace() bool {
	age := l.Now.Sub(l.Started)
	return 0 <= age && age < grace
}
