// Package report adds up what is known of days, by day, week or month, and compares it with
// the time before. It knows of each day what the metadata beside its object says, and so
// reads no object.
package report

import (
	"context"
	"iter"
	"math"

	"example.com/rotatelog"
)

// Day is what is known of a day.
type Day struct {
	Day   rotatelog.Day
	State State
	Counts
	// FirstUpload and LastUpload are the upload_timestamp of the first and the last upload, "" if
	// there is none, or it is not known.
	FirstUpload, LastUpload string
	Objects                 int   // how many there are: a reader finds only the first of several
	Err                     error // why the day is Unread

	pack rotatelog.Compression
}

// Counts is how much there is.
type Counts struct {
	Fetches, Uploads int
	Matches          int64
	Bytes            int64
}

// add adds what another day has. Sums stop at the largest value: an object may say anything
// of itself.
func (c *Counts) add(o Counts) {
	c.Fetches = min(o.Fetches, math.MaxInt-c.Fetches) + c.Fetches
	c.Uploads = min(o.Uploads, math.MaxInt-c.Uploads) + c.Uploads
	c.Matches = min(o.Matches, math.MaxInt64-c.Matches) + c.Matches
	c.Bytes = min(o.Bytes, math.MaxInt64-c.Bytes) + c.Bytes
}

// State is how much is known of a day.
type State int

// The states of a day.
const (
	NotYet  State = iota // it has no object, and is not over
	Early                // it has no object, and as far as was asked, no day before it has one
	Missing              // it has no object, though a day before it has one
	Known                // all is known
	Unknown              // it has an object of which only the size is known: another program wrote that
	Unread               // it could not be asked for
)

// Days returns what is known of each day from one to another, of the objects that were found,
// in their order. An error that is of no day is returned.
func Days(found iter.Seq2[*rotatelog.DayText, error], from, to, today rotatelog.Day) ([]Day, error) {
	objects := map[rotatelog.Day]Day{}
	for text, err := range found {
		if text == nil {
			return nil, err
		}
		d := dayOf(text, err)
		other, ok := objects[d.Day]
		if ok && other.pack < d.pack { // which is what a reader asks for first
			d = other
		}
		d.Objects = other.Objects + 1
		objects[d.Day] = d
	}
	var all []Day
	begun := false
	for day := from; day.Compare(to) <= 0; day = day.Next() {
		d, ok := objects[day]
		switch {
		case ok:
			begun = true
		case day.Compare(today) >= 0:
			d.State = NotYet
		case begun:
			d.State = Missing
		default:
			d.State = Early
		}
		d.Day = day
		all = append(all, d)
	}
	return all, nil
}

// dayOf returns what is known of the day of an object.
func dayOf(text *rotatelog.DayText, err error) Day {
	m, known := text.Metadata()
	d := Day{Day: m.Totals.Day, State: Unknown, Counts: Counts{Bytes: m.Size}, pack: m.Compression}
	switch {
	case err != nil:
		d.State, d.Err = Unread, err
	case known:
		d.State, d.FirstUpload, d.LastUpload = Known, m.First, m.Last
		d.Fetches, d.Uploads, d.Matches = m.Totals.Fetches, m.Totals.Uploads, m.Totals.Matches
	}
	return d
}

// Find finds what is known of the days from one to another in an archive.
func Find(ctx context.Context, a rotatelog.Archive, from, to, today rotatelog.Day) ([]Day, error) {
	days, err := Days(a.Texts(ctx, from, to), from, to, today)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return days, err
}
