package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// withDays is a change of a stream whose days are in the store.
func withDays(change func(f *Facts, o *Options)) func(*Facts, *Options) {
	return func(f *Facts, o *Options) {
		inStore(f)
		change(f, o)
	}
}

// waitsOf lets a batch of yesterday wait.
func waitsOf(f *Facts) {
	f.Spool.Pending = append(f.Spool.Pending, batch(f.Spool.Day.Start(newYork()).Add(-time.Second), 0))
}

// pause lets fetches come by day only. The last one came before the night.
func pause(f *Facts, o *Options) {
	o.Expect = Window{11 * time.Hour, 23 * time.Hour}
	for i := range f.Days {
		f.Days[i].Totals.Fetches, f.Days[i].Totals.Matches = 720, 720*45
	}
	for i := range f.Spool.Append.Days {
		f.Spool.Append.Days[i].Appended = 720
	}
}

func TestDayMissing(t *testing.T) {
	missing := func(then func(f *Facts, o *Options)) func(*Facts, *Options) {
		return withDays(func(f *Facts, o *Options) {
			gone(f, daysBefore(dayOf(f.Now), 1))
			then(f, o)
		})
	}
	unfetchedToo := missing(func(f *Facts, _ *Options) { unfetched(f, daysBefore(dayOf(f.Now), 1)) })
	wantSeverities(t, DayMissing, []scene{
		{"1:59:59", "2025-07-10 01:59:59", missing(func(*Facts, *Options) {}), OK},
		{"2:00", "2025-07-10 02:00:00", missing(func(*Facts, *Options) {}), Error},
		{"2 h after a midnight of the night of 23 hours", "2025-03-09 03:00:00", missing(func(*Facts, *Options) {}), Error},
		{"2 h after a midnight of the night of 25 hours", "2025-11-02 02:00:00", missing(func(*Facts, *Options) {}), Error},
		{"a batch of it waits, which upload_late says", "", missing(func(f *Facts, _ *Options) { waitsOf(f) }), OK},
		{"a write is in doubt", "", missing(func(f *Facts, _ *Options) {
			f.Spool.Unsettled = []rotatelog.UnsettledWrite{{Day: daysBefore(dayOf(f.Now), 1)}}
		}), OK},
		{"another day is missing", "", withDays(func(f *Facts, _ *Options) { gone(f, daysBefore(dayOf(f.Now), 2)) }), OK},
		{"nothing came", "", unfetchedToo, Error},
		{"nothing came on the day before either", "", missing(func(f *Facts, _ *Options) {
			unfetched(f, daysBefore(dayOf(f.Now), 1))
			unfetched(f, daysBefore(dayOf(f.Now), 2))
			gone(f, daysBefore(dayOf(f.Now), 2))
		}), OK},
		{"nothing came since, which append_stale says", "", func(f *Facts, o *Options) { unfetchedToo(f, o); silence(f, 40*time.Hour) }, OK},
		{"started a moment ago", "", missing(func(f *Facts, _ *Options) { f.Started = f.Now.Add(-time.Minute) }), OK},
		{"a pause over midnight: before it ends", "2025-07-10 10:59:59", missing(pause), OK},
		{"a pause over midnight: 2 h after", "2025-07-10 13:00:00", missing(pause), Error},
		{"a short window late in the day", "2025-07-10 23:15:00", missing(func(_ *Facts, o *Options) { o.Expect = Window{23 * time.Hour, 23*time.Hour + 30*time.Minute} }), Error},
		{"no pause at midnight", "2025-07-10 02:00:00", missing(func(_ *Facts, o *Options) { o.Expect = Window{11 * time.Hour, 1 * time.Hour} }), Error},
	})
	f := healthy(clock(t, noon))
	missing(func(*Facts, *Options) {})(&f, nil)
	x := find(Evaluate(f, Options{}), DayMissing)
	if !strings.Contains(x.Text, "2025-07-09") || !strings.Contains(x.Text, "1,440 fetches") || x.Steps[1] != "rotatelog restore 2025-07-09" {
		t.Errorf("%s", x)
	}
	if found := Evaluate(f, Options{}); len(found) != 1 {
		t.Errorf("one cause has %d findings: %v", len(found), found)
	}
	if s := Summarize(f, Options{}); s.Yesterday.Complete {
		t.Error("a day without an object is complete")
	}
}

