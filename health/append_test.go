package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// silent moves all that shows a fetch into the past.
func silent(d time.Duration) func(*Facts, *Options) {
	return func(f *Facts, _ *Options) { silence(f, d) }
}

func silence(f *Facts, d time.Duration) {
	last := f.Now.Add(-d)
	move := last.Sub(f.Spool.Append.LastSuccess)
	f.Spool.Append.LastSuccess, f.Spool.Unfinished.Changed = last, last
	for i := range f.Spool.Append.Recent {
		f.Spool.Append.Recent[i].Time = f.Spool.Append.Recent[i].Time.Add(move)
	}
	for i := range f.Spool.Confirmed {
		f.Spool.Confirmed[i].Sealed = f.Spool.Confirmed[i].Sealed.Add(move)
	}
}

// every makes fetches come at an interval, of which n are known.
func every(f *Facts, interval time.Duration, n int) {
	recent := f.Spool.Append.Recent[:n]
	last := f.Spool.Append.LastSuccess
	for i := range recent {
		recent[i].Time = last.Add(time.Duration(i-n+1) * interval)
	}
	f.Spool.Append.Recent = recent
}

func TestAppendStale(t *testing.T) {
	pauses := func(d time.Duration) func(*Facts, *Options) {
		return func(f *Facts, o *Options) {
			silence(f, d)
			o.Expect = Window{11 * time.Hour, 1 * time.Hour}
		}
	}
	wantSeverities(t, AppendStale, []scene{
		{"4:59", "", silent(5*time.Minute - time.Second), OK},
		{"5:00", "", silent(5 * time.Minute), Error},
		{"14:59", "", silent(15*time.Minute - time.Second), Error},
		{"15:00", "", silent(15 * time.Minute), Critical},
		{"a clock that was set back", "", silent(-time.Hour), OK},
		{"every 10 s, 49 s", "", func(f *Facts, _ *Options) { every(f, 10*time.Second, 60); silence(f, 49*time.Second) }, OK},
		{"every 10 s, 50 s", "", func(f *Facts, _ *Options) { every(f, 10*time.Second, 60); silence(f, 50*time.Second) }, Error},
		{"every 10 s, of which few are known", "", func(f *Facts, _ *Options) { every(f, 10*time.Second, 10); silence(f, 4*time.Minute) }, OK},
		{"a loop over files, a run each", "", func(f *Facts, _ *Options) { every(f, 4*time.Second, 60); silence(f, 4*time.Minute) }, OK},
		{"a file of fetches at once", "", func(f *Facts, _ *Options) { every(f, time.Millisecond, 60); silence(f, 4*time.Minute) }, OK},
		{"hourly, of which few are known", "", func(f *Facts, _ *Options) { every(f, time.Hour, 3); silence(f, 4*time.Hour) }, OK},
		{"the interval is given", "", func(f *Facts, o *Options) { o.Every = time.Hour; silence(f, 4*time.Hour) }, OK},
		{"the interval is given, and over", "", func(f *Facts, o *Options) { o.Every = time.Hour; silence(f, 5*time.Hour) }, Error},
		{"the interval is not known", "", func(f *Facts, _ *Options) { silence(f, 5*time.Minute); f.Spool.Append.Recent = nil }, Error},
		{"the state is lost", "", func(f *Facts, _ *Options) { silence(f, 5*time.Minute); f.Spool.Append = nil }, Error},
		{"the state is behind the array", "", func(f *Facts, _ *Options) {
			silence(f, 6*time.Minute)
			f.Spool.Append.Written = f.Now.Add(-6 * time.Minute)
			f.Spool.Unfinished.Changed = f.Now.Add(-time.Minute)
		}, OK},
		{"sealed at midnight, not by a fetch", "2025-07-10 00:04:00", func(f *Facts, _ *Options) {
			silence(f, 15*time.Minute)
			f.Spool.Unfinished = rotatelog.UnfinishedBatch{}
			f.Spool.Pending = []rotatelog.BatchStatus{batch(f.Now.Add(-4*time.Minute), 0)}
			f.Spool.Append.Written = f.Now.Add(-time.Second)
		}, Critical},
		{"started 4:59 ago", "", func(f *Facts, _ *Options) { silence(f, time.Hour); f.Started = f.Now.Add(time.Second - grace) }, OK},
		{"started 5:00 ago", "", func(f *Facts, _ *Options) { silence(f, time.Hour); f.Started = f.Now.Add(-grace) }, Critical},
		{"a Writer that was opened a moment ago is no start", "", func(f *Facts, _ *Options) { silence(f, time.Hour); f.Spool.Append.Started = f.Now }, Critical},
		{"the night of 23 hours, 4 min", "2025-03-09 03:02:00", silent(4 * time.Minute), OK},
		{"the night of 23 hours, 5 min", "2025-03-09 03:02:00", silent(5 * time.Minute), Error},
		{"the night of 25 hours, 4 min", "2025-11-02 01:02:00", silent(4 * time.Minute), OK},
		{"a pause", "2025-07-10 10:59:59", pauses(10 * time.Hour), OK},
		{"the pause begins", "2025-07-10 01:00:00", pauses(10 * time.Hour), OK},
		{"before the pause", "2025-07-10 00:59:59", pauses(5 * time.Minute), Error},
		{"after the pause, 4:59", "2025-07-10 11:04:59", pauses(10 * time.Hour), OK},
		{"after the pause, 5:00", "2025-07-10 11:05:00", pauses(10 * time.Hour), Error},
		{"after the pause, 15:00", "2025-07-10 11:15:00", pauses(10 * time.Hour), Critical},
		{"after midnight, before the pause", "2025-11-02 00:30:00", pauses(15 * time.Minute), Critical},
	})
}

