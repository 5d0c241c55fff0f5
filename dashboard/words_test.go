package dashboard

import (
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/status"
)

// noon is when the streams of these tests are looked at.
func noon() time.Time { return time.Date(2025, 7, 10, 12, 0, 0, 0, newYork()) }

// viewOf returns what is known of a stream that is well, as changed.
func viewOf(change func(*view)) *view {
	now := noon()
	v := &view{place: placeOf("us-ord-1.linodeobjects.com/logs", "")}
	v.Stream = status.Stream{Zone: newYork(), Counted: true, Summary: health.Summary{Stream: "all_api", Now: now,
		Fetched:   health.Fetched{Last: now.Add(-12 * time.Second), Number: 767, Matches: 45},
		Batch:     health.Batch{Fetches: 7, Size: 10, Due: now.Add(3 * time.Minute)},
		Uploaded:  health.Uploaded{Last: now.Add(-7 * time.Minute), Uploads: 76, Fetches: 760, Matches: 34_200},
		Disk:      &health.DiskEstimate{Lasts: health.LongLasting, FreeBytes: 61_000_000_000},
		Yesterday: health.Yesterday{Complete: true, Fetches: 1440, Uploads: 144},
	}}
	v.facts.Now = now
	v.today = today{fetches: 767, matches: 34_515, bytes: 1_360_000_000, weekday: "Thu", lastWeek: 33_902, each: 23.5}
	v.first = v.First()
	change(v)
	return v
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plain returns the text of markup.
func plain(markup string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(markup, " "))), " ")
}

