package health

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// late makes a batch wait for d, and one that was sealed later.
func late(d time.Duration) func(*Facts, *Options) {
	return func(f *Facts, _ *Options) {
		f.Spool.Pending = []rotatelog.BatchStatus{batch(f.Now.Add(-d/2), 0), batch(f.Now.Add(-d), 0)}
	}
}

func TestUploadLate(t *testing.T) {
	const day, evening, night, morning = "2025-07-10 08:00:00", "2025-07-10 21:59:59", "2025-07-10 22:00:00", "2025-07-10 07:59:59"
	wantSeverities(t, UploadLate, []scene{
		{"29:59", "", late(30*time.Minute - time.Second), OK},
		{"30:00", "", late(30 * time.Minute), Error},
		{"5:59:59 by day", "", late(6*time.Hour - time.Second), Error},
		{"6 h by day", "", late(6 * time.Hour), Critical},
		{"6 h as the day begins", day, late(6 * time.Hour), Critical},
		{"6 h as the day ends", evening, late(6 * time.Hour), Critical},
		{"11:59:59 as the night begins", night, late(12*time.Hour - time.Second), Error},
		{"11:59:59 as the night ends", morning, late(12*time.Hour - time.Second), Error},
		{"12 h at night", night, late(12 * time.Hour), Critical},
		{"6 h, in the night of 23 hours", "2025-03-09 04:30:00", late(6 * time.Hour), Error},
		{"12 h, in the night of 23 hours", "2025-03-09 04:30:00", late(12 * time.Hour), Critical},
		{"12 h, in the night of 25 hours", "2025-11-02 01:30:00", late(12 * time.Hour), Critical},
		{"UploadEvery", "", func(f *Facts, o *Options) { o.UploadEvery = time.Hour; late(90*time.Minute-time.Second)(f, o) }, OK},
		{"beyond UploadEvery", "", func(f *Facts, o *Options) { o.UploadEvery = time.Hour; late(90*time.Minute)(f, o) }, Error},
		{"far beyond UploadEvery", "", func(f *Facts, o *Options) { o.UploadEvery = time.Hour; late(7*time.Hour)(f, o) }, Critical},
		{"the longer of both counts", "", func(f *Facts, o *Options) {
			o.UploadEvery, o.ExpectUpload = time.Hour, 2*time.Hour
			late(149*time.Minute)(f, o)
		}, OK},
		{"started a moment ago", "", func(f *Facts, o *Options) { f.Started = f.Now; late(24*time.Hour)(f, o) }, OK},
		{"the states are lost", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); f.Spool.Append, f.Spool.Publish = nil, nil }, Error},
		{"the disk was not asked", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); f.Disk = nil }, Error},
		{"the store is away", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); failing(f, time.Hour, "timeout", false) }, Error},
		{"the store refuses, which says it better", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); failing(f, time.Hour, "AccessDenied", true) }, OK},
		{"the clock is refused, which says it better", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); failing(f, time.Hour, codeSkewed, true) }, OK},
		{"only of a corrupt day", "", func(f *Facts, o *Options) { late(time.Hour)(f, o); failing(f, time.Hour, codeNotDaily, true) }, OK},
		{"of another day than the corrupt one", "", func(f *Facts, o *Options) {
			late(time.Hour)(f, o)
			failing(f, time.Hour, codeNotDaily, true)
			f.Spool.Pending[1].Day = dayOf(f.Now.AddDate(0, 0, -1))
		}, Error},
	})
}

// failing makes uploads of today fail for a time, last a second ago.
func failing(f *Facts, d time.Duration, code string, permanent bool) *rotatelog.WriterFailure {
	last := f.Now.Add(-time.Second)
	f.Spool.Publish.LastFailure = &rotatelog.WriterFailure{Time: last, Since: last.Add(-d), Day: dayOf(f.Now), Code: code,
		Key: "all_api_rotating_logs/all_api_json_log_2025-07-10.json", Sentence: "upload all_api_json_log_2025-07-10.json: " + code, Permanent: permanent}
	return f.Spool.Publish.LastFailure
}

