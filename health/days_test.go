package health

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// wholeDay returns the object of a day in order: every minute a fetch, every ten minutes
// an upload. A weekend has twice the matches.
func wholeDay(day rotatelog.Day, loc *time.Location) rotatelog.DayMetadata {
	begin := day.Start(loc)
	fetches := int(day.Next().Start(loc).Sub(begin).Minutes())
	d := rotatelog.DayMetadata{Size: 2.6e9, Layout: "metadata first",
		Totals: rotatelog.Totals{Day: day, Uploads: fetches / 10, Fetches: fetches, Matches: 45 * int64(fetches)}}
	if w := begin.Weekday(); w == time.Saturday || w == time.Sunday {
		d.Totals.Matches *= 2
	}
	return d
}

// inStore adds what the store has of a stream in order, and of the machine that keeps it.
// It began long ago.
func inStore(f *Facts) {
	f.Spool.Append.Days = nil
	for n := range 35 {
		day := daysBefore(dayOf(f.Now), 34-n)
		f.Spool.Append.Days = append(f.Spool.Append.Days, rotatelog.DayCounts{Day: day, Appended: wholeDay(day, f.Now.Location()).Totals.Fetches})
	}
	f.Days = nil
	for _, day := range DaysToAskFor(*f, Options{}) {
		f.Days = append(f.Days, wholeDay(day, f.Now.Location()))
	}
	verified := f.Now.AddDate(0, 0, -1)
	f.Verified, f.KeySince, f.StoredBytes = &verified, f.Now.AddDate(0, 0, -30), 1e12
}

// began lets the stream have begun at noon, some days before today.
func began(f *Facts, days int) {
	first := daysBefore(dayOf(f.Now), days)
	before := func(day rotatelog.Day) bool { return day.Compare(first) < 0 }
	for _, d := range f.Days {
		if before(d.Totals.Day) {
			f.NoObject = append(f.NoObject, d.Totals.Day)
		}
	}
	f.Days = slices.DeleteFunc(f.Days, func(d rotatelog.DayMetadata) bool { return before(d.Totals.Day) })
	f.Spool.Append.Days = slices.DeleteFunc(f.Spool.Append.Days, func(c rotatelog.DayCounts) bool { return before(c.Day) })
	if f.Spool.Append.Days[0].Day == first {
		f.Spool.Append.Days[0].Appended = 720
	}
	if d := ofDay(f, first); d != nil {
		d.Totals = rotatelog.Totals{Day: first, Uploads: 72, Fetches: 720, Matches: 720 * 60} // what is played is played later
	}
	f.Verified = &time.Time{}
}

// ofDay returns the object of a day, nil if there is none.
func ofDay(f *Facts, day rotatelog.Day) *rotatelog.DayMetadata {
	for i := range f.Days {
		if f.Days[i].Totals.Day == day {
			return &f.Days[i]
		}
	}
	return nil
}

// lastOf returns the object of yesterday.
func lastOf(f *Facts) *rotatelog.DayMetadata { return ofDay(f, daysBefore(dayOf(f.Now), 1)) }

// gone takes the object of a day out of the store.
func gone(f *Facts, day rotatelog.Day) {
	f.Days = slices.DeleteFunc(f.Days, func(d rotatelog.DayMetadata) bool { return d.Totals.Day == day })
	f.NoObject = append(f.NoObject, day)
}

// unfetched lets no fetch of a day have come to this machine.
func unfetched(f *Facts, day rotatelog.Day) {
	f.Spool.Append.Days = slices.DeleteFunc(f.Spool.Append.Days, func(c rotatelog.DayCounts) bool { return c.Day == day })
}

// fetched lets a part of yesterday's fetches have come.
func fetched(f *Facts, part float64) {
	d := lastOf(f)
	d.Totals.Fetches = int(part * float64(d.Totals.Fetches))
	d.Totals.Matches = int64(part * float64(d.Totals.Matches))
	for i := range f.Spool.Append.Days {
		if c := &f.Spool.Append.Days[i]; c.Day == d.Totals.Day {
			c.Appended = d.Totals.Fetches
		}
	}
}

// scaled lets a day have a part of its matches.
func scaled(f *Facts, day rotatelog.Day, part float64) {
	if d := ofDay(f, day); d != nil {
		d.Totals.Matches = int64(part * float64(d.Totals.Matches))
	}
}

// internationalBreak lets the last days have a part of their matches, for few play: from
// the last Thursday on.
func internationalBreak(f *Facts, part float64) {
	for i := range f.Spool.Append.Recent {
		f.Spool.Append.Recent[i].Matches = 0 // at this hour
	}
	for day := daysBefore(dayOf(f.Now), 1); ; day = daysBefore(day, 1) {
		scaled(f, day, part)
		if day.Start(newYork()).Weekday() == time.Thursday {
			return
		}
	}
}