// What each tile says in each state of what it is about.
func TestWordsOfTiles(t *testing.T) {
	nobody := func(*view) {}
	blind := func(v *view) { *v = *viewOf(nobody); v.Blind = []string{"The disk hangs."} }
	never := func(v *view) {
		v.Fetched, v.Batch, v.Uploaded = health.Fetched{Missing: -1, Matches: -1}, health.Batch{Size: 10}, health.Uploaded{Uploads: -1, Fetches: -1, Matches: -1}
		v.Yesterday = health.Yesterday{Fetches: -1, Uploads: -1}
		v.today = today{bytes: -1, weekday: "Thu", lastWeek: -1, each: -1}
	}
	refused := func(v *view) {
		v.Waiting = health.Waiting{Batches: 2, Fetches: 20, Bytes: 37_000_000, Oldest: v.Now.Add(-time.Hour)}
		v.Findings = []health.Finding{{Code: health.UploadRefused, Severity: health.Error, Stream: "all_api", Text: "The store refuses the key."}}
	}
	for _, test := range []struct {
		state  string
		change func(*view)
		part   string
		want   string
	}{
		{"well", nobody, "state", "ALL GOOD"},
		{"before the first fetch", never, "state", "WAITING for the first fetch"},
		{"before the first fetch, with a warning", func(v *view) {
			never(v)
			v.Findings = []health.Finding{{Code: health.KeyOld, Severity: health.Warning}}
		}, "state", "WARNING key_old"},
		{"nothing can be seen", blind, "state", "UNKNOWN"},
		{"something cannot be seen", func(v *view) { v.Problems = []string{"a file is torn"} }, "state", "UNKNOWN"},
		{"the key is refused", refused, "state", "ERROR upload_refused"},

		{"well", nobody, "fetched", "12 s ago #767 today, none missing 45 matches in it"},
		{"before the first fetch", never, "fetched", "never"},
		{"none today", func(v *view) { v.Fetched = health.Fetched{Last: v.Now.Add(-13 * time.Hour), Missing: 720} }, "fetched", "13 h ago none today, 720 missing 0 matches in it"},
		{"its first day", func(v *view) { v.Fetched.Missing = -1 }, "fetched", "12 s ago #767 today 45 matches in it"},
		{"some are missing", func(v *view) { v.Fetched.Missing = 3 }, "fetched", "12 s ago #767 today, 3 missing 45 matches in it"},
		{"nothing counts", func(v *view) { v.Counted, v.Fetched.Matches = false, 0 }, "fetched", "12 s ago #767 today, none missing"},
		{"the clock was set back", func(v *view) { v.Fetched.Last = v.Now.Add(time.Hour) }, "fetched", "0 s ago #767 today, none missing 45 matches in it"},
		{"nothing can be seen", blind, "fetched", "not known"},

		{"well", nobody, "batch", "7 of 10 7 of 10 goes up in about 3 min"},
		{"empty", func(v *view) { v.Batch = health.Batch{Size: 10} }, "batch", "0 of 10 0 of 10 nothing to send"},
		{"due", func(v *view) { v.Batch.Due = v.Now }, "batch", "7 of 10 7 of 10 goes up with the next fetch"},
		{"the key is refused", refused, "batch", "7 of 10 7 of 10 joins what waits in about 3 min"},
		{"the key is refused, and it is due", func(v *view) { refused(v); v.Batch.Due = v.Now }, "batch", "7 of 10 7 of 10 joins what waits with the next fetch"},
		{"nothing can be seen", blind, "batch", "not known"},

		{"well", nobody, "uploaded", "7 min ago 76 uploads today nothing waits"},
		{"before the first fetch", never, "uploaded", "never not looked at yet today nothing waits"},
		{"none today", func(v *view) { v.Uploaded = health.Uploaded{Last: v.Now.Add(-12 * time.Hour)} }, "uploaded", "12 h ago nothing today nothing waits"},
		{"one", func(v *view) { v.Uploaded.Uploads, v.Waiting.Batches = 1, 1 }, "uploaded", "7 min ago 1 upload today 1 batch waits"},
		{"the key is refused", refused, "uploaded", "7 min ago 76 uploads today 2 batches wait"},
		{"nothing can be seen", blind, "uploaded", "not known"},

		{"a bucket", nobody, "noun", "bucket"},
		{"a bucket", nobody, "place", "goes to the bucket us-ord-1.linodeobjects.com/logs"},
		{"a directory", func(v *view) { v.place = placeOf("/srv/store", "elsewhere/all_api") }, "noun", "directory"},
		{"a directory", func(v *view) { v.place = placeOf("/srv/store", "elsewhere/all_api") }, "place", "goes to the directory /srv/store"},
		{"a directory that the spool names", func(v *view) { v.place = placeOf("", "/srv/store/all_api_rotating_logs/all_api") }, "place", "goes to the directory /srv/store/all_api_rotating_logs"},
		{"a store of the program's own", func(v *view) { v.place = placeOf("", "all_api_rotating_logs/all_api") }, "noun", "store"},
		{"a store of the program's own", func(v *view) { v.place = placeOf("", "") }, "place", ""},

		{"well", nobody, "disk", "> 90 days 61 GB free"},
		{"full soon", func(v *view) { v.Disk.Lasts = 22 * 24 * time.Hour }, "disk", "22 days 61 GB free"},
		{"it does not say", func(v *view) { v.Disk = nil }, "disk", "not known"},
		{"nothing can be seen", blind, "disk", "not known"},

		{"well", nobody, "today", "34,515 match records 767 fetches 1.36 GB Thu last week: 33,902 match records"},
		{"before the first fetch", never, "today", "0 match records 0 fetches"},
		{"a new process", func(v *view) { v.today.matches, v.today.lastWeek = -1, -1 }, "today", "match records not known 767 fetches 1.36 GB"},
		{"nothing counts", func(v *view) { v.Counted, v.today.matches, v.today.lastWeek = false, 0, 0 }, "today", "767 fetches 1.36 GB"},
		{"fetches that count themselves", func(v *view) { v.Counted = false }, "today", "34,515 match records 767 fetches 1.36 GB Thu last week: 33,902 match records"},
		{"nothing can be seen", blind, "today", "not known"},

		{"well", nobody, "chart", "Matches per fetch through the day: nothing counted yet."},
		{"nothing counts", func(v *view) { v.Counted, v.day = false, []bucket{{fetches: 10}} }, "chart", "Matches per fetch through the day: nothing counts matches."},

		{"nothing can be seen", blind, "chart", "Matches per fetch through the day: not known."},

		{"well", nobody, "uploads", "This machine has no batch yet: 10 fetches make one, or midnight."},
		{"nothing can be seen", blind, "uploads", "not known"},
		{"well", nobody, "happened", "Nothing out of the ordinary is remembered."},
		{"nothing can be seen", blind, "happened", "not known"},

		{"well", nobody, "findings", "Nothing is wrong."},
		{"before the first fetch", never, "findings", "WAITING for the first fetch all_api No fetch has come yet. Nothing is wrong, and nothing is kept. " +
			"curl -fsS -m 50 https://api.example/live | rotatelog append --one --envelope (with the address of the API) " +
			"rotatelog doctor (tests all, and ends with lines that do that each minute)"},
		{"nothing can be seen", blind, "findings", "UNKNOWN all_api The disk hangs. rotatelog doctor (shows the settings, and where they are from)"},
		{"nothing was ever there", func(v *view) { blind(v); v.IsNew = true }, "findings", "UNKNOWN all_api The disk hangs. rotatelog doctor (shows the settings, and where they are from) " +
			"curl -fsS -m 50 https://api.example/live | rotatelog append --one --envelope (with the address of the API)"},
	} {
		v := viewOf(test.change)
		p := newPage(&seen{taken: noon(), streams: []*view{v}}, "all_api", "web1")
		if got := plain(p.parts[test.part]); got != test.want {
			t.Errorf("%s, %s:\n%s, want\n%s", test.part, test.state, got, test.want)
		}
	}
}

