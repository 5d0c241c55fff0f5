package health

import (
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
)

// TestBlind: what cannot be found is told from what is not there.
func TestBlind(t *testing.T) {
	ofDays := []Code{DayMissing, DayOpen, MatchesUnusual}
	for _, test := range []struct {
		name   string
		change func(f *Facts, o *Options)
		want   []Code
	}{
		{"all is known", func(*Facts, *Options) {}, nil},
		{"nothing but the spool", func(f *Facts, _ *Options) {
			*f = Facts{Now: f.Now, Spool: f.Spool}
		}, slices.Concat([]Code{DiskDays, Clock}, ofDays, []Code{VerifyOld, KeyOld})},
		{"the store was not asked", func(f *Facts, _ *Options) { f.Days = nil }, ofDays},
		{"the store has none of the days", func(f *Facts, _ *Options) {
			for _, d := range f.Days {
				f.NoObject = append(f.NoObject, d.Totals.Day)
			}
			f.Days = nil
		}, nil},
		{"there is no day to ask for yet", func(f *Facts, _ *Options) { f.Days, f.Spool.Append = nil, &rotatelog.WriterState{} }, nil},
		{"a budget, and what is stored is not known", func(f *Facts, o *Options) { f.StoredBytes, o.StorageBudget = 0, 1 }, []Code{StorageOver}},
		{"no budget", func(f *Facts, _ *Options) { f.StoredBytes = 0 }, nil},
		{"the clock is wrong all the same", func(f *Facts, o *Options) { f.ClockOff = nil; silence(f, -clockCritical) }, nil},
	} {
		f, o := healthy(clock(t, noon)), Options{}
		inStore(&f)
		var off time.Duration
		f.ClockOff = &off
		test.change(&f, &o)
		if got := Blind(f, o); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