func TestDayOpen(t *testing.T) {
	open := func(then func(f *Facts, o *Options)) func(*Facts, *Options) {
		return withDays(func(f *Facts, o *Options) {
			lastOf(f).Layout = "metadata last"
			then(f, o)
		})
	}
	wantSeverities(t, DayOpen, []scene{
		{"1:59:59", "2025-07-10 01:59:59", open(func(*Facts, *Options) {}), OK},
		{"2:00", "2025-07-10 02:00:00", open(func(*Facts, *Options) {}), Error},
		{"2 h after the midnight of the night of 23 hours", "2025-03-09 03:00:00", open(func(*Facts, *Options) {}), Error},
		{"2 h after the midnight of the night of 25 hours", "2025-11-02 01:00:00", open(func(*Facts, *Options) {}), OK}, // one of two such hours
		{"begun by another program, and never closed", "", withDays(func(f *Facts, _ *Options) { lastOf(f).Layout = "foreign" }), OK},
		{"its metadata is lost", "", withDays(func(f *Facts, _ *Options) {
			*lastOf(f) = rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: lastOf(f).Totals.Day}, Size: 1e9, Layout: "metadata last"}
		}), OK},
		{"today's is open", "", withDays(func(f *Facts, _ *Options) {
			d := wholeDay(dayOf(f.Now), f.Now.Location())
			d.Layout = "metadata last"
			f.Days = append(f.Days, d)
		}), OK},
		{"a batch of it waits, which upload_late says", "", open(func(f *Facts, _ *Options) { waitsOf(f) }), OK},
		{"nobody was there to close it, which append_stale says", "", open(func(f *Facts, _ *Options) { silence(f, 13*time.Hour) }), OK},
		{"nobody is there at night, nor is expected", "2025-07-10 10:00:00", open(func(f *Facts, o *Options) { pause(f, o); silence(f, 11*time.Hour) }), OK},
		{"fetches are back", "2025-07-10 13:00:00", open(pause), Error},
	})
}

func TestFetchesShort(t *testing.T) {
	short := func(part float64, then func(f *Facts, o *Options)) func(*Facts, *Options) {
		return withDays(func(f *Facts, o *Options) {
			fetched(f, part)
			then(f, o)
		})
	}
	no := func(*Facts, *Options) {}
	wantSeverities(t, FetchesShort, []scene{
		{"95 %", "", short(0.95, no), OK},
		{"less than 95 %", "", short(0.949, no), Error},
		{"less than 95 %, at night", "2025-07-10 01:59:59", short(0.949, no), OK},
		{"less than 95 %, at 2 AM", "2025-07-10 02:00:00", short(0.949, no), Error},
		{"95 % of 23 hours", "2025-03-10 12:00:00", short(0.951, no), OK},
		{"less than 95 % of 23 hours", "2025-03-10 12:00:00", short(0.949, no), Error},
		{"less than 95 % of 25 hours", "2025-11-03 12:00:00", short(0.949, no), Error},
		{"less than 95 % of what --every wants", "", short(0.949, func(_ *Facts, o *Options) { o.Every = time.Minute }), Error},
		{"half, as --every wants", "", short(0.5, func(_ *Facts, o *Options) { o.Every = 2 * time.Minute }), OK},
		{"half of the day, as --expect wants", "2025-07-10 14:00:00", withDays(func(f *Facts, o *Options) { pause(f, o); o.Every = time.Minute }), OK},
		{"less than 95 % of half of the day", "2025-07-10 14:00:00", withDays(func(f *Facts, o *Options) { pause(f, o); o.Every = time.Minute; fetched(f, 0.94) }), Error},
		{"the rest waits", "", short(0.949, func(f *Facts, _ *Options) {
			for range 8 {
				waitsOf(f)
			}
		}), OK},
		{"the rest is on this machine", "", short(0.5, func(f *Facts, _ *Options) {
			lastOf(f).Totals.Fetches = 10
			inStoreDays := f.Spool.Append.Days
			for i := range inStoreDays {
				inStoreDays[i].Appended = 1440
			}
		}), OK},
		{"another machine fetches, too", "", withDays(func(f *Facts, _ *Options) { unfetched(f, daysBefore(dayOf(f.Now), 1)) }), OK},
		{"the store was not asked", "", short(0.5, func(f *Facts, _ *Options) { f.Days = nil }), Error},
		{"only one of two machines is known", "", withDays(func(f *Facts, _ *Options) {
			*lastOf(f) = rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: lastOf(f).Totals.Day}}
			for i := range f.Spool.Append.Days {
				f.Spool.Append.Days[i].Appended = 720
			}
		}), OK},
		{"nothing is known of it", "", short(0.5, func(f *Facts, _ *Options) { f.Days = nil; unfetched(f, daysBefore(dayOf(f.Now), 1)) }), OK},
		{"three days are too few", "", short(0.5, func(f *Facts, _ *Options) { began(f, 4) }), OK},
		{"four days are enough", "", short(0.5, func(f *Facts, _ *Options) { began(f, 5) }), Error},
		{"the first day", "", withDays(func(f *Facts, o *Options) { began(f, 1); o.Every = time.Minute }), OK},
		{"the second day", "", short(0.5, func(f *Facts, o *Options) { began(f, 2); o.Every = time.Minute }), Error},
		{"two days before had an outage", "", short(0.94, func(f *Facts, _ *Options) {
			for n := 2; n <= 3; n++ {
				unfetched(f, daysBefore(dayOf(f.Now), n))
				gone(f, daysBefore(dayOf(f.Now), n))
			}
		}), Error},
		{"nothing has come since, which append_stale says", "", short(0.5, func(f *Facts, _ *Options) { silence(f, 40*time.Hour) }), OK},
		{"few matches, and all fetches", "", withDays(func(f *Facts, _ *Options) { internationalBreak(f, 0.1) }), OK},
	})
	f := healthy(clock(t, noon))
	short(0.82, no)(&f, nil)
	x := find(Evaluate(f, Options{}), FetchesShort)
	if want := "Of 2025-07-09, 1,180 fetches came, and about 1,440 should have: 81 %."; x.Text != want {
		t.Errorf("%q, want %q", x.Text, want)
	}
}

