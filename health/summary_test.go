package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/rotatelog"
)

// TestSummaryOfHealthyStream has the facts of the first screen of status.
func TestSummaryOfHealthyStream(t *testing.T) {
	f := healthy(clock(t, noon))
	yesterday := dayOf(f.Now.AddDate(0, 0, -1))
	closed := clock(t, "2025-07-10 00:00:41")
	f.Spool.Publish.LastComplete = &rotatelog.DayLook{Day: yesterday, Uploads: 144, Fetches: 1440, Looked: closed}
	got := Summarize(f, Options{})
	want := Summary{
		Stream:    "all_api",
		Now:       f.Now,
		Fetched:   Fetched{Last: f.Now.Add(-12 * time.Second), Number: 767, Missing: 0, Matches: 45},
		Batch:     Batch{Fetches: 7, Size: 10, Due: f.Now.Add(2*time.Minute + 48*time.Second)},
		Uploaded:  Uploaded{Last: f.Now.Add(-7*time.Minute - 12*time.Second), Uploads: 76, Fetches: 760, Matches: 34200},
		Kept:      Kept{Batches: 10, Bytes: 185e6, Oldest: f.Now.Add(-7*time.Minute - 12*time.Second - 90*time.Minute)},
		Disk:      &DiskEstimate{FreeBytes: 61e9, Lasts: LongLasting},
		Yesterday: Yesterday{Day: yesterday, Complete: true, Uploads: 144, Fetches: 1440, Closed: closed},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestSummaryOfFreshSpool knows nothing, and says no zero for that.
func TestSummaryOfFreshSpool(t *testing.T) {
	now := clock(t, noon)
	got := Summarize(Facts{Now: now, Spool: rotatelog.SpoolStatus{Name: "all_api"}}, Options{})
	want := Summary{
		Stream:    "all_api",
		Now:       now,
		Fetched:   Fetched{Missing: -1, Matches: -1},
		Batch:     Batch{Size: 10},
		Uploaded:  Uploaded{Uploads: -1, Fetches: -1, Matches: -1},
		Yesterday: Yesterday{Day: dayOf(now.AddDate(0, 0, -1)), Uploads: -1, Fetches: -1},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if got.Yesterday.Known() {
		t.Error("yesterday is known")
	}
}

func TestMissing(t *testing.T) {
	for _, test := range []struct {
		name, now string
		number    int
		change    func(f *Facts, o *Options)
		want      int
	}{
		{"none", noon, 767, nil, 0},
		{"one", noon, 766, nil, 1},
		{"more than there are minutes", noon, 800, nil, 0},
		{"before the first of the day", "2025-07-10 00:00:50", 0, nil, 0},
		{"the day of 23 hours", "2025-03-09 12:00:30", 660, nil, 0},
		{"the day of 25 hours", "2025-11-02 12:00:30", 780, nil, 0},
		{"only when they are expected", "2025-07-10 12:00:30", 120, func(_ *Facts, o *Options) { o.Expect = Window{11 * time.Hour, time.Hour} }, 0},
		{"the first day", noon, 1, func(f *Facts, _ *Options) { f.Spool.Append.Days = f.Spool.Append.Days[1:] }, -1},
		{"every ten minutes", noon, 75, func(_ *Facts, o *Options) { o.Every = 10 * time.Minute }, 1},
	} {
		f, o := healthy(clock(t, test.now)), Options{}
		f.Spool.Number = test.number
		if test.change != nil {
			test.change(&f, &o)
		}
		if got := Summarize(f, o).Fetched.Missing; got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

// TestBatchGoesUp when it is full, at midnight, when UploadEvery has passed.
func TestBatchGoesUp(t *testing.T) {
	for _, test := range []struct {
		name, now string
		change    func(f *Facts, o *Options)
		want      string
	}{
		{"when it is full", noon, nil, "2025-07-10 12:49:51"},
		{"at midnight", "2025-07-10 23:58:12", nil, "2025-07-11 00:00:00"},
		{"when UploadEvery has passed", noon, func(_ *Facts, o *Options) { o.UploadEvery = time.Hour }, "2025-07-10 13:39:51"},
		{"now, if it should have", noon, func(f *Facts, _ *Options) { silence(f, time.Hour) }, noon},
		{"with more fetches in it", noon, func(_ *Facts, o *Options) { o.BatchSize = 60 }, "2025-07-10 13:39:51"},
	} {
		f, o := healthy(clock(t, test.now)), Options{}
		if test.change != nil {
			test.change(&f, &o)
		}
		if got := Summarize(f, o).Batch.Due; !got.Equal(clock(t, test.want)) {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
		}
	}
	f := healthy(clock(t, noon))
	f.Spool.Unfinished.Fetches = 0
	if got := Summarize(f, Options{}).Batch.Due; !got.IsZero() {
		t.Errorf("an empty batch goes up at %v", got)
	}
}

// TestSummaryAfterMidnight: yesterday's fetches do not count as today's, and what of
// yesterday is not in its object is told.
func TestSummaryAfterMidnight(t *testing.T) {
	f := healthy(clock(t, "2025-07-10 00:00:30"))
	yesterday := dayOf(f.Now.AddDate(0, 0, -1))
	f.Spool.Day, f.Spool.Number = yesterday, 1437
	f.Spool.Publish.LastLook.Day = yesterday
	f.Spool.Pending = []rotatelog.BatchStatus{batch(f.Now.Add(-2*time.Minute), 0)}
	s := Summarize(f, Options{})
	if s.Fetched.Number != 0 || s.Uploaded.Uploads != -1 || s.Yesterday.Complete || s.Yesterday.Waiting != 17 || s.Yesterday.Fetches != 1440 {
		t.Errorf("%+v", s)
	}
	f.Spool.Pending, f.Spool.Unfinished = nil, rotatelog.UnfinishedBatch{}
	if s = Summarize(f, Options{}); !s.Yesterday.Complete {
		t.Errorf("%+v", s.Yesterday)
	}
	f.Spool.Unsettled = []rotatelog.UnsettledWrite{{Day: yesterday}}
	if s = Summarize(f, Options{}); s.Yesterday.Complete {
		t.Errorf("a write is in doubt: %+v", s.Yesterday)
	}
}

// TestSummaryBelievesTheStore: what was read from the store is newer than what the Writer
// saw, unless it is less.
func TestSummaryBelievesTheStore(t *testing.T) {
	f := healthy(clock(t, noon))
	read := func(uploads int) rotatelog.DayMetadata {
		return rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: dayOf(f.Now), Uploads: uploads, Fetches: 10 * uploads, Matches: 1}}
	}
	for uploads, want := range map[int]Uploaded{
		77: {Uploads: 77, Fetches: 770, Matches: 1},
		75: {Uploads: 76, Fetches: 760, Matches: 34200},
	} {
		f.Days = []rotatelog.DayMetadata{read(uploads)}
		got := Summarize(f, Options{}).Uploaded
		if got.Last = (time.Time{}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	yesterday := read(143)
	yesterday.Totals.Day = dayOf(f.Now.AddDate(0, 0, -1))
	f.Days = []rotatelog.DayMetadata{yesterday}
	if y := Summarize(f, Options{}).Yesterday; y.Uploads != 143 || y.Fetches != 1430 {
		t.Errorf("%+v", y)
	}
}

// TestMatchesOfTheLastFetch are said only if they are those of the last fetch.
func TestMatchesOfTheLastFetch(t *testing.T) {
	f := healthy(clock(t, noon))
	f.Spool.Unfinished.Changed = f.Now // which the state does not know yet
	if s := Summarize(f, Options{}); s.Fetched.Matches != -1 || !s.Fetched.Last.Equal(f.Now) {
		t.Errorf("%+v", s.Fetched)
	}
	f = healthy(clock(t, noon))
	f.Spool.Append.Recent[59].Uncounted = true
	if s := Summarize(f, Options{}); s.Fetched.Matches != -1 {
		t.Errorf("%+v", s.Fetched)
	}
}
