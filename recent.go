package rotatelog

import (
	"slices"
	"time"
)

// How many Appends are remembered. A disk that refuses all of them must not make the
// times of the last fetches be forgotten, nor the other way round.
const (
	recentFetches = 60
	recentRefused = 10
)

// A RecentAppend is one of the last Appends.
type RecentAppend struct {
	Time      time.Time `json:"time"`
	Matches   int64     `json:"matches,omitempty"`
	Uncounted bool      `json:"uncounted,omitempty"` // the fetch was kept, and its matches could not be counted
	Refused   string    `json:"refused,omitempty"`   // why, as in DayCounts.Refused; "" if the fetch is on disk
}

// remember adds an Append, and forgets the oldest of its kind if there are too many.
func (s *WriterState) remember(a RecentAppend) {
	s.Recent = append(s.Recent, a)
	n, limit := 0, recentFetches
	if a.Refused != "" {
		limit = recentRefused
	}
	for i, old := range slices.Backward(s.Recent) {
		if (old.Refused == "") != (a.Refused == "") {
			continue
		}
		if n++; n > limit {
			s.Recent = slices.Delete(s.Recent, i, i+1)
			return
		}
	}
}
