package main

import (
	"strings"
	"time"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// statusJSON is the line of a stream with --json. The lines of its findings follow. What
// is not known is left out.
type statusJSON struct {
	Stream  string   `json:"stream"`
	Time    string   `json:"time"`
	Worst   string   `json:"worst"` // severity, or "unknown" if the spool cannot be read
	Error   string   `json:"error,omitempty"`
	Unknown []string `json:"unknown,omitempty"` // sentences about what could not be found out

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

// printStatusJSON prints a line for each stream, and for each finding.
func printStatusJSON(a *app, all []streamStatus) error {
	for _, s := range all {
		b := block{a, s, ""}
		if err := a.printJSON(b.json()); err != nil {
			return err
		}
		for _, f := range s.Findings {
			for i, step := range f.Steps {
				f.Steps[i] = b.step(step)
			}
			if err := a.printJSON(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *block) json() statusJSON {
	j := statusJSON{Stream: b.Stream, Time: format.Time(b.Now, b.zone), Worst: b.worst().String(), Unknown: append(b.problems, b.unknown...), Yesterday: b.yesterday()}
	if b.err != nil {
		j.Worst, j.Error, j.Yesterday = "unknown", strings.Join(b.blind(), " "), notKnown
		return j
	}
	j.LastFetch, j.Number, j.Missing, j.Matches = b.Fetched.Last, b.Fetched.Number, known(b.Fetched.Missing), known(b.Fetched.Matches)
	j.Unfinished, j.Due = b.Batch.Fetches, b.Batch.Due
	j.LastUpload, j.Uploads, j.Fetches, j.Records = b.Uploaded.Last, known(b.Uploaded.Uploads), known(b.Uploaded.Fetches), known(b.Uploaded.Matches)
	j.Waiting, j.WaitingFetches, j.WaitingBytes, j.WaitingSince = b.Waiting.Batches, b.Waiting.Fetches, b.Waiting.Bytes, b.Waiting.Oldest
	j.Kept, j.KeptBytes, j.KeptSince = b.Kept.Batches, b.Kept.Bytes, b.Kept.Oldest
	if e := b.Disk; e != nil {
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
