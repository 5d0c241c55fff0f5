package health

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
)

// causes provoke the finding of each rule, in a stream that has been fetched for long.
func causes() map[Code]func(f *Facts, o *Options) {
	return map[Code]func(f *Facts, o *Options){
		AppendStale:   silent(20 * time.Minute),
		AppendRefused: refusals("io", "io", "io"),
		AppendInvalid: refusals("invalid", "invalid", "invalid"),
		DiskDays:      func(f *Facts, _ *Options) { f.Disk.FreeBytes = 1 },
		UploadLate:    late(13 * time.Hour),
		UploadRefused: func(f *Facts, _ *Options) { failing(f, time.Hour, "AccessDenied", true) },
		UploadsGone:   incident(UploadsGone, time.Minute, 3),
		ForeignChange: incident(ForeignChange, time.Minute, 3),
		Corrupt:       func(f *Facts, o *Options) { late(time.Minute)(f, o); failing(f, 0, codeNotDaily, true) },
		Clock:         func(f *Facts, _ *Options) { off := 6 * time.Minute; f.ClockOff = &off },
		Uncounted: func(f *Facts, _ *Options) {
			for i := range f.Spool.Append.Recent {
				f.Spool.Append.Recent[i].Uncounted = true
			}
		},
		DayMissing:     func(f *Facts, _ *Options) { gone(f, daysBefore(dayOf(f.Now), 1)) },
		DayOpen:        func(f *Facts, _ *Options) { lastOf(f).Layout = "metadata last" },
		FetchesShort:   func(f *Facts, _ *Options) { fetched(f, 0.5) },
		MatchesUnusual: func(f *Facts, _ *Options) { scaled(f, daysBefore(dayOf(f.Now), 1), 0) },
		Repaired: func(f *Facts, _ *Options) {
			f.Spool.Append.Incidents = []rotatelog.Incident{{Time: f.Now, Code: string(Repaired), Key: "all_api.json", Sentence: "it was missing"}}
		},
		DayLarge:    func(f *Facts, _ *Options) { f.Days[0].Size = 5 << 30 },
		StorageOver: func(f *Facts, _ *Options) { f.StoredBytes = 3e12 },
		VerifyOld:   func(f *Facts, _ *Options) { at := f.Now.AddDate(0, 0, -9); f.Verified = &at },
		KeyOld:      func(f *Facts, _ *Options) { f.KeySince = f.Now.AddDate(0, 0, -91) },
	}
}

// A situation is a time at which a rule must neither cry nor be deaf.
type situation struct {
	name, now string
	change    func(f *Facts, o *Options)
	// deaf are the rules that cannot find anything yet: at night those of yesterday, which
	// is still being closed, and in the first days those that need others to compare with.
	deaf []Code
}

func situations() []situation {
	ofYesterday := []Code{DayMissing, DayOpen, FetchesShort, MatchesUnusual}
	same := func(*Facts, *Options) {}
	return []situation{
		{"by day", noon, same, nil},
		{"at night, before yesterday is judged", "2025-07-10 01:30:00", same, ofYesterday},
		{"at night", "2025-07-10 03:14:10", same, nil},
		{"in the night of 23 hours", "2025-03-09 03:30:00", same, nil},
		{"on the day of 23 hours", "2025-03-09 12:00:00", same, nil},
		{"after the day of 23 hours", "2025-03-10 12:00:00", same, nil},
		{"in the night of 25 hours, the first time", "2025-11-02 01:30:00", same, ofYesterday},
		{"on the day of 25 hours", "2025-11-02 12:00:00", same, nil},
		{"after the day of 25 hours", "2025-11-03 12:00:00", same, nil},
		{"in an international break", "2025-09-07 12:00:00", func(f *Facts, _ *Options) { internationalBreak(f, 0.55) }, nil},
		{"in the first week", noon, func(f *Facts, _ *Options) { began(f, 6) }, []Code{MatchesUnusual}},
		{"on the second day", noon, func(f *Facts, _ *Options) { began(f, 1) }, []Code{FetchesShort, MatchesUnusual}},
	}
}

// TestEachRuleInEachSituation: without a cause no rule finds anything, and with its cause
// each does, so that it is not silence that makes it quiet.
func TestEachRuleInEachSituation(t *testing.T) {
	provoke := causes()
	if codes := slices.Sorted(maps.Keys(provoke)); !slices.Equal(codes, slices.Sorted(slices.Values(Codes()))) {
		t.Fatalf("provoked are %q", codes)
	}
	for _, s := range situations() {
		facts := func() (Facts, Options) {
			f, o := healthy(clock(t, s.now)), Options{StorageBudget: 2e12}
			inStore(&f)
			off := time.Second
			f.ClockOff = &off
			s.change(&f, &o)
			return f, o
		}
		if found := Evaluate(facts()); len(found) > 0 {
			t.Errorf("%s: %v", s.name, found)
		}
		for code, provoke := range provoke {
			f, o := facts()
			provoke(&f, &o)
			found := Evaluate(f, o)
			if got, want := find(found, code).Severity > OK, !slices.Contains(s.deaf, code); got != want {
				t.Errorf("%s, %s: found is %v, want %v: %v", s.name, code, got, want, found)
			}
			if others := without(found, code); len(others) > 0 {
				t.Errorf("%s, %s: other findings are %v", s.name, code, others)
			}
		}
	}
}

// without returns the codes of findings, but for one.
func without(found []Finding, code Code) (others []string) {
	for _, x := range found {
		if x.Code != code {
			others = append(others, fmt.Sprint(x))
		}
	}
	return others
}