// TestDailyRulesAreSilent where nothing is wrong, and so are all others.
func TestDailyRulesAreSilent(t *testing.T) {
	quiet := func(*Facts) {}
	for _, s := range []struct {
		name, now string
		change    func(*Facts)
	}{
		{"noon", noon, quiet},
		{"midnight", "2025-07-10 00:00:00", quiet},
		{"at night, while yesterday is being closed", "2025-07-10 01:59:59", func(f *Facts) { lastOf(f).Layout = "metadata last" }},
		{"at night, and yesterday is not uploaded yet", "2025-07-10 01:59:59", func(f *Facts) { gone(f, daysBefore(dayOf(f.Now), 1)) }},
		{"at night", "2025-07-10 03:14:10", quiet},
		{"in the night of 23 hours", "2025-03-09 01:59:59", func(f *Facts) { gone(f, daysBefore(dayOf(f.Now), 1)) }},
		{"the day of 23 hours", "2025-03-09 12:00:00", quiet},
		{"after the day of 23 hours", "2025-03-10 02:00:00", quiet},
		{"a week after the day of 23 hours", "2025-03-17 12:00:00", quiet},
		{"in the night of 25 hours", "2025-11-02 00:59:59", func(f *Facts) { gone(f, daysBefore(dayOf(f.Now), 1)) }},
		{"the day of 25 hours", "2025-11-02 12:00:00", quiet},
		{"after the day of 25 hours", "2025-11-03 02:00:00", quiet},
		{"a week after the day of 25 hours", "2025-11-10 12:00:00", quiet},
		{"the first Thursday of a break", "2025-09-05 12:00:00", func(f *Facts) { internationalBreak(f, 0.55) }},
		{"the Saturday of a break", "2025-09-07 12:00:00", func(f *Facts) { internationalBreak(f, 0.55) }},
		{"the Saturday of a break like one before", "2025-10-12 12:00:00", func(f *Facts) {
			internationalBreak(f, 0.3)
			scaled(f, rotatelog.Day{Year: 2025, Month: 9, Date: 6}, 0.28)
		}},
		{"a stream that was set up today", noon, func(f *Facts) { began(f, 0) }},
		{"a stream that was set up yesterday", noon, func(f *Facts) { began(f, 1) }},
		{"two days", noon, func(f *Facts) { began(f, 2) }},
		{"three days", noon, func(f *Facts) { began(f, 3) }},
		{"four days", noon, func(f *Facts) { began(f, 4) }},
		{"five days", noon, func(f *Facts) { began(f, 5) }},
		{"a week", noon, func(f *Facts) { began(f, 7) }},
		{"the first week, before it is verified", noon, func(f *Facts) { began(f, 8) }},
		{"the store was not asked", noon, func(f *Facts) { f.Days, f.NoObject, f.StoredBytes = nil, nil, 0 }},
		{"the state of the Writer is lost", noon, func(f *Facts) { f.Spool.Append = nil }},
	} {
		for _, every := range []time.Duration{0, time.Minute} {
			f := healthy(clock(t, s.now))
			inStore(&f)
			s.change(&f)
			for _, x := range Evaluate(f, Options{Every: every, StorageBudget: 2e12}) {
				t.Errorf("%s, every %v: %s", s.name, every, x)
			}
		}
	}
}

// TestDaysToAskFor: no day is asked for in vain.
func TestDaysToAskFor(t *testing.T) {
	f := healthy(clock(t, noon))
	var days []string
	for _, day := range DaysToAskFor(f, Options{}) {
		days = append(days, day.String()[5:])
	}
	if got, want := strings.Join(days, " "), "07-09 07-08 07-07 07-06 07-05 07-04 07-03 07-02 06-25 06-18 06-11 06-04 05-28 05-21 05-14"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.Spool.Append.Days = f.Spool.Append.Days[1:]
	if n := len(DaysToAskFor(f, Options{})); n != len(days) { // another machine may have had it
		t.Errorf("on the first day of a spool: %d days", n)
	}
	f.Spool.Append = nil
	if n := len(DaysToAskFor(f, Options{})); n != len(days) {
		t.Errorf("of a fresh spool: %d days", n)
	}
}

// TestYesterdayBeforeTheFirstFetch: what the store has of it counts, as after a replay.
func TestYesterdayBeforeTheFirstFetch(t *testing.T) {
	f := healthy(clock(t, noon))
	f.Spool.Append.Days = f.Spool.Append.Days[1:]
	if y := Summarize(f, Options{}).Yesterday; y.Known() || !y.Before {
		t.Errorf("before the store is asked: %+v", y)
	}
	f.Days = []rotatelog.DayMetadata{wholeDay(daysBefore(dayOf(f.Now), 1), f.Now.Location())}
	if y := Summarize(f, Options{}).Yesterday; !y.Complete || y.Fetches != 1440 {
		t.Errorf("once it was: %+v", y)
	}
}

// TestMoreDaysChangeNoJudgement: who has a calendar knows of days that no rule asks for, and
// must find what others find.
func TestMoreDaysChangeNoJudgement(t *testing.T) {
	f := healthy(clock(t, noon))
	f.Spool.Append.Days = nil
	f.Days = []rotatelog.DayMetadata{wholeDay(daysBefore(dayOf(f.Now), 1), f.Now.Location())}
	f.Days[0].Totals.Fetches = 720 // it began at noon
	without := Evaluate(f, Options{Every: time.Minute})
	f.Days = append(f.Days, wholeDay(daysBefore(dayOf(f.Now), 20), f.Now.Location()))
	if with := Evaluate(f, Options{Every: time.Minute}); len(without) > 0 || len(with) > 0 {
		t.Errorf("%v; with a day of three weeks ago: %v", without, with)
	}
}
