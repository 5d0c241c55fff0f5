package rotatelog

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func day(t testing.TB, s string) Day {
	t.Helper()
	d, err := ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	i, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestDayOf(t *testing.T) {
	for _, c := range []struct{ instant, zone, want string }{
		{"2025-07-11T03:59:59.999999999Z", "America/New_York", "2025-07-10"},
		{"2025-07-11T04:00:00Z", "America/New_York", "2025-07-11"},
		{"2025-01-11T04:59:59Z", "America/New_York", "2025-01-10"},
		{"2025-01-11T05:00:00Z", "America/New_York", "2025-01-11"},
		{"2025-07-10T18:14:59Z", "Asia/Kathmandu", "2025-07-10"},
		{"2025-07-10T18:15:00Z", "Asia/Kathmandu", "2025-07-11"},
		{"2025-07-10T23:00:00-04:00", "UTC", "2025-07-11"},
	} {
		if got := DayOf(instant(t, c.instant), zone(t, c.zone)); got.String() != c.want {
			t.Errorf("DayOf(%s, %s) = %v, want %s", c.instant, c.zone, got, c.want)
		}
	}
}

func TestParseDay(t *testing.T) {
	for _, s := range []string{"2025-07-10", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if d, err := ParseDay(s); err != nil || d.String() != s {
			t.Errorf("ParseDay(%s) = %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "2025-7-10", "2025-07-10 ", "2025-02-29", "2025-13-01", "07/10/2025", "2025-07-10T00:00:00Z", "20250710", "x"} {
		if d, err := ParseDay(s); err == nil || !d.IsZero() {
			t.Errorf("ParseDay(%q) = %v, %v, want an error and no day", s, d, err)
		}
	}
}

func TestDayText(t *testing.T) {
	in := map[Day]Day{{2025, time.July, 10}: {2024, time.February, 29}}
	b, err := json.Marshal(in)
	if err != nil || string(b) != `{"2025-07-10":"2024-02-29"}` {
		t.Fatalf("Marshal = %s, %v", b, err)
	}
	var out map[Day]Day
	if err := json.Unmarshal(b, &out); err != nil || out[Day{2025, time.July, 10}] != in[Day{2025, time.July, 10}] {
		t.Errorf("Unmarshal = %v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"2025-07-10":"10 July"}`), &out); err == nil {
		t.Error("Unmarshal of no day: no error")
	}
}

func TestDayOrder(t *testing.T) {
	days := []Day{
		{2024, time.February, 28}, {2024, time.February, 29}, {2024, time.March, 1},
		{2024, time.December, 31}, {2025, time.January, 1}, {2025, time.February, 28}, {2025, time.March, 1},
	}
	for i, d := range days {
		for j, e := range days {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = +1
			}
			if got := d.Compare(e); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", d, e, got, want)
			}
		}
	}
	for _, c := range [][2]string{
		{"2024-02-28", "2024-02-29"}, {"2024-02-29", "2024-03-01"}, {"2025-02-28", "2025-03-01"},
		{"2024-12-31", "2025-01-01"}, {"2025-03-09", "2025-03-10"}, {"2025-11-02", "2025-11-03"},
	} {
		if got := day(t, c[0]).Next(); got.String() != c[1] {
			t.Errorf("%s.Next() = %v, want %s", c[0], got, c[1])
		}
	}
	if !(Day{}).IsZero() || days[0].IsZero() {
		t.Error("IsZero is wrong")
	}
}

// oddDays are days that do not begin at the only 00:00, or do not last 24 hours.
var oddDays = []struct {
	what, zone, day string
	start, next     string // RFC 3339
}{
	{"an ordinary day", "America/New_York", "2025-07-10", "2025-07-10T00:00:00-04:00", "2025-07-11T00:00:00-04:00"},
	{"23 hours", "America/New_York", "2025-03-09", "2025-03-09T00:00:00-05:00", "2025-03-10T00:00:00-04:00"},
	{"25 hours", "America/New_York", "2025-11-02", "2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00"},
	{"no midnight", "America/Havana", "2025-03-09", "2025-03-09T01:00:00-04:00", "2025-03-10T00:00:00-04:00"},
	{"no midnight", "America/Santiago", "2024-09-08", "2024-09-08T01:00:00-03:00", "2024-09-09T00:00:00-03:00"},
	{"no midnight, east of UTC", "Asia/Beirut", "2025-03-30", "2025-03-30T01:00:00+03:00", "2025-03-31T00:00:00+03:00"},
	{"midnight twice", "America/Havana", "2025-11-02", "2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00"},
	{"left and entered again after a minute", "America/St_Johns", "2006-10-29", "2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30"},
	{"the clocks go back at its end", "America/Santiago", "2024-04-06", "2024-04-06T00:00:00-03:00", "2024-04-07T00:00:00-04:00"},
	{"a quarter of an hour", "Asia/Kathmandu", "1986-01-01", "1986-01-01T00:15:00+05:45", "1986-01-02T00:00:00+05:45"},
	{"half an hour", "Australia/Lord_Howe", "2025-10-05", "2025-10-05T00:00:00+10:30", "2025-10-06T00:00:00+11:00"},
	{"before a day that never was", "Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
	{"a day that never was begins with the next", "Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00"},
	{"a day that was twice", "Pacific/Kwajalein", "1969-09-30", "1969-09-30T00:00:00+11:00", "1969-10-01T00:00:00-12:00"},
}

func TestDayStart(t *testing.T) {
	for _, c := range oddDays {
		loc, d := zone(t, c.zone), day(t, c.day)
		if got, want := d.Start(loc), instant(t, c.start); !got.Equal(want) || got.Location() != loc {
			t.Errorf("%s: %s begins in %s at %v, want %s", c.what, d, loc, got, c.start)
		}
		if got, want := d.Next().Start(loc), instant(t, c.next); !got.Equal(want) {
			t.Errorf("%s: the day after %s begins in %s at %v, want %s", c.what, d, loc, got, c.next)
		}
		if got, want := d.lastSecond(loc), instant(t, c.next).Add(-time.Second); !got.Equal(want) {
			t.Errorf("%s: the last second of %s in %s is %v, want %v", c.what, d, loc, got, want)
		}
	}
}

func TestClipStaysWithinTheDay(t *testing.T) {
	for _, c := range oddDays {
		loc, d := zone(t, c.zone), day(t, c.day)
		start, end := d.Start(loc), d.Next().Start(loc)
		if !start.Before(end) {
			continue // there is no such day
		}
		for _, x := range []struct{ t, want time.Time }{
			{start.Add(-time.Hour * 1000), start},
			{start.Add(-1), start},
			{start, start},
			{start.Add(12 * time.Hour), start.Add(12 * time.Hour)},
			{end.Add(-1), end.Add(-1)},
			{end, end.Add(-time.Second)},
			{end.Add(time.Hour * 1000), end.Add(-time.Second)},
		} {
			got := d.clip(x.t.UTC(), loc)
			if !got.Equal(x.want) || got.Location() != loc || DayOf(got, loc) != d {
				t.Errorf("%s: %v clipped to %s is %v, want %v", c.what, x.t, d, got, x.want)
			}
		}
	}
	apia := zone(t, "Pacific/Apia")
	never := day(t, "2011-12-30")
	if got, want := never.clip(instant(t, "2011-12-29T12:00:00-10:00"), apia), never.Start(apia); !got.Equal(want) {
		t.Errorf("clipped to a day that never was: %v, want %v", got, want)
	}
}

// TestEveryDay goes through the years in which these zones had odd days.
func TestEveryDay(t *testing.T) {
	for _, name := range []string{
		"UTC", "America/New_York", "America/Havana", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
		"America/Asuncion", "America/Caracas", "America/Nuuk", "America/Scoresbysund", "Atlantic/Azores",
		"Europe/London", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Amman", "Asia/Tehran", "Asia/Gaza",
		"Asia/Kathmandu", "Asia/Pyongyang", "Asia/Kolkata", "Australia/Lord_Howe", "Antarctica/Troll",
		"Pacific/Apia", "Pacific/Fakaofo", "Pacific/Chatham", "Pacific/Kiritimati",
	} {
		loc := zone(t, name)
		end := Day{2027, time.January, 1}
		for d := (Day{2004, time.January, 1}); d != end; d = d.Next() {
			noon := time.Date(d.Year, d.Month, d.Date, 12, 0, 0, 0, loc)
			start, next := d.Start(loc), d.Next().Start(loc)
			if DayOf(noon, loc) != d {
				if name != "Pacific/Apia" && name != "Pacific/Fakaofo" || d.String() != "2011-12-30" {
					t.Errorf("%s has no %s", name, d)
				}
				if !start.Equal(next) {
					t.Errorf("%s: %s, which never was, begins at %v, and the next day at %v", name, d, start, next)
				}
				continue
			}
			if DayOf(start, loc) != d {
				t.Errorf("%s: %s begins at %v, which is not on it", name, d, start)
			}
			if before := start.Add(-1); DayOf(before, loc) == d {
				t.Errorf("%s: %s begins at %v, but %v is on it, too", name, d, start, before)
			}
			if hours := next.Sub(start); hours < 20*time.Hour || hours > 28*time.Hour {
				t.Errorf("%s: %s has %v", name, d, hours)
			}
		}
	}
}

func TestSystemClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock Clock = systemClock{}
		start := clock.Now()
		if !start.Equal(time.Now()) {
			t.Errorf("Now = %v, want %v", start, time.Now())
		}
		if err := clock.Sleep(t.Context(), time.Hour); err != nil {
			t.Errorf("Sleep = %v", err)
		}
		if d := time.Since(start); d != time.Hour {
			t.Errorf("Sleep took %v, want an hour", d)
		}

		cause := errors.New("closing")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		start = time.Now()
		if err := clock.Sleep(ctx, time.Hour); err != cause {
			t.Errorf("Sleep = %v, want the cause", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("Sleep ended after %v, want a minute", d)
		}

		start = time.Now()
		if err := clock.Sleep(ctx, time.Hour); err != cause {
			t.Errorf("Sleep with a ctx that has ended = %v, want the cause", err)
		}
		for _, d := range []time.Duration{0, -1, math.MinInt64} {
			if err := clock.Sleep(ctx, d); err != nil {
				t.Errorf("Sleep(%d) = %v", d, err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Sleep that had nothing to wait for took %v", d)
		}
	})
}