// The column about stores has their name, if all are of a kind.
func TestColumnOfStores(t *testing.T) {
	in := func(stores ...string) (all []*view) {
		for _, s := range stores {
			all = append(all, viewOf(func(v *view) { v.place = placeOf(s, "") }))
		}
		return all
	}
	for want, streams := range map[string][]*view{
		"Bucket": in("host/a", "host/b"), "Directory": in("/a", "/b"), "Store": in("host/a", "/b"),
	} {
		if got := column(streams); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Days are kept where the page says that they are.
func TestWordsOfTheCalendar(t *testing.T) {
	v := viewOf(func(v *view) {
		v.place = placeOf("/srv/store", "")
		today := rotatelog.DayOf(v.Now, v.Zone)
		v.facts.NoObject = []rotatelog.Day{daysBefore(today, 1)}
		v.facts.Spool.Pending = []rotatelog.BatchStatus{{Day: daysBefore(today, 2)}}
		v.facts.Days = lastDays(today, 4)[2:]
	})
	text := newPage(&seen{taken: noon(), streams: []*view{v}}, "all_api", "web1").parts["calendar"]
	for _, want := range []string{": in the directory<", ": not all in the directory<", ": no object<", ": not known<", ": today, so far<"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if strings.Contains(text, "bucket") {
		t.Error("it speaks of a bucket")
	}
}

// The page of a stream without a spool says what to type only where that would work.
func TestWaitsOnlyInADirectory(t *testing.T) {
	missing := &stream{Stream: Stream{Name: "all_api", Dir: "/none/rotatelog"}}
	there := &stream{Stream: Stream{Name: "all_api", Dir: t.TempDir()}}
	_, err := rotatelog.Inspect(there.Dir, "")
	if !isNew(there, err) || isNew(missing, err) || isNew(there, errors.New("EIO")) {
		t.Errorf("%v, %v", isNew(there, err), isNew(missing, err))
	}
}

// A day without an object is missing only after one that has one, as in a report. Days that
// are not known are neither.
func TestMissingDaysOfTheCalendar(t *testing.T) {
	today := rotatelog.DayOf(noon(), newYork())
	day := func(ago int) rotatelog.Day { return daysBefore(today, ago) }
	f := &health.Facts{Now: noon(), Days: []rotatelog.DayMetadata{{Totals: rotatelog.Totals{Day: day(8), Uploads: 1, Fetches: 10}}, {Totals: rotatelog.Totals{Day: day(5)}}},
		NoObject: []rotatelog.Day{day(9), day(7), day(3), day(2), day(1), today}}
	f.Spool.Append = &rotatelog.WriterState{Days: []rotatelog.DayCounts{{Day: day(6), Appended: 3}, {Day: day(3), Appended: 4}, {Day: today, Appended: 1}}}
	f.Spool.Pending = []rotatelog.BatchStatus{{Day: day(2)}}
	for ago, want := range map[int]string{
		0: "… today, so far", 1: "✗ no object", 2: "! not all in the bucket", 3: "✗ no object", 4: "– not known", 5: "✓ in the bucket", 6: "✓ in the bucket",
		7: "✗ no object", 8: "✓ in the bucket", 9: "· before the first object", 10: "– not known",
	} {
		if s := dayOf(f, placeOf("host/logs", ""), day(ago), today).state; s.sign+" "+s.text != want {
			t.Errorf("%d days ago: %s %s, want %s", ago, s.sign, s.text, want)
		}
	}
	f.Days, f.Spool.Append.Days = nil, f.Spool.Append.Days[2:]
	if s := dayOf(f, placeOf("host/logs", ""), day(1), today).state; s.class != "early" {
		t.Errorf("on the first day, yesterday is %+v", s)
	}
}

// An upload of another day says which, whenever it was sealed.
func TestUploadsSayTheirDay(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2025, 7, day, hour, minute, 0, 0, newYork()) }
	of := func(date, sequence int, sealed time.Time) rotatelog.BatchStatus {
		return rotatelog.BatchStatus{Day: rotatelog.Day{Year: 2025, Month: 7, Date: date}, Sequence: sequence, First: 1, Last: 10, Bytes: 1000, Sealed: sealed}
	}
	v := viewOf(func(v *view) {
		v.facts.Spool.Confirmed = []rotatelog.BatchStatus{of(9, 143, at(9, 23, 55)), of(9, 144, at(10, 0, 0)), of(10, 1, at(10, 0, 10)), of(8, 7, at(10, 9, 0))}
		v.facts.Spool.Pending = []rotatelog.BatchStatus{of(9, 0, at(10, 9, 1)), of(10, 0, at(10, 9, 2))}
	})
	got := plain(newPage(&seen{taken: noon(), streams: []*view{v}}, "all_api", "web1").parts["uploads"])
	if want := "Upload Sealed Fetches On disk waits 09:02 AM #1–10 1.00 kB waits, 07/09 09:01 AM #1–10 1.00 kB 7, 07/08 09:00 AM #1–10 1.00 kB " +
		"1 12:10 AM #1–10 1.00 kB 144, 07/09 12:00 AM #1–10 1.00 kB 143, 07/09 07/09 11:55 PM #1–10 1.00 kB"; got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

// What is worst comes first, as in the title: what cannot be seen comes after an error, and
// before a warning.
func TestWorstComesFirst(t *testing.T) {
	with := func(name string, severity health.Severity, code health.Code) func(*view) {
		return func(v *view) {
			v.Summary.Stream, v.Findings = name, []health.Finding{{Stream: name, Code: code, Severity: severity, Text: "It is."}}
		}
	}
	all := []*view{
		viewOf(func(v *view) { v.Summary.Stream, v.Fetched.Last = "new", time.Time{} }),
		viewOf(with("old", health.Warning, health.KeyOld)),
		viewOf(func(v *view) { v.Summary.Stream, v.Blind = "blind", []string{"The disk hangs."} }),
		viewOf(func(v *view) {
			with("refused", health.Error, health.UploadRefused)(v)
			v.Findings = append(v.Findings, health.Finding{Stream: "refused", Code: health.KeyOld, Severity: health.Warning, Text: "It is."})
			v.Problems = []string{"a file is torn"}
		}),
		viewOf(with("stale", health.Critical, health.AppendStale)),
	}
	p := newPage(&seen{taken: noon(), streams: all}, "new", "web1")
	var got []string
	for _, match := range regexp.MustCompile(`(?s)<h2>(.*?)</h2>`).FindAllStringSubmatch(p.parts["findings"], -1) {
		got = append(got, plain(match[1]))
	}
	want := "CRITICAL append_stale stale, ERROR upload_refused refused, UNKNOWN refused, UNKNOWN blind, WARNING key_old refused, WARNING key_old old, WAITING for the first fetch new"
	if strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
