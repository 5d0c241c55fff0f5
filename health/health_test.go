package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// clock returns a time in New York.
func clock(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", s, newYork())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// dayOf returns the day of a time of clock.
func dayOf(t time.Time) rotatelog.Day { return rotatelog.DayOf(t, t.Location()) }

// noon is when the tables look, unless they say when.
const noon = "2025-07-10 12:47:03"

// healthy returns the facts of a stream in order, whose last fetch came 12 s before now
// and completed no batch: every minute a fetch, every ten minutes an upload.
func healthy(now time.Time) Facts {
	last := now.Add(-12 * time.Second)
	a := &rotatelog.WriterState{Host: "web1", PID: 7, Started: now.AddDate(0, 0, -3), Written: last, LastSuccess: last,
		Days: []rotatelog.DayCounts{{Day: dayOf(now.AddDate(0, 0, -1)), Appended: 1440}, {Day: dayOf(now), Appended: 767}}}
	for n := range 60 {
		a.Recent = append(a.Recent, rotatelog.RecentAppend{Time: last.Add(time.Duration(n-59) * time.Minute), Matches: 45})
	}
	s := rotatelog.SpoolStatus{Name: "all_api", Dir: "/var/lib/rotatelog", Inspected: now, Day: dayOf(now), Number: 767, Append: a,
		Unfinished: rotatelog.UnfinishedBatch{Fetches: 7, Bytes: 13e6, Changed: last}}
	sealed := last.Add(-7 * time.Minute)
	for n := range 10 {
		s.Confirmed = append(s.Confirmed, batch(sealed.Add(time.Duration(n-9)*10*time.Minute), 67+n))
	}
	s.Publish = &rotatelog.WriterState{Host: "web1", PID: 7, Written: last, LastSuccess: sealed,
		LastLook: &rotatelog.DayLook{Day: dayOf(now), Uploads: 76, Fetches: 760, Matches: 34200, Looked: sealed}}
	return Facts{Now: now, Spool: s, Disk: &Disk{FreeBytes: 61e9, FreeInodes: 4e6}}
}

// batch returns a batch of ten fetches, 18.5 MB; one that waits if the sequence is 0.
func batch(sealed time.Time, sequence int) rotatelog.BatchStatus {
	return rotatelog.BatchStatus{Day: dayOf(sealed), Fetches: 10, Bytes: 18.5e6, Sealed: sealed, Sequence: sequence}
}

// scene is something that a rule looks at.
type scene struct {
	name   string
	now    string // noon unless set
	change func(f *Facts, o *Options)
	want   Severity
}

// wantSeverities wants the rule of a code to find in each scene what it says.
func wantSeverities(t *testing.T, code Code, scenes []scene) {
	t.Helper()
	for _, s := range scenes {
		if s.now == "" {
			s.now = noon
		}
		f, o := healthy(clock(t, s.now)), Options{}
		s.change(&f, &o)
		x := find(Evaluate(f, o), code)
		if x.Severity != s.want {
			t.Errorf("%s, %s: %v, want %v: %s", code, s.name, x.Severity, s.want, x.Text)
		}
		if x.Severity > OK {
			wantWellFormed(t, x)
		}
	}
}

func find(found []Finding, code Code) Finding {
	for _, x := range found {
		if x.Code == code {
			return x
		}
	}
	return Finding{}
}

// wantWellFormed wants sentences without holes, and something to do.
func wantWellFormed(t *testing.T, x Finding) {
	t.Helper()
	if x.Stream != "all_api" || !strings.HasSuffix(x.Text, ".") || strings.Contains(x.Text, "..") || strings.Contains(x.Text, "%!") ||
		strings.Contains(x.Text, "  ") || strings.Contains(x.Text, "0001") {
		t.Errorf("%s", x)
	}
	if len(x.Steps) == 0 {
		t.Errorf("%s has no steps", x.Code)
	}
}

// TestHealthyStreamHasNoFindings at any hour, in the nights of 23 and 25 hours, and when
// it has just been set up.
func TestHealthyStreamHasNoFindings(t *testing.T) {
	for _, now := range []string{noon, "2025-07-10 03:14:10", "2025-07-10 00:00:05", "2025-03-09 03:00:01", "2025-11-02 01:30:00", "2025-11-02 23:59:59"} {
		if found := Evaluate(healthy(clock(t, now)), Options{}); len(found) > 0 {
			t.Errorf("%s: %v", now, found)
		}
	}
	fresh := Facts{Now: clock(t, noon), Spool: rotatelog.SpoolStatus{Name: "all_api"}, Disk: &Disk{FreeBytes: 61e9, FreeInodes: -1}}
	if found := Evaluate(fresh, Options{}); len(found) > 0 {
		t.Errorf("a fresh spool: %v", found)
	}
	fresh.Spool.Append, fresh.Spool.Publish = &rotatelog.WriterState{}, &rotatelog.WriterState{}
	if found := Evaluate(fresh, Options{}); len(found) > 0 {
		t.Errorf("a fresh spool with states: %v", found)
	}
}

// TestWorstComesFirst: whoever reads one finding reads the one that matters.
func TestWorstComesFirst(t *testing.T) {
	f := healthy(clock(t, noon))
	off := 31 * time.Second
	f.ClockOff = &off
	f.Spool.Append.Incidents = []rotatelog.Incident{{Time: f.Now, Code: "repaired", Key: "all_api.json", Sentence: "it was missing"}}
	f.Disk.FreeBytes = 0
	found := Evaluate(f, Options{})
	if len(found) != 3 || found[0].Severity != Critical || found[1].Severity != Error || found[2].Severity != Warning || Worst(found) != Critical {
		t.Errorf("%v", found)
	}
	if Worst(nil) != OK {
		t.Error("nothing is not OK")
	}
}

// TestStreamIsNamedWhereThereAreOthers: what writes needs to be told which.
func TestStreamIsNamedWhereThereAreOthers(t *testing.T) {
	f := healthy(clock(t, noon))
	f.Spool.Pending = []rotatelog.BatchStatus{batch(f.Now.Add(-time.Hour), 0)}
	f.Neighbors = []rotatelog.SpoolStatus{{Name: "merge"}}
	x := find(Evaluate(f, Options{}), UploadLate)
	if got := x.Steps[len(x.Steps)-1]; got != "rotatelog upload --name all_api" {
		t.Errorf("%q", got)
	}
}

// TestSeverityAsText: what is written is read again.
func TestSeverityAsText(t *testing.T) {
	for s := OK; s <= Critical; s++ {
		text, _ := s.MarshalText()
		var again Severity
		if err := again.UnmarshalText(text); err != nil || again != s {
			t.Errorf("%s: %v, %v", text, again, err)
		}
	}
	var s Severity
	if err := s.UnmarshalText([]byte("bad")); err == nil {
		t.Errorf("bad is %v", s)
	}
}
