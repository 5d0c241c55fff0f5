package main

import (
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/archive"
)

// fewWeekdays is how many days say what is usual on a weekday, at least.
const fewWeekdays = 4

// morning returns what there is to say of yesterday at 8 AM.
func (s *streamStatus) morning() alert.Morning {
	m := alert.Morning{Summary: s.Summary}
	yesterday := s.Yesterday.Day
	weekday, alike := yesterday.Start(s.app.zone).Weekday(), 0
	for _, d := range s.facts.Days {
		switch {
		case d.Totals.Uploads == 0:
		case d.Totals.Day == yesterday:
			m.Object = &d
		case d.Totals.Day.Start(s.app.zone).Weekday() == weekday:
			alike++
		}
	}
	m.Usual = alike >= fewWeekdays
	m.Verified = s.verifiedOn(yesterday)
	return m
}

// verifiedOn returns when a day was verified, zero if never, nil if that is not known.
func (s *stream) verifiedOn(day rotatelog.Day) *time.Time {
	spool, err := s.spool(rotatelog.Archive{})
	if spool == nil || err != nil {
		return nil
	}
	defer spool.Close()
	days, err := archive.LoadVerified(spool)
	if err != nil {
		return nil
	}
	when := time.Time{}
	for _, d := range days {
		if d.Day == day {
			when = d.Verified
		}
	}
	return &when
}
