package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// incident makes something have happened some time ago.
func incident(code Code, ago time.Duration, missing int) func(*Facts, *Options) {
	return func(f *Facts, _ *Options) {
		i := rotatelog.Incident{Time: f.Now.Add(-ago), Code: string(code), Day: dayOf(f.Now), Key: "key", Sentence: "uploads 1 to 4 are gone", Missing: missing}
		f.Spool.Publish.Incidents = append(f.Spool.Publish.Incidents, i)
	}
}

func TestWhatHappenedToTheObject(t *testing.T) {
	for _, code := range []Code{UploadsGone, ForeignChange} {
		wantSeverities(t, code, []scene{
			{"at once", "", incident(code, 0, 0), Error},
			{"not all is in the spool", "", incident(code, 0, 12), Critical},
			{"it is not known how much is not in the spool", "", incident(code, 0, -1), Critical},
			{"almost a day ago", "", incident(code, 24*time.Hour-time.Second, 0), Error},
			{"a day ago", "", incident(code, 24*time.Hour, 12), OK},
			{"something else", "", incident(Repaired, 0, 12), OK},
			{"the worse one first", "", func(f *Facts, o *Options) { incident(code, time.Hour, 1)(f, o); incident(code, 0, 0)(f, o) }, Critical},
			{"no state", "", func(f *Facts, o *Options) { f.Spool.Publish = nil }, OK},
		})
	}
	f := healthy(clock(t, noon))
	incident(UploadsGone, time.Hour, 12)(&f, nil)
	if x := find(Evaluate(f, Options{}), UploadsGone); x.Steps[0] != "rotatelog restore 2025-07-10" || x.Steps[1] != "rotatelog restore 2025-07-10 --apply" {
		t.Errorf("%s", x)
	}
}

func TestCorrupt(t *testing.T) {
	corrupt := func(then func(s *rotatelog.SpoolStatus)) func(*Facts, *Options) {
		return func(f *Facts, o *Options) {
			late(time.Minute)(f, o)
			failing(f, 0, codeNotDaily, true)
			then(&f.Spool)
		}
	}
	wantSeverities(t, Corrupt, []scene{
		{"most is not in the spool", "", corrupt(func(*rotatelog.SpoolStatus) {}), Critical},
		{"the last body is", "", corrupt(func(s *rotatelog.SpoolStatus) { s.Bodies = []rotatelog.DayBody{{Day: s.Day}} }), Error},
		{"a body of another day is", "", corrupt(func(s *rotatelog.SpoolStatus) { s.Bodies = []rotatelog.DayBody{{Day: s.Day.Next()}} }), Critical},
		{"all batches are", "", corrupt(func(s *rotatelog.SpoolStatus) {
			s.Publish.LastLook.Uploads = 10
			for i := range s.Confirmed {
				s.Confirmed[i].Sequence = i + 1
			}
		}), Error},
		{"all but the first", "", corrupt(func(s *rotatelog.SpoolStatus) {
			s.Publish.LastLook.Uploads = 10
			for i := range s.Confirmed {
				s.Confirmed[i].Sequence = i + 1
			}
			s.Confirmed = s.Confirmed[1:]
		}), Critical},
		{"it was so before the first upload", "", corrupt(func(s *rotatelog.SpoolStatus) { s.Confirmed, s.Publish.LastLook = nil, nil }), Error},
		{"over", "", corrupt(func(s *rotatelog.SpoolStatus) { s.Publish.LastFailure.Over = s.Inspected }), OK},
	})
}

// Restore cannot help a day of which only the old script has left something.
func TestCorruptByTheOldScript(t *testing.T) {
	for _, test := range []struct {
		uploads int
		want    string
	}{
		{0, "stop the old script, which writes to the same key\nmove days/2025-07-10.json to another name in the store   (its batches follow by themselves)"},
		{1, "stop the old script, which writes to the same key\nrotatelog restore 2025-07-10\nrotatelog restore 2025-07-10 --apply"},
	} {
		f := healthy(clock(t, noon))
		late(time.Minute)(&f, nil)
		failing(&f, 0, codeOldScript, true)
		f.Spool.Publish.LastFailure.Key = "days/2025-07-10.json"
		f.Spool.Confirmed, f.Spool.Publish.LastLook.Uploads = nil, test.uploads
		x := find(Evaluate(f, Options{}), Corrupt)
		if got := strings.Join(x.Steps, "\n"); got != test.want {
			t.Errorf("%d uploads: the steps are\n%s\nwant\n%s", test.uploads, got, test.want)
		}
		if found := Evaluate(f, Options{}); len(found) != 1 {
			t.Errorf("one cause has %d findings: %v", len(found), found)
		}
	}
}

func TestRepaired(t *testing.T) {
	repaired := func(ago time.Duration) func(*Facts, *Options) {
		return func(f *Facts, _ *Options) {
			f.Spool.Append.Incidents = []rotatelog.Incident{{Time: f.Now.Add(-ago), Code: "repaired", Key: "/var/lib/rotatelog/all_api.json", Sentence: "it was missing"}}
		}
	}
	wantSeverities(t, Repaired, []scene{
		{"now", "", repaired(0), Warning},
		{"almost a day ago", "", repaired(24*time.Hour - time.Second), Warning},
		{"a day ago", "", repaired(24 * time.Hour), OK},
	})
	f := healthy(clock(t, noon))
	repaired(time.Minute)(&f, nil)
	if x := find(Evaluate(f, Options{}), Repaired); !strings.Contains(strings.Join(x.Steps, "\n"), "/var/lib/rotatelog/all_api.spool/damaged") {
		t.Errorf("%s", x)
	}
}
