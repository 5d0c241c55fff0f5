package health

import (
	"fmt"
	"strings"
	"time"

	"example.com/rotatelog"
)

// A Window is a time of day, each day, by the clock on the wall: from 11:00 until 01:00 of
// the next day, for example. The zero Window is always.
type Window struct {
	From, To time.Duration // since midnight, below 24 h
}

// ParseWindow parses a text such as 11:00-01:00; "" is always.
func ParseWindow(s string) (Window, error) {
	if s == "" {
		return Window{}, nil
	}
	first, second, _ := strings.Cut(s, "-")
	from, err := time.Parse("15:04", first)
	to, toErr := time.Parse("15:04", second)
	if err != nil || toErr != nil || from.Equal(to) {
		return Window{}, fmt.Errorf("%q is not a time of day such as 11:00-01:00", s)
	}
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	return Window{from.Sub(midnight), to.Sub(midnight)}, nil
}

// String returns what ParseWindow parses.
func (w Window) String() string {
	if w == (Window{}) {
		return ""
	}
	clock := func(d time.Duration) string { return time.Time{}.Add(d).Format("15:04") }
	return clock(w.From) + "-" + clock(w.To)
}

// on returns when the window that begins on a day begins and ends.
func (w Window) on(day rotatelog.Day, loc *time.Location) (from, to time.Time) {
	if w == (Window{}) {
		return day.Start(loc), day.Next().Start(loc)
	}
	wall := func(day rotatelog.Day, d time.Duration) time.Time {
		return time.Date(day.Year, day.Month, day.Date, int(d.Hours()), int(d.Minutes())%60, 0, 0, loc)
	}
	end := day
	if w.To <= w.From {
		end = day.Next()
	}
	return wall(day, w.From), wall(end, w.To)
}

// begin returns when the window that t is in began, the zero time if there is no
// beginning. ok is false if t is in none.
func (w Window) begin(t time.Time, loc *time.Location) (begin time.Time, ok bool) {
	if w == (Window{}) {
		return time.Time{}, true
	}
	today := rotatelog.DayOf(t, loc)
	yesterday := rotatelog.DayOf(today.Start(loc).Add(-time.Second), loc)
	for _, day := range []rotatelog.Day{today, yesterday} {
		if from, to := w.on(day, loc); !t.Before(from) && t.Before(to) {
			return from, true
		}
	}
	return time.Time{}, false
}

// since returns how much of the window has passed since the day of t began.
func (w Window) since(t time.Time, loc *time.Location) time.Duration {
	today := rotatelog.DayOf(t, loc)
	begin := today.Start(loc)
	yesterday := rotatelog.DayOf(begin.Add(-time.Second), loc)
	var passed time.Duration
	for _, day := range []rotatelog.Day{yesterday, today} {
		from, to := w.on(day, loc)
		if from.Before(begin) {
			from = begin
		}
		if to.After(t) {
			to = t
		}
		passed += max(0, to.Sub(from))
	}
	return passed
}
