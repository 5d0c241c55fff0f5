package main

import (
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
	var version rotatelog.Version // of yesterday's object, whatever else is known of it
	for _, d := range s.facts.Days {
		if d.Totals.Day == yesterday {
			version = d.Version
		}
		switch {
		case d.Totals.Uploads == 0:
		case d.Totals.Day == yesterday:
			m.Object = &d
		case d.Totals.Day.Start(s.app.zone).Weekday() == weekday:
			alike++
		}
	}
	m.Usual = alike >= fewWeekdays
	m.Verified = s.verifiedOn(yesterday, version)
	return m
}

// verifiedOn returns what was found when a day was last verified, nil if that is not
// known. The version is that of its object now, "" if that is not known.
func (s *stream) verifiedOn(day rotatelog.Day, version rotatelog.Version) *alert.Verified {
	spool, err := s.spool(rotatelog.Archive{})
	if spool == nil || err != nil {
		return nil
	}
	defer spool.Close()
	days, err := archive.LoadVerified(spool)
	if err != nil {
		return nil
	}
	for _, d := range days {
		if d.Day == day {
			return &alert.Verified{Time: d.Verified, Changed: version != "" && version != d.Version, Errors: d.Errors, Warnings: d.Warnings,
				Gaps: d.Gaps, GapFrom: d.GapFrom.In(s.app.zone), GapTo: d.GapTo}
		}
	}
	return &alert.Verified{}
}
