package status

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/health"
)

// Line is what programs read of a stream: its line of rotatelog status --json. The lines
// of its findings follow. What is not known is left out.
type Line struct {
	Stream  string    `json:"stream"`
	Time    time.Time `json:"time"`
	Worst   string    `json:"worst"` // severity, or "unknown" if the spool cannot be read
	Error   string    `json:"error,omitempty"`
	Unknown []string  `json:"unknown,omitempty"` // sentences about what could not be found out

	LastFetch time.Time `json:"last_fetch,omitzero"`
	Number    int       `json:"fetch_number"` // of today, 0 if none came
	Missing   *int      `json:"missing,omitempty"`
	Matches   *int64    `json:"last_matches,omitempty"`

	Unfinished int       `json:"unfinished_fetches"`
	Due        time.Time `json:"due,omitzero"`

	LastUpload time.Time `json:"last_upload,omitzero"`
	Uploads    *int      `json:"uploads,omitempty"`
	Fetches    *int      `json:"fetches,omitempty"`
	Records    *int64    `json:"match_records,omitempty"`

	Waiting        int       `json:"waiting_batches"`
	WaitingFetches int       `json:"waiting_fetches"`
	WaitingBytes   int64     `json:"waiting_bytes"`
	WaitingSince   time.Time `json:"waiting_since,omitzero"`

	Kept      int       `json:"kept_batches"`
	KeptBytes int64     `json:"kept_bytes"`
	KeptSince time.Time `json:"kept_since,omitzero"`

	FreeBytes *int64   `json:"free_bytes,omitempty"`
	DiskDays  *float64 `json:"disk_days,omitempty"` // at most 90, which stands for more as well

	Yesterday string `json:"yesterday"` // "complete", "waits", "in doubt" or "not known"
}

// Line returns what programs read of the stream.
func (s *Stream) Line() Line {
	j := Line{Stream: s.Stream, Time: s.Now.UTC().Truncate(time.Millisecond), Worst: s.Worst().String(), Unknown: slices.Concat(s.Problems, s.Unknown), Yesterday: s.DayBefore()}
	if s.Blind != nil {
		j.Worst, j.Error = "unknown", strings.Join(s.Blind, " ")
		return j
	}
	j.LastFetch, j.Number, j.Missing, j.Matches = s.Fetched.Last, s.Fetched.Number, known(s.Fetched.Missing), known(s.Fetched.Matches)
	j.Unfinished, j.Due = s.Batch.Fetches, s.Batch.Due
	j.LastUpload, j.Uploads, j.Fetches, j.Records = s.Uploaded.Last, known(s.Uploaded.Uploads), known(s.Uploaded.Fetches), known(s.Uploaded.Matches)
	j.Waiting, j.WaitingFetches, j.WaitingBytes, j.WaitingSince = s.Waiting.Batches, s.Waiting.Fetches, s.Waiting.Bytes, s.Waiting.Oldest
	j.Kept, j.KeptBytes, j.KeptSince = s.Kept.Batches, s.Kept.Bytes, s.Kept.Oldest
	if e := s.Disk; e != nil {
		days := min(e.Lasts, health.LongLasting).Hours() / 24
		j.FreeBytes, j.DiskDays = &e.FreeBytes, &days
	}
	return j
}

// known returns a count, nil if it is not known.
func known[N int | int64](n N) *N {
	if n < 0 {
		return nil
	}
	return &n
}

// JSON returns the lines of the stream and of its findings.
func (s *Stream) JSON() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(true)
	if err := e.Encode(s.Line()); err != nil {
		return nil, err
	}
	for _, f := range s.Findings {
		if err := e.Encode(f); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}
