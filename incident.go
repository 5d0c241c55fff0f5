package rotatelog

import (
	"slices"
	"strings"
	"time"
)

// maxIncidents is how many incidents are remembered.
const maxIncidents = 20

// The codes of incidents.
const (
	codeUploadsGone   = "uploads_gone"
	codeForeignChange = "foreign_change"
	codeRepaired      = "repaired"
)

// An Incident is something that a Writer found to be other than it was left. It has been
// reported to the log and to the hooks, and what could be put right has been.
type Incident struct {
	Time time.Time `json:"time"`
	// Code is uploads_gone (from a day's object), foreign_change (of a day's object, by
	// who is no Writer) or repaired (a file of the spool).
	Code     string `json:"code"`
	Day      Day    `json:"day,omitzero"` // of the object
	Key      string `json:"key"`          // of the object, or the path of the file
	Sentence string `json:"sentence"`     // for people
	// Missing is how many fetches nothing on this machine has as they were; -1 if there
	// are some, and it is not known how many.
	Missing int `json:"missing,omitempty"`
}

// happened adds an incident.
func (s *WriterState) happened(i Incident) {
	s.Incidents = append(s.Incidents, i)
	s.Incidents = slices.Delete(s.Incidents, 0, max(0, len(s.Incidents)-maxIncidents))
}

// recordIncident records what was found in the day's object.
func (w *dayWorker) recordIncident(code, sentence string, missing int) {
	i := Incident{w.cfg.stateTime(), code, w.day.day, w.key(), sentence, missing}
	w.state.record(func(s *WriterState, _ *DayCounts) { s.happened(i) })
}

// recordRepaired records what was repaired in the spool.
func (w *Writer) recordRepaired(repaired []Repaired) {
	now := w.cfg.stateTime()
	w.state.record(func(s *WriterState, today *DayCounts) {
		today.Repaired += len(repaired)
		for _, r := range repaired {
			s.happened(Incident{Time: now, Code: codeRepaired, Key: w.cfg.path(r.File), Sentence: r.Problem})
		}
	})
}

// few joins the first of some sentences.
func few(sentences []string) string {
	const n = 3
	if len(sentences) <= n {
		return strings.Join(sentences, "; ")
	}
	return strings.Join(sentences[:n], "; ") + "; and " + plural(len(sentences)-n, "more", "more")
}