func TestMatchesUnusual(t *testing.T) {
	yesterdayHas := func(part float64) func(*Facts, *Options) {
		return withDays(func(f *Facts, _ *Options) { scaled(f, daysBefore(dayOf(f.Now), 1), part) })
	}
	known := func(weeks int, part float64) func(*Facts, *Options) {
		return withDays(func(f *Facts, o *Options) {
			yesterday := daysBefore(dayOf(f.Now), 1)
			for n := weeks + 1; n <= weekdays; n++ {
				gone(f, daysBefore(yesterday, 7*n))
			}
			scaled(f, yesterday, part)
		})
	}
	wantSeverities(t, MatchesUnusual, []scene{
		{"half", "", yesterdayHas(0.5), OK},
		{"less than half", "", yesterdayHas(0.49), Error},
		{"twice", "", yesterdayHas(2), OK},
		{"more than twice", "", yesterdayHas(2.01), Error},
		{"none", "", yesterdayHas(0), Error},
		{"before 2 AM", "2025-07-10 01:59:59", yesterdayHas(0.1), OK},
		{"of four weeks", "", known(4, 0.49), Error},
		{"of three weeks", "", known(3, 0), OK},
		{"a weekend is held against weekends", "2025-07-13 12:00:00", yesterdayHas(1), OK},
		{"a weekend like a working day", "2025-07-13 12:00:00", yesterdayHas(0.49), Error},
		{"less than half on a day of 23 hours", "2025-03-10 12:00:00", yesterdayHas(0.49), Error},
		{"less than half on a day of 25 hours", "2025-11-03 12:00:00", yesterdayHas(0.49), Error},
		{"few, as five weeks before", "", withDays(func(f *Facts, _ *Options) {
			yesterday := daysBefore(dayOf(f.Now), 1)
			scaled(f, yesterday, 0.3)
			scaled(f, daysBefore(yesterday, 35), 0.3)
		}), OK},
		{"none, as five weeks before", "", withDays(func(f *Facts, _ *Options) {
			yesterday := daysBefore(dayOf(f.Now), 1)
			scaled(f, yesterday, 0)
			scaled(f, daysBefore(yesterday, 35), 0)
		}), Error},
		{"a part of a day is no measure", "", withDays(func(f *Facts, _ *Options) {
			yesterday := daysBefore(dayOf(f.Now), 1)
			for n := 4; n <= weekdays; n++ { // an evening each
				d := ofDay(f, daysBefore(yesterday, 7*n))
				d.Totals.Fetches, d.Totals.Matches = 120, 120*150
			}
		}), OK},
		{"nothing is counted", "", withDays(func(f *Facts, _ *Options) {
			for i := range f.Days {
				f.Days[i].Totals.Matches = 0
			}
		}), OK},
		{"counting was set up", "", withDays(func(f *Facts, _ *Options) {
			for i := range f.Days[1:] {
				f.Days[i+1].Totals.Matches = 0
			}
		}), OK},
		{"few fetches, which fetches_short says", "", withDays(func(f *Facts, _ *Options) { fetched(f, 0.6); scaled(f, daysBefore(dayOf(f.Now), 1), 0.1) }), OK},
		{"a batch of it waits", "", withDays(func(f *Facts, _ *Options) { scaled(f, daysBefore(dayOf(f.Now), 1), 0.1); waitsOf(f) }), OK},
		{"the store has not said", "", withDays(func(f *Facts, _ *Options) { f.Days = f.Days[1:] }), OK},
	})
	f := healthy(clock(t, noon))
	yesterdayHas(0.4)(&f, nil)
	x := find(Evaluate(f, Options{}), MatchesUnusual)
	if want := "A fetch of 2025-07-09 had 18.0 matches on average, and usually has 45.0: that is the median of the last 8 Wednesdays."; x.Text != want {
		t.Errorf("%q, want %q", x.Text, want)
	}
}
