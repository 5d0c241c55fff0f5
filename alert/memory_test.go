package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/health"
)

func newYork(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// at returns a time of July 2025 in New York, as "10 12:05".
func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", "2025-07-"+text+":00", newYork(t))
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// lookOf returns what was found, as in "10 12:05 upload_late=error merge/clock=critical
// ?clock started=10:12:03": of all_api unless a stream is named. ?CODE could not be looked
// for, and gone=merge says that a stream is not looked at.
func lookOf(t *testing.T, text string) Look {
	t.Helper()
	words := strings.Fields(text)
	l := Look{Now: at(t, words[0]+" "+words[1])}
	streams := map[string]*Stream{"all_api": {Name: "all_api", Morning: "all_api is well."}, "merge": {Name: "merge", Morning: "merge is well."}}
	names := []string{"all_api", "merge"}
	for _, word := range words[2:] {
		name, rest, ok := strings.Cut(word, "/")
		if !ok {
			name, rest = "all_api", word
		}
		key, value, _ := strings.Cut(rest, "=")
		switch {
		case key == "started":
			l.Started = at(t, strings.Replace(value, ":", " ", 1))
		case key == "gone":
			delete(streams, value)
		case key == "unseen":
			streams[name].NotSeen = "Nothing can be found out: " + value + "."
		case key[0] == '?':
			streams[name].Unknown = append(streams[name].Unknown, health.Code(key[1:]))
		default:
			f := health.Finding{Code: health.Code(key), Text: key + " of " + name + ".", Steps: []string{"rotatelog doctor"}}
			if err := f.Severity.UnmarshalText([]byte(value)); err != nil {
				t.Fatal(err)
			}
			streams[name].Findings = append(streams[name].Findings, f)
		}
	}
	for _, name := range names {
		if streams[name] != nil {
			l.Streams = append(l.Streams, *streams[name])
		}
	}
	return l
}

// said returns what is in the outbox, and empties it.
func (m *memory) said(now string) []string {
	var all []string
	for _, d := range m.Outbox.Waiting {
		var titles []string
		for _, a := range d.Message.Alerts {
			title := a.Title()
			if a.Repeated {
				title += " again"
			}
			titles = append(titles, title)
		}
		if d.Message.Kind == KindMorning {
			titles = append([]string{"morning"}, append(titles, d.Message.Lines...)...)
		}
		all = append(all, fmt.Sprintf("%s %s %s", now, d.To, strings.Join(titles, "; ")))
	}
	m.Outbox.Waiting = nil
	return all
}

// every returns looks five minutes apart, from one time to another.
func every(t *testing.T, from, to, found string) []string {
	t.Helper()
	var looks []string
	for when := at(t, from); !when.After(at(t, to)); when = when.Add(5 * time.Minute) {
		looks = append(looks, when.Format("02 15:04 ")+found)
	}
	return looks
}

func join(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestScenarios(t *testing.T) {
	morning := " notify morning; all_api is well.; merge is well."
	for _, test := range []struct {
		name  string
		looks []string
		want  []string
	}{
		{"all is well", every(t, "10 09:00", "10 21:55", ""), nil},
		{"each morning", every(t, "10 09:00", "12 09:00", ""), []string{"11 08:00" + morning, "12 08:00" + morning}},
		{"the first evaluation is by night", every(t, "10 03:00", "10 09:00", ""), []string{"10 08:00" + morning}},
		{"the machine was off at eight", join(every(t, "10 09:00", "10 21:00", ""), every(t, "11 14:00", "11 14:30", "")), []string{"11 14:00" + morning}},
		{"fires at the second, is over after ten good minutes", join(
			[]string{"10 12:00 append_stale=error", "10 12:05 append_stale=error", "10 12:10 append_stale=error"}, every(t, "10 12:15", "10 12:40", "")),
			[]string{"10 12:05 notify ERROR append_stale: all_api", "10 12:25 notify RESOLVED append_stale: all_api"}},
		{"once is nothing", []string{"10 12:00 append_stale=critical", "10 12:05", "10 12:10", "10 12:15", "10 12:20 append_stale=critical", "10 12:25"}, nil},
		{"twice within 30 seconds is once", []string{"10 12:00 append_stale=error", "10 12:00 append_stale=error", "10 12:05", "10 12:10", "10 12:15"}, nil},
		{"flaps", []string{"10 12:00 append_refused=critical", "10 12:05", "10 12:10 append_refused=critical", "10 12:15", "10 12:20 append_refused=critical",
			"10 12:25", "10 12:30 append_refused=critical", "10 12:35", "10 12:40", "10 12:45"},
			[]string{"10 12:10 page CRITICAL append_refused: all_api", "10 12:45 page RESOLVED append_refused: all_api"}},
		{"one message for all streams", []string{"10 12:00 upload_late=error merge/upload_late=error", "10 12:05 upload_late=error merge/upload_late=error"},
			[]string{"10 12:05 notify ERROR upload_late: all_api, merge"}},
		{"a stream joins, leaves and comes back", join(
			[]string{"10 12:00 upload_late=error", "10 12:05 upload_late=error merge/upload_late=error"},
			every(t, "10 12:10", "10 12:30", "upload_late=error merge/upload_late=error"), every(t, "10 12:35", "10 13:00", "upload_late=error"),
			every(t, "10 13:05", "10 13:30", "upload_late=error merge/upload_late=error"), every(t, "10 13:35", "10 14:00", "")),
			[]string{"10 12:05 notify ERROR upload_late: all_api", "10 12:10 notify ERROR upload_late: all_api, merge",
				"10 13:45 notify RESOLVED upload_late: all_api, merge"}},
		{"two causes are two messages", []string{"10 12:00 clock=error disk_days=critical", "10 12:05 clock=error disk_days=critical"},
			[]string{"10 12:05 page CRITICAL disk_days: all_api", "10 12:05 notify ERROR clock: all_api"}},
		{"becomes worse, better, and is over", join(every(t, "10 12:00", "10 12:10", "upload_late=error"), every(t, "10 12:15", "10 12:30", "upload_late=critical"),
			every(t, "10 12:35", "10 13:00", "upload_late=error"), every(t, "10 13:05", "10 13:30", "")),
			[]string{"10 12:05 notify ERROR upload_late: all_api", "10 12:20 page CRITICAL upload_late: all_api",
				"10 12:45 notify ERROR upload_late: all_api", "10 12:45 page ERROR upload_late: all_api",
				"10 13:15 notify RESOLVED upload_late: all_api", "10 13:15 page RESOLVED upload_late: all_api"}},
		{"the store is away overnight", join(every(t, "10 21:00", "10 21:55", ""), every(t, "10 22:00", "11 05:00", "upload_late=error"), every(t, "11 05:05", "11 09:00", "")),
			[]string{"11 08:00 notify morning; RESOLVED upload_late: all_api; all_api is well.; merge is well."}},
		{"the store stays away", join(every(t, "10 21:00", "10 21:55", ""), every(t, "10 22:00", "11 09:30", "upload_late=error"), every(t, "11 09:35", "11 10:00", "")),
			[]string{"11 08:00 notify morning; ERROR upload_late: all_api; all_api is well.; merge is well.", "11 09:45 notify RESOLVED upload_late: all_api"}},
		{"what was mailed by day still lasts", join(every(t, "10 21:00", "11 08:00", "upload_late=error")),
			[]string{"10 21:05 notify ERROR upload_late: all_api", "11 08:00 notify morning; all_api is well.; merge is well.; Still: ERROR upload_late: all_api"}},
		{"a mail that waits becomes a page", join(every(t, "10 21:00", "10 21:55", ""), every(t, "10 22:00", "11 02:00", "upload_late=error"), every(t, "11 02:05", "11 08:00", "upload_late=critical")),
			[]string{"11 02:10 page CRITICAL upload_late: all_api", "11 08:00 notify morning; CRITICAL upload_late: all_api; all_api is well.; merge is well."}},
		{"a page by night is sent and over by night", join(every(t, "10 23:00", "10 23:10", ""), every(t, "10 23:15", "10 23:30", "append_refused=critical"), every(t, "10 23:35", "11 01:00", "")),
			[]string{"10 23:20 page CRITICAL append_refused: all_api", "10 23:45 page RESOLVED append_refused: all_api"}},
		{"nothing is judged after a start", join(every(t, "10 12:00", "10 12:04", "append_stale=error started=10:12:00"), []string{"10 12:04 append_stale=critical started=10:12:00",
			"10 12:05 append_stale=critical started=10:12:00", "10 12:10 append_stale=critical started=10:12:00"}),
			[]string{"10 12:10 page CRITICAL append_stale: all_api"}},
		{"a restart in the middle", []string{"10 12:00 append_stale=error", "10 12:05 append_stale=error", "10 12:10 started=10:12:08", "10 12:12 started=10:12:08", "10 12:15 append_stale=error", "10 12:20 append_stale=error"},
			[]string{"10 12:05 notify ERROR append_stale: all_api"}},
		{"what is not known is not over", join(every(t, "10 12:00", "10 12:10", "day_missing=error"), every(t, "10 12:15", "10 13:00", "?day_missing"), every(t, "10 13:05", "10 13:20", "")),
			[]string{"10 12:05 notify ERROR day_missing: all_api", "10 13:15 notify RESOLVED day_missing: all_api"}},
		{"a stream that cannot be seen", join(every(t, "10 12:00", "10 12:10", "disk_days=error"), every(t, "10 12:15", "10 13:00", "unseen=denied"), every(t, "10 13:05", "10 13:20", "")),
			[]string{"10 12:05 notify ERROR disk_days: all_api", "10 12:20 notify ERROR not_seen: all_api", "10 13:15 notify RESOLVED disk_days: all_api", "10 13:15 notify RESOLVED not_seen: all_api"}},
		{"a stream that is not looked at any more", join(every(t, "10 12:00", "10 12:10", "merge/disk_days=error"), every(t, "10 12:15", "10 13:00", "gone=merge")),
			[]string{"10 12:05 notify ERROR disk_days: merge", "10 12:25 notify RESOLVED disk_days: merge"}},
		{"the clock is set back", join(every(t, "10 12:00", "10 12:30", "append_stale=error"), every(t, "10 10:00", "10 10:10", "append_stale=error"), every(t, "10 10:15", "10 10:30", "")),
			[]string{"10 12:05 notify ERROR append_stale: all_api", "10 10:25 notify RESOLVED append_stale: all_api"}},
		{"the clock is set back while it is better", []string{"10 12:00 append_stale=error", "10 12:05 append_stale=error", "10 12:10", "10 10:00", "10 10:05", "10 10:10"},
			[]string{"10 12:05 notify ERROR append_stale: all_api", "10 10:10 notify RESOLVED append_stale: all_api"}},
		{"the clock is set ahead for a while", join(every(t, "10 07:30", "10 09:00", ""), every(t, "12 09:05", "12 09:15", ""), every(t, "10 09:20", "11 09:00", "")),
			[]string{"10 08:00" + morning, "12 09:05" + morning, "11 08:00" + morning}},
		{"the clock is set ahead before the morning", join(every(t, "09 21:00", "10 07:30", ""), every(t, "20 09:05", "20 09:15", ""), every(t, "10 07:45", "11 09:00", "")),
			[]string{"20 09:05" + morning, "10 08:00" + morning, "11 08:00" + morning}},
		{"the clock is set ahead", []string{"10 12:00 append_stale=error", "10 12:05 append_stale=error", "20 12:10 append_stale=error", "20 12:15", "20 12:20", "20 12:25"},
			[]string{"10 12:05 notify ERROR append_stale: all_api", "20 12:10 notify morning; all_api is well.; merge is well.; Still: ERROR append_stale: all_api", "20 12:25 notify RESOLVED append_stale: all_api"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := policy{host: "web1", zone: newYork(t), hasPage: true}
			m := &memory{}
			var got []string
			for _, text := range test.looks {
				m.evaluate(lookOf(t, text), p, false)
				got = append(got, m.said(text[:8])...)
				m = m.again(t) // each evaluation is in a process of its own
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// again returns the memory as another process reads it.
func (m *memory) again(t *testing.T) *memory {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	read := &memory{}
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	return read
}

// A warning is repeated each week, by day, as long as it lasts.
func TestWarningsAreRepeatedWeekly(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t), hasPage: true}
	m := &memory{}
	var got []string
	for _, text := range join(every(t, "02 15:00", "25 16:00", "key_old=warning"), every(t, "25 16:05", "25 17:00", "")) {
		m.evaluate(lookOf(t, text), p, false)
		for _, said := range m.said(text[:8]) {
			if !strings.Contains(said, "morning") {
				got = append(got, said)
			}
		}
	}
	want := []string{"02 15:05 notify WARNING key_old: all_api", "09 15:05 notify WARNING key_old: all_api again",
		"16 15:05 notify WARNING key_old: all_api again", "23 15:05 notify WARNING key_old: all_api again", "25 16:15 notify RESOLVED key_old: all_api"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

// Where nobody can be woken, what is critical is mailed at once, once, also by night.
func TestCriticalWithoutPageIsMailed(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t)}
	m := &memory{}
	var got []string
	for _, text := range join(every(t, "10 23:00", "10 23:30", "append_refused=critical"), every(t, "10 23:35", "10 23:50", "")) {
		m.evaluate(lookOf(t, text), p, false)
		got = append(got, m.said(text[:8])...)
	}
	want := []string{"10 23:05 notify CRITICAL append_refused: all_api", "10 23:45 notify RESOLVED append_refused: all_api"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

// What is over is forgotten: the memory does not grow with time.
func TestMemoryForgets(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t), hasPage: true}
	m := &memory{}
	for _, text := range join(every(t, "10 12:00", "10 12:30", "clock=error merge/disk_days=critical"), every(t, "10 12:35", "10 13:00", "")) {
		m.evaluate(lookOf(t, text), p, false)
		m.said("")
	}
	if len(m.Causes) != 0 || len(m.Held) != 0 {
		t.Errorf("%d causes, %d held", len(m.Causes), len(m.Held))
	}
}

// A code of a severity that rises in one stream while another has more is not news.
func TestOneMessageForTheWorst(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t), hasPage: true}
	m := &memory{}
	var got []string
	for _, text := range join(every(t, "10 12:00", "10 12:10", "disk_days=critical merge/disk_days=error"), every(t, "10 12:15", "10 12:40", "disk_days=critical merge/disk_days=critical")) {
		m.evaluate(lookOf(t, text), p, false)
		got = append(got, m.said(text[:8])...)
	}
	if diff := cmp.Diff([]string{"10 12:05 page CRITICAL disk_days: all_api, merge"}, got); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

// Where a finding does not say since when, it is since it was first found.
func TestSinceItWasFound(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t), hasPage: true}
	m := &memory{}
	for _, text := range join(every(t, "10 12:00", "10 12:30", "clock=error"), every(t, "10 12:35", "10 12:45", "")) {
		m.evaluate(lookOf(t, text), p, false)
	}
	first, last := m.Outbox.Waiting[0].Message.Alerts[0], m.Outbox.Waiting[1].Message.Alerts[0]
	if !first.Since.Equal(at(t, "10 12:00")) || !last.Since.Equal(first.Since) || !last.Until.Equal(at(t, "10 12:30")) || !first.Until.IsZero() {
		t.Errorf("since %v; since %v until %v", first.Since, last.Since, last.Until)
	}
}

// What could be sent to nobody for a day, and still lasts, is said anew. What is over by then
// is not.
func TestWhatIsGivenUpIsSaidAnew(t *testing.T) {
	p := policy{host: "web1", zone: newYork(t), hasPage: true}
	for name, test := range map[string]struct {
		then string
		done []string // who has it
		want []string
	}{
		"it lasts":                    {"append_refused=critical", nil, []string{"11 12:10 page CRITICAL append_refused: all_api"}},
		"it lasts, and somebody knew": {"append_refused=critical", []string{"webhook-1"}, nil},
		"it is over":                  {"", nil, []string{"11 12:15 page RESOLVED append_refused: all_api"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			for _, text := range every(t, "10 12:00", "11 12:00", "append_refused=critical") {
				m.evaluate(lookOf(t, text), p, false)
			}
			m.Outbox.Waiting = m.Outbox.Waiting[:1] // without the morning's
			m.Outbox.Waiting[0].Done = test.done
			var got []string
			for _, text := range every(t, "11 12:05", "11 12:30", test.then) {
				m.evaluate(lookOf(t, text), p, false)
				if errs := m.giveUp(at(t, text[:8])); len(errs) > 0 && text[:8] != "11 12:05" {
					t.Errorf("%s: %v", text, errs)
				}
				got = append(got, m.said(text[:8])...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// Mails that nobody takes do not push out a page.
func TestMailsPushOutNoPage(t *testing.T) {
	m := &memory{}
	now := at(t, "10 12:00")
	urgent := Message{Alerts: []Alert{{Status: Firing, Severity: health.Critical, Code: health.DiskDays}}}
	m.Outbox.add(Page, urgent, now)
	m.Outbox.add(Notify, urgent, now) // where there is no Page
	for range 3 * maxKept {
		m.Outbox.add(Notify, Message{Kind: KindMorning}, now)
	}
	if errs := m.giveUp(now); len(errs) != 2*maxKept+2 {
		t.Errorf("%d are given up", len(errs))
	}
	if w := m.Outbox.Waiting; len(w) != maxKept || !w[0].Message.urgent() || !w[1].Message.urgent() {
		t.Errorf("%d wait", len(w))
	}
	for range 2 * maxKept {
		m.Outbox.add(Page, urgent, now)
	}
	if m.giveUp(now); len(m.Outbox.Waiting) != maxKept || m.Outbox.Waiting[0].To != Page {
		t.Errorf("%d wait", len(m.Outbox.Waiting))
	}
}
