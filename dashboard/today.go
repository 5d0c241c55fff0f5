package dashboard

import (
	"example.com/rotatelog"
)

// today is what came on the day it is. What is not known is negative.
type today struct {
	fetches int
	matches int64
	bytes   int64 // of the object

	weekday  string // of today
	lastWeek int64  // match records of the same weekday a week ago
	each     float64
}

// todayOf returns what came today. A Writer knows it, and the spool nearly as well.
func todayOf(v *view, w *rotatelog.Writer) today {
	day := rotatelog.DayOf(v.Now, v.Zone)
	t := today{fetches: v.Fetched.Number, matches: matchesOf(v, day), bytes: -1, weekday: day.Start(v.Zone).Weekday().String()[:3], lastWeek: -1, each: -1}
	if w != nil {
		known := w.Today()
		n := known.Fetches + known.Waiting
		closed := n < t.fetches // or others append, of which it does not hear
		if known.Day == day && !known.Looked.IsZero() && known.WaitingMatches >= 0 && !closed {
			t.fetches, t.matches = n, known.Matches+known.WaitingMatches
		}
	}
	if p := v.facts.Spool.Publish; p != nil && p.LastLook != nil && p.LastLook.Day == day && p.LastLook.Size > 0 {
		t.bytes = p.LastLook.Size
	}
	for _, d := range v.facts.Days {
		switch d.Totals.Day {
		case day:
			t.bytes = max(t.bytes, d.Size) // what was looked at later: a day grows
		case daysBefore(day, 7):
			if d.Totals.Fetches > 0 {
				t.lastWeek, t.each = d.Totals.Matches, float64(d.Totals.Matches)/float64(d.Totals.Fetches)
			}
		}
	}
	return t
}

// matchesOf returns the match records of today: those in its object, and those of what
// waits, which the Writers have left in the spool; -1 if something of it is not known.
func matchesOf(v *view, day rotatelog.Day) int64 {
	spool := &v.facts.Spool
	sum, inObject := int64(0), v.Uploaded.Uploads >= 0
	if inObject {
		sum = v.Uploaded.Matches
	}
	if !inObject && hasConfirmed(spool, day) {
		return -1
	}
	known := map[string]int64{}
	if spool.Append != nil {
		for _, b := range spool.Append.Waiting {
			known[b.ID] = b.Matches
		}
	}
	for _, b := range spool.Pending {
		if b.Day != day {
			continue
		}
		n, ok := known[b.ID]
		if !ok {
			return -1
		}
		sum += n
	}
	if spool.Unfinished.Fetches == 0 || spool.Day != day {
		return sum
	}
	if spool.Append == nil || spool.Append.Unfinished == nil || spool.Append.Unfinished.Fetches != spool.Unfinished.Fetches {
		return -1
	}
	return sum + spool.Append.Unfinished.Matches
}

func hasConfirmed(spool *rotatelog.SpoolStatus, day rotatelog.Day) bool {
	for _, b := range spool.Confirmed {
		if b.Day == day {
			return true
		}
	}
	return false
}
