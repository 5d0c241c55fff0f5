package main

import (
	"errors"
	"fmt"

	"example.com/rotatelog"
)

// noObject returns the error of days none of which has an object.
func (s *stream) noObject() error {
	text := fmt.Sprintf("%s: none of these days has an object in %s", s.Name, s.shown())
	if first, ok := s.firstDay(); ok {
		text += fmt.Sprintf("; its first fetch came on %v", first)
	}
	return failed(errors.New(text))
}

// firstDay returns the day of the stream's first fetch, as far as the spool shows it.
func (s *stream) firstDay() (first rotatelog.Day, ok bool) {
	spool, err := rotatelog.Inspect(s.Dir, s.Name)
	if err != nil || spool.Append == nil || len(spool.Problems) > 0 {
		return first, false
	}
	appended := 0
	for _, d := range spool.Append.Days {
		appended += d.Appended
	}
	if appended == 0 || appended < spool.Number { // the stream began on another machine
		return first, false
	}
	first = spool.Day
	for _, day := range daysOf(&spool) {
		if day.Compare(first) < 0 {
			first = day
		}
	}
	return first, true
}

// daysOf returns all days of which a spool knows something.
func daysOf(spool *rotatelog.SpoolStatus) []rotatelog.Day {
	var all []rotatelog.Day
	for _, batches := range [][]rotatelog.BatchStatus{spool.Confirmed, spool.Pending} {
		for _, b := range batches {
			all = append(all, b.Day)
		}
	}
	for _, state := range []*rotatelog.WriterState{spool.Append, spool.Publish} {
		if state == nil {
			continue
		}
		for _, d := range state.Days {
			all = append(all, d.Day)
		}
		for _, w := range state.LastWrites {
			all = append(all, w.Day)
		}
		for _, look := range []*rotatelog.DayLook{state.LastLook, state.LastComplete} {
			if look != nil {
				all = append(all, look.Day)
			}
		}
	}
	return all
}
