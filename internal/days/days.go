// Package days parses the argument DAYS of the commands: today, yesterday, 2025-07-10,
// 2025-07, 7d, 2025-07-01..2025-07-07, or several of these.
package days

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/rotatelog"
)

// Forms says what can be given.
const Forms = "today, yesterday, 2025-07-10, 2025-07, 7d or 2025-07-01..2025-07-07"

// maxDays bounds how many days there can be: ten years.
const maxDays = 3660

// Days are days in their order, each once.
type Days struct {
	named map[rotatelog.Day]bool // whether a day was named, rather than a span it is in
}

// A Span is consecutive days, both included.
type Span struct{ First, Last rotatelog.Day }

// Parse parses the arguments. today is the day it is. A month or a span that is not over
// ends today; a day that is still to come is an error.
func Parse(args []string, today rotatelog.Day) (Days, error) {
	d := Days{map[rotatelog.Day]bool{}}
	for _, arg := range args {
		span, single, err := parse(arg, today)
		if err != nil {
			return Days{}, err
		}
		for day := span.First; day.Compare(span.Last) <= 0; day = day.Next() {
			d.named[day] = d.named[day] || single
		}
	}
	return d, nil
}

// Of returns days that were not named.
func Of(all []rotatelog.Day) Days {
	d := Days{map[rotatelog.Day]bool{}}
	for _, day := range all {
		d.named[day] = false
	}
	return d
}

// All returns the days in their order.
func (d Days) All() []rotatelog.Day {
	return slices.SortedFunc(maps.Keys(d.named), rotatelog.Day.Compare)
}

// Named reports whether a day was given by itself, so that there should be something.
func (d Days) Named(day rotatelog.Day) bool { return d.named[day] }

// Spans returns the days as spans, as few as possible.
func (d Days) Spans() []Span {
	var spans []Span
	for _, day := range d.All() {
		if last := len(spans) - 1; last >= 0 && spans[last].Last.Next() == day {
			spans[last].Last = day
		} else {
			spans = append(spans, Span{day, day})
		}
	}
	return spans
}

// parse parses one argument. single reports whether it names a day.
func parse(arg string, today rotatelog.Day) (span Span, single bool, err error) {
	if from, to, ok := strings.Cut(arg, ".."); ok {
		if span, err = between(from, to, today); err != nil {
			return Span{}, false, fmt.Errorf("%s: %w", arg, err)
		}
	} else if span, single, err = one(arg, today); err != nil {
		return Span{}, false, err
	}
	switch {
	case span.First.Compare(today) > 0:
		return Span{}, false, fmt.Errorf("%s is still to come: it is %s", arg, today)
	case span.Last.Compare(today) > 0:
		span.Last = today
	}
	if span.Last.Compare(Add(span.First, maxDays)) >= 0 {
		return Span{}, false, fmt.Errorf("%s: that is more than ten years", arg)
	}
	return span, single, nil
}

// between parses what stands on both sides of "..".
func between(from, to string, today rotatelog.Day) (Span, error) {
	first, _, err := one(from, today)
	if err != nil {
		return Span{}, err
	}
	last, _, err := one(to, today)
	if err != nil {
		return Span{}, err
	}
	if last.Last.Compare(first.First) < 0 {
		return Span{}, fmt.Errorf("%s is after %s", from, to)
	}
	return Span{first.First, last.Last}, nil
}

var (
	lastDays = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([1-9][0-9]{0,3})d$`) })
	month    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{4}-[0-9]{2}$`) })
)

// one parses a day, a month, or the last days.
func one(arg string, today rotatelog.Day) (span Span, single bool, err error) {
	yesterday := Add(today, -1)
	switch m := lastDays().FindStringSubmatch(arg); {
	case arg == "today":
		return Span{today, today}, true, nil
	case arg == "yesterday":
		return Span{yesterday, yesterday}, true, nil
	case m != nil:
		n, err := strconv.Atoi(m[1])
		return Span{Add(today, -n), yesterday}, false, err
	case month().MatchString(arg):
		if first, err := rotatelog.ParseDay(arg + "-01"); err == nil {
			next := rotatelog.DayOf(time.Date(first.Year, first.Month+1, 1, 0, 0, 0, 0, time.UTC), time.UTC)
			return Span{first, Add(next, -1)}, false, nil
		}
	default:
		if day, err := rotatelog.ParseDay(arg); err == nil {
			return Span{day, day}, true, nil
		}
	}
	return Span{}, false, fmt.Errorf("%q names no day: use %s", arg, Forms)
}

// Add returns the day that comes n days after d, or before it if n is negative.
func Add(d rotatelog.Day, n int) rotatelog.Day {
	return rotatelog.DayOf(time.Date(d.Year, d.Month, d.Date+n, 0, 0, 0, 0, time.UTC), time.UTC)
}