func TestUploadRefused(t *testing.T) {
	refused := func(d time.Duration, code string) func(*Facts, *Options) {
		return func(f *Facts, o *Options) { failing(f, d, code, true) }
	}
	waiting := func(d time.Duration) func(*Facts, *Options) {
		return func(f *Facts, o *Options) { late(d)(f, o); failing(f, d, "InvalidAccessKeyId", true) }
	}
	wantSeverities(t, UploadRefused, []scene{
		{"once", "", refused(0, "InvalidAccessKeyId"), OK},
		{"4:59", "", refused(5*time.Minute-time.Second, "InvalidAccessKeyId"), OK},
		{"5:00", "", refused(5*time.Minute, "InvalidAccessKeyId"), Error},
		{"for a reason that has a remedy", "", func(f *Facts, o *Options) {
			failing(f, time.Hour, "AccessDenied", true).Remedy = "grant it s3:PutObject"
		}, Error},
		{"not for good", "", func(f *Facts, o *Options) { failing(f, time.Hour, "SlowDown", false) }, OK},
		{"over", "", func(f *Facts, o *Options) { failing(f, time.Hour, "AccessDenied", true).Over = f.Now }, OK},
		{"over, as a look says, and nothing waits", "", func(f *Facts, o *Options) {
			failing(f, time.Hour, "AccessDenied", true)
			f.Spool.Publish.LastLook.Looked = f.Now
		}, OK},
		{"a look may do what a write may not", "", func(f *Facts, o *Options) {
			waiting(10*time.Minute)(f, o)
			f.Spool.Publish.LastLook.Looked, f.Spool.Publish.LastSuccess = f.Now, f.Now
		}, Error},
		{"a day that is corrupt", "", refused(time.Hour, codeNotDaily), OK},
		{"the clock", "", refused(time.Hour, codeSkewed), OK},
		{"5:59:59 by day", "", waiting(6*time.Hour - time.Second), Error},
		{"6 h by day", "", waiting(6 * time.Hour), Critical},
		{"6 h at night", "2025-07-10 03:14:10", waiting(6 * time.Hour), Error},
		{"12 h at night", "2025-07-10 03:14:10", waiting(12 * time.Hour), Critical},
	})
}

// TestRefusedKeyIsToldWithWhatWaits: at 3 am it matters that nothing is lost.
func TestRefusedKeyIsToldWithWhatWaits(t *testing.T) {
	f := healthy(clock(t, "2025-07-10 03:14:10"))
	late(15*time.Minute)(&f, nil)
	failing(&f, 15*time.Minute, "InvalidAccessKeyId", true)
	x := find(Evaluate(f, Options{}), UploadRefused)
	want := `all_api  ERROR upload_refused
  The store refuses the key: 403 InvalidAccessKeyId, since 02:59:09 AM. Nothing is lost: 2 batches (20 fetches, 37 MB) wait; the disk lasts 18 days.
  1. put a new key into /etc/rotatelog/env   (read again without a restart)
  2. rotatelog doctor`
	if got := x.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestClock(t *testing.T) {
	off := func(d time.Duration) func(*Facts, *Options) { return func(f *Facts, _ *Options) { f.ClockOff = &d } }
	wantSeverities(t, Clock, []scene{
		{"not compared", "", func(*Facts, *Options) {}, OK},
		{"29 s", "", off(30*time.Second - 1), OK},
		{"30 s ahead", "", off(30 * time.Second), Error},
		{"30 s behind", "", off(-30 * time.Second), Error},
		{"4:59", "", off(5*time.Minute - 1), Error},
		{"5 min ahead", "", off(5 * time.Minute), Critical},
		{"5 min behind", "", off(-5 * time.Minute), Critical},
		{"the store refuses it", "", func(f *Facts, _ *Options) { failing(f, 0, codeSkewed, true) }, Critical},
		{"the store refused it", "", func(f *Facts, _ *Options) { failing(f, 0, codeSkewed, true).Over = f.Now }, OK},
		{"a fetch dated 29 s after now", "", silent(-29 * time.Second), OK},
		{"a fetch dated 30 s after now", "", silent(-30 * time.Second), Error},
		{"a fetch dated 5 min after now", "", silent(-5 * time.Minute), Critical},
	})
	f := healthy(clock(t, noon))
	for d, want := range map[time.Duration]string{-42 * time.Second: "42 s behind the store's", 42 * time.Second: "42 s ahead of the store's"} {
		f.ClockOff = &d
		if x := find(Evaluate(f, Options{}), Clock); !strings.Contains(x.Text, want) {
			t.Errorf("%q does not say %q", x.Text, want)
		}
	}
}
