package rotatelog

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // New York must be known on machines without a zone database

	"example.com/rotatelog/internal/sleep"
)

// Clock returns the time, and waits. Implementations must be safe for concurrent
// use. clocktest.Clock is one for tests.
type Clock interface {
	// Now returns the wall-clock time.
	Now() time.Time
	// Sleep returns nil after d, or the cause of ctx's end if that comes first.
	// A d that is not positive returns at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// systemClock is the Clock of a Config that names none.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return sleep.For(ctx, d) }

// Day is a calendar date. Which instants belong to it depends on the zone;
// rotatelog uses Config.Location, New York by default. Days compare with ==.
type Day struct {
	Year  int
	Month time.Month
	Date  int // of the month, from 1
}

const dayLayout = "2006-01-02"

// DayOf returns the day that t falls on in loc.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Day{y, m, d}
}

// ParseDay parses the form that String gives, such as 2025-07-10.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		return Day{}, fmt.Errorf("day %q is not of the form %s", s, dayLayout)
	}
	return DayOf(t, time.UTC), nil
}

// String returns the day as 2025-07-10, and the zero Day as "".
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(dayLayout)
}

// hasName reports whether ParseDay parses what String returns.
func (d Day) hasName() bool { return d.Year >= 1 && d.Year <= 9999 }

// IsZero reports whether d is the zero Day, which is no date.
func (d Day) IsZero() bool { return d == Day{} }

// Compare returns -1, 0 or +1 as d is before, the same as, or after e.
func (d Day) Compare(e Day) int { return d.utc().Compare(e.utc()) }

// Next returns the day after d.
func (d Day) Next() Day { return DayOf(d.utc().AddDate(0, 0, 1), time.UTC) }

// MarshalText implements [encoding.TextMarshaler].
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Day) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDay(string(b))
	return err
}

func (d Day) utc() time.Time { return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, time.UTC) }

// Start returns the first instant of the day in loc. It is not always 00:00:
// where the clocks skip midnight, time.Date answers with an instant of the day
// before, and where midnight happens twice, with either.
func (d Day) Start(loc *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, loc)
	begin, end := t.ZoneBounds()
	if DayOf(t, loc) != d { // midnight was skipped: the day begins with the new offset
		return end.In(loc)
	}
	if !begin.IsZero() { // was it midnight once before, under the offset before?
		_, offset := begin.Add(-1).In(loc).Zone()
		first := d.utc().Add(-time.Duration(offset) * time.Second).In(loc)
		if first.Before(begin) && DayOf(first, loc) == d {
			return first
		}
	}
	return t
}

// lastSecond returns the last whole second of the day in loc.
func (d Day) lastSecond(loc *time.Location) time.Time {
	return d.Next().Start(loc).Add(-time.Second)
}

// clip returns t, or where t is not on the day, the end of the day nearest to it.
func (d Day) clip(t time.Time, loc *time.Location) time.Time {
	switch DayOf(t, loc).Compare(d) {
	case -1:
		return d.Start(loc)
	case +1:
		return d.lastSecond(loc)
	}
	return t.In(loc)
}
