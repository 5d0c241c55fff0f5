package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// Fact is what there is to say about one thing: what it is about, a word or two, and what
// more there is to say.
type Fact struct{ Label, Value, Text, More string }

// Facts returns what there is to say of a stream, well or not, in its order.
func (s *Stream) Facts() []Fact {
	facts := []Fact{s.FetchedFact(), s.BatchFact(), s.UploadedFact(), s.waitingFact()}
	if s.Waiting.Batches > 0 && s.Disk != nil {
		facts = append(facts, s.DiskFact())
	}
	return append(facts, s.YesterdayFact())
}

// FetchedFact says when something was fetched last.
func (s *Stream) FetchedFact() Fact {
	f := s.Fetched
	if f.Last.IsZero() {
		return Fact{Label: "fetched", Value: "never"}
	}
	text := "none today"
	if f.Number > 0 {
		text = "#" + format.Count(f.Number) + " today"
	}
	switch {
	case f.Missing == 0:
		text += ", none missing"
	case f.Missing > 0:
		text += ", " + format.Count(f.Missing) + " missing"
	}
	more := ""
	if f.Matches > 0 || f.Matches == 0 && s.Counted { // else nothing may have been counted
		more = format.Plural(f.Matches, "match", "matches") + " in it"
	}
	return Fact{"fetched", format.Ago(f.Last, s.Now), text, more}
}

// BatchFact says how full the batch is, and when it goes up.
func (s *Stream) BatchFact() Fact {
	goes := "goes up"
	if s.uploadsFail() {
		goes = "joins what waits"
	}
	text := "nothing to send"
	switch left := s.Batch.Due.Sub(s.Now); {
	case s.Batch.Due.IsZero():
	case left <= 0:
		text = goes + " with the next fetch"
	default:
		text = goes + " in about " + format.Duration(left.Round(time.Second))
	}
	return Fact{Label: "batch", Value: s.Fill(), Text: text}
}

// uploadsFail reports whether a batch that is full will not go up.
func (s *Stream) uploadsFail() bool {
	return s.Waiting.Batches > 0 && slices.ContainsFunc(s.Findings, func(f health.Finding) bool {
		return f.Code == health.UploadRefused || f.Code == health.UploadLate
	})
}

// Fill says how full the batch is, as 7 of 10.
func (s *Stream) Fill() string { return fmt.Sprintf("%d of %d", s.Batch.Fetches, s.Batch.Size) }

// UploadedFact says what is in today's object.
func (s *Stream) UploadedFact() Fact {
	u := s.Uploaded
	f := Fact{Label: "uploaded", Value: "never"}
	if !u.Last.IsZero() {
		f.Value = format.Ago(u.Last, s.Now)
	}
	switch {
	case u.Uploads < 0:
		f.Text = "today's object has not been looked at yet"
	case u.Uploads == 0:
		f.Text = "nothing today"
	default:
		f.Text = format.Plural(u.Uploads, "upload", "uploads") + ", " + format.Plural(u.Fetches, "fetch", "fetches")
		if u.Matches > 0 || s.Counted {
			f.Text += ", " + format.Plural(u.Matches, "match record", "match records")
		}
		f.Text += " today"
	}
	return f
}

func (s *Stream) waitingFact() Fact {
	w := s.Waiting
	switch {
	case w.Batches > 0:
		text := fmt.Sprintf("%s, %s, since %s", format.Plural(w.Fetches, "fetch", "fetches"), format.Bytes(w.Bytes), s.Clock(w.Oldest))
		return Fact{Label: "waiting", Value: format.Plural(w.Batches, "batch", "batches"), Text: text}
	case s.Disk != nil:
		text := fmt.Sprintf("disk lasts %s (%s free)", s.Disk, format.Bytes(s.Disk.FreeBytes))
		return Fact{Label: "waiting", Value: "nothing", Text: text}
	}
	return Fact{Label: "waiting", Value: "nothing"}
}

// Waits says in a few words what waits.
func (s *Stream) Waits() string {
	switch n := s.Waiting.Batches; n {
	case 0:
		return "nothing waits"
	case 1:
		return "1 batch waits"
	default:
		return format.Count(n) + " batches wait"
	}
}

// DiskFact says how long the disk lasts. Disk must be known.
func (s *Stream) DiskFact() Fact {
	lasts := s.Disk.String()
	if s.Disk.Lasts >= health.LongLasting {
		lasts = "> 90 days" // fits the column
	}
	return Fact{Label: "disk", Value: lasts, Text: format.Bytes(s.Disk.FreeBytes) + " free"}
}

// YesterdayFact says what became of the day before.
func (s *Stream) YesterdayFact() Fact {
	y := s.Yesterday
	var parts []string
	switch {
	case y.Waiting > 0 && y.Fetches >= 0:
		parts = append(parts, fmt.Sprintf("%s of %s not in its object yet", format.Count(y.Waiting), format.Plural(y.Fetches, "fetch is", "fetches are")))
	case y.Waiting > 0:
		parts = append(parts, format.Plural(y.Waiting, "fetch is", "fetches are")+" not in its object yet")
	case y.Fetches >= 0:
		parts = append(parts, format.Plural(y.Fetches, "fetch", "fetches"))
	}
	if y.Uploads >= 0 {
		parts = append(parts, format.Plural(y.Uploads, "upload", "uploads"))
	}
	if !y.Closed.IsZero() {
		parts = append(parts, "closed "+s.Clock(y.Closed))
	}
	switch {
	case !y.Known() && y.Before:
		parts = []string{"the first fetch on this machine came today"}
	case !y.Known():
		parts = []string{"this machine has no fetch of it"}
	}
	return Fact{Label: "yesterday", Value: s.DayBefore(), Text: strings.Join(parts, ", ")}
}

// DayBefore says in a word what became of the day before.
func (s *Stream) DayBefore() string {
	y := s.Yesterday
	switch {
	case s.Blind != nil:
		return NotKnown
	case y.Complete:
		return "complete"
	case y.Waiting > 0:
		return "waits"
	case y.Known():
		return "in doubt"
	}
	return NotKnown
}
