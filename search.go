package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// target is what a search looks for: the first upload whose value, its sequence or its
// time, is not less than want.
type target struct {
	value       func(*Upload) (int64, error)
	want        int64
	first, last int64 // values of the first upload and the last
	known       bool  // first and last are known
	exact       bool  // no two uploads have the same value
	bounded     bool  // no upload has a value above last
}

func (t *target) reachedBy(u *Upload) (bool, error) {
	v, err := t.value(u)
	return v >= t.want, err
}

func (d *DayReader) bySequence(sequence int) *target {
	last := d.doc.lastSequence
	return &target{
		value: func(u *Upload) (int64, error) { return int64(u.Sequence), nil },
		want:  int64(sequence), first: 1, last: int64(max(last, d.doc.totals.Uploads)), known: true, exact: true, bounded: last > 0,
	}
}

func (d *DayReader) byTime(t time.Time) *target {
	first, err1 := d.parseTime(d.doc.first)
	last, err2 := d.parseTime(d.doc.last)
	want := t.Unix()
	if t.Nanosecond() > 0 {
		want++
	}
	return &target{
		value: func(u *Upload) (int64, error) {
			t, err := u.Time()
			if err != nil {
				err = storeError("read", d.key, fmt.Errorf("upload %d: %w", u.Sequence, err))
			}
			return t.Unix(), err
		},
		want: want, first: first.Unix(), last: last.Unix(), known: err1 == nil && err2 == nil && first.Before(last), bounded: true,
	}
}

// cursorTo returns a cursor at the target or at an upload before it.
func (d *DayReader) cursorTo(ctx context.Context, to *target) (*cursor, error) {
	c := d.cursor(ctx)
	if to == nil || d.isReadFromStart() || !to.known || to.want <= to.first || d.doc.totals.Uploads == 0 {
		return c, nil
	}
	if to.want > to.last && to.bounded {
		c.err = io.EOF
		return c, nil
	}
	src, err := d.search(ctx, to)
	if err != nil {
		return nil, storeError("read", d.key, err)
	}
	c.src, c.searched = src, true
	return c, nil
}

// maxProbes is how many requests a search makes at most; with the one that reads on from
// what was found, and the one that opened the day, there are twelve.
const maxProbes = 10

// search returns the uploads of an object that is not compressed from the target on, or
// from an upload not far before it. If the object is replaced it begins again: what is
// known of the one says nothing of the other.
func (d *DayReader) search(ctx context.Context, to *target) (*lineSource, error) {
	in := func(now *DayReader) (*lineSource, error) {
		src, err := d.searchIn(ctx, now, to)
		return src, now.unmixed(ctx, now.object, err)
	}
	src, err := in(d)
	for lost := 0; errors.Is(err, ErrConflict) && lost < maxReads; lost++ {
		var now *DayReader
		if now, err = d.follow(ctx); err == nil {
			src, err = in(now)
		}
	}
	if err != nil {
		return nil, err
	}
	src.searches = false
	return src, nil
}

// searchIn searches a version, d itself or one that has replaced it. It goes by how much
// of the way to the target's value there should be, and later by halves. A probe reads up
// to the next head, which takes half an upload, and what it has found is read on from
// there.
func (d *DayReader) searchIn(ctx context.Context, now *DayReader, to *target) (*lineSource, error) {
	length := d.doc.end - d.doc.begin
	s := &searched{step: max(1, (to.last-to.first)/int64(d.doc.totals.Uploads))}
	s.lo, s.hi, s.limit = mark{1, to.first}, mark{length, to.last + s.step}, length
	s.third = s.lo
	for probe := range maxProbes {
		at := s.aim(to.want, probe)
		if at <= s.lo.pos+1 || s.limit-s.lo.pos <= s.upload() {
			break
		}
		src := newLineSourceAt(ctx, d, now, at, lineAny)
		src.searches = true
		found, err := s.probe(src, at, to)
		if found && err == nil {
			return src, nil
		}
		src.close()
		if err != nil {
			return nil, err
		}
	}
	src := newLineSourceAt(ctx, d, now, s.lo.pos, lineHead)
	src.searches = true
	if err := src.readHead(); err != nil {
		src.close()
		return nil, err
	}
	src.found = true
	return src, nil
}

// mark is a place in the entries, and a value that a search has found there.
type mark struct{ pos, value int64 }

// searched is what a search has found out.
type searched struct {
	step  int64 // what one upload adds to the value, on average
	lo    mark  // the head of an upload before the target, or of the first
	hi    mark  // the head of an upload from the target on, or the end
	third mark  // what lo or hi was before
	limit int64 // no head is at or after this position and before hi
}

// aim returns the position for the next probe: a little before where the target should be.
func (s *searched) aim(want int64, probe int) int64 {
	at := s.expected(want) - s.upload()*3/4
	if probe >= maxProbes/2 || at >= s.limit {
		at = s.lo.pos + (s.limit-s.lo.pos)/2
	}
	return at
}

// upload returns how many bytes an upload between lo and hi may have.
func (s *searched) upload() int64 {
	return (s.hi.pos - s.lo.pos) / max(1, (s.hi.value-s.lo.value)/s.step)
}

// expected returns where the target should be: on the parabola through the three marks
// around it, since uploads grow and shrink in the course of a day, or on a line.
func (s *searched) expected(want int64) int64 {
	line := func(a, b mark) float64 {
		share := float64(want-a.value) / float64(max(1, b.value-a.value))
		return float64(a.pos) + share*float64(b.pos-a.pos)
	}
	at := line(s.lo, s.hi)
	if c := s.third; c.value < s.lo.value || c.value > s.hi.value {
		share := float64(want-s.hi.value) / float64(c.value-s.hi.value)
		curved := at + share*(line(s.lo, c)-at)
		if float64(s.lo.pos) < curved && curved < float64(s.limit) {
			at = curved
		}
	}
	return int64(at)
}

// probe looks at the first upload that begins after a position. found is true if it is
// the target, or not far before it.
func (s *searched) probe(src *lineSource, at int64, to *target) (found bool, err error) {
	u, err := src.skipToHead(s.limit)
	if err != nil {
		return false, err
	}
	if u == nil {
		s.limit = at
		return false, nil
	}
	value, err := to.value(u)
	switch {
	case err != nil:
		return false, err
	case value >= to.want:
		s.third, s.hi, s.limit = s.hi, mark{src.headAt, value}, at
		return value == to.want && to.exact, nil
	}
	s.third, s.lo = s.lo, mark{src.headAt, value}
	return s.expected(to.want)-s.lo.pos <= s.upload()*3/2, nil
}