// refusals adds Appends that were refused after the last fetch.
func refusals(reasons ...string) func(*Facts, *Options) {
	return func(f *Facts, _ *Options) {
		for i, reason := range reasons {
			f.Spool.Append.Recent = append(f.Spool.Append.Recent, rotatelog.RecentAppend{
				Time: f.Now.Add(time.Duration(i-len(reasons)) * time.Second), Refused: reason})
		}
	}
}

func TestAppendRefused(t *testing.T) {
	wantSeverities(t, AppendRefused, []scene{
		{"twice", "", refusals("io", "io"), OK},
		{"three times", "", refusals("io", "io", "io"), Critical},
		{"for several reasons", "", refusals("no_space", "spool_full", "permission"), Critical},
		{"not in a row", "", func(f *Facts, o *Options) {
			refusals("io", "io")(f, o)
			f.Spool.Append.Recent = append(f.Spool.Append.Recent, rotatelog.RecentAppend{Time: f.Now})
			refusals("io", "io")(f, o)
		}, OK},
		{"an invalid one between", "", refusals("io", "invalid", "io", "canceled", "io"), Critical},
		{"none of the disk's", "", refusals("invalid", "invalid", "canceled", "invalid"), OK},
		{"over, as the files show", "", func(f *Facts, o *Options) {
			refusals("io", "io", "io")(f, o)
			f.Spool.Unfinished.Changed = f.Now
		}, OK},
		{"with an error", "", func(f *Facts, o *Options) {
			refusals("no_space", "no_space", "no_space")(f, o)
			f.Spool.Append.LastFailure = &rotatelog.WriterFailure{Time: f.Now, Since: f.Now.Add(-time.Hour), Code: "no_space", Sentence: "append x: no space left on device"}
		}, Critical},
	})
	f, o := healthy(clock(t, noon)), Options{}
	refusals("spool_full", "spool_full", "spool_full")(&f, &o)
	if x := find(Evaluate(f, o), AppendRefused); !strings.Contains(strings.Join(x.Steps, "\n"), "rotatelog upload") {
		t.Errorf("%s", x)
	}
}

func TestAppendInvalid(t *testing.T) {
	wantSeverities(t, AppendInvalid, []scene{
		{"two", "", refusals("invalid", "invalid"), OK},
		{"three", "", refusals("invalid", "invalid", "invalid"), Error},
		{"ten", "", refusals(strings.Fields(strings.Repeat("invalid ", 10))...), Error},
		{"refused by the disk", "", refusals("io", "io", "invalid", "invalid"), OK},
		{"three, one of them eleven Appends ago", "", func(f *Facts, _ *Options) {
			for _, i := range []int{49, 51, 53} {
				f.Spool.Append.Recent[i].Refused = "invalid"
			}
		}, OK},
		{"three of ten", "", func(f *Facts, _ *Options) {
			for _, i := range []int{50, 51, 53} {
				f.Spool.Append.Recent[i].Refused = "invalid"
			}
		}, Error},
	})
}

func TestUncounted(t *testing.T) {
	uncounted := func(n int) func(*Facts, *Options) {
		return func(f *Facts, _ *Options) {
			for i := range n {
				f.Spool.Append.Recent[59-i*7].Uncounted = true
			}
		}
	}
	wantSeverities(t, Uncounted, []scene{
		{"six of 60", "", uncounted(6), OK},
		{"seven of 60", "", uncounted(7), Error},
		{"all of the first six", "", func(f *Facts, o *Options) {
			f.Spool.Append.Recent = f.Spool.Append.Recent[:6]
			for i := range 6 {
				f.Spool.Append.Recent[i].Uncounted = true
			}
		}, OK},
		{"nobody plays", "", func(f *Facts, o *Options) {
			for i := range f.Spool.Append.Recent {
				f.Spool.Append.Recent[i].Matches = 0
			}
		}, OK},
		{"refused ones are none", "", func(f *Facts, o *Options) {
			uncounted(6)(f, o)
			refusals("invalid")(f, o)
		}, OK},
	})
}
