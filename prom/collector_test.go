package prom

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

// TestWriter: what a Writer in this process does, with its spool.
func TestWriter(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	w.cfg.Hooks = c.Hooks(rotatelog.Hooks{})
	writer := w.open()
	w.add(c, Stream{Writer: writer, Dir: w.cfg.Dir})
	for range 5 {
		if _, err := writer.Append(t.Context(), []byte(fetch45)); err != nil {
			t.Fatal(err)
		}
	}
	writer.Append(t.Context(), []byte("<html>"))
	writer.Append(t.Context(), []byte(`{"FETCH_FOOTER":{"total_matches":"x"}}`))
	if err := writer.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := writer.CloseAppend(); err != nil { // saves the state
		t.Fatal(err)
	}
	now := float64(w.clock.Now().Unix())
	w.want(c, map[string]float64{
		"fetches_total": 6, "matches_total": 225, "fetches_uncounted_total": 1,
		"appends_refused_total{invalid}": 1, "appends_refused_total{no_space}": 0,
		"append_duration_seconds": 6, "upload_wait_seconds": 3,
		"uploads_total": 3, "upload_failures_total": 0, "upload_conflicts_total": 0, "repairs_total": 0,
		"last_fetch_timestamp_seconds": now, "last_upload_timestamp_seconds": now,
		"fetch_interval_seconds": 60, "unfinished_fetches": 0,
		"pending_batches": 0, "pending_bytes": 0, "pending_oldest_timestamp_seconds": -1, "upload_refused": 0,
		"today_uploads": 3, "today_fetches": 6, "today_matches": 225, "today_looked_timestamp_seconds": now,
		"today_object_size_bytes":         float64(len(w.mem.Bytes(writer.Key(rotatelog.Day{Year: 2025, Month: 7, Date: 10})))),
		"stream_readable":                 1,
		"finding_severity{append_stale}":  0,
		"finding_severity{upload_late}":   0,
		"disk_lasts_seconds":              health.LongLasting.Seconds(),
		"finding_severity{append_reused}": -1,
	})
	if v := w.values(c)["rotatelog_upload_attempts_total"]; v < 1 {
		t.Errorf("%v attempts", v)
	}
}

// TestWriterAlone: without a directory there are the Writer's metrics only.
func TestWriterAlone(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	writer := w.open()
	w.add(c, Stream{Name: "all_api", Writer: writer, Options: health.Options{Every: time.Minute}})
	w.want(c, map[string]float64{"fetches_total": 0, "last_fetch_timestamp_seconds": -1, "last_upload_timestamp_seconds": -1,
		"fetch_interval_seconds": 60, "stream_readable": 1, "finding_severity{append_stale}": -1, "disk_free_bytes": -1, "unfinished_fetches": -1})
}

// TestWhatWaits: how much, and since when, as the Writer and as the spool say.
func TestWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.fault = storetest.Fault{Err: errors.Join(rotatelog.ErrPermanent, errors.New("403")), Skip: true}
	w.process(fetch45, fetch45)
	sealed := float64(w.clock.Now().Unix())
	w.clock.Advance(time.Minute)
	w.process(fetch45, fetch45)
	waits := map[string]float64{"pending_batches": 2, "pending_oldest_timestamp_seconds": sealed, "upload_refused": 1, "uploads_total": 0}
	outside := w.collector()
	w.add(outside, Stream{Dir: w.cfg.Dir})
	w.want(outside, waits)
	if n := w.values(outside)["rotatelog_upload_failures_total"]; n < 2 {
		t.Errorf("%v failures", n)
	}
	writer := w.open()
	if err := writer.Drain(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) {
		t.Fatal(err)
	}
	inside := w.collector()
	w.add(inside, Stream{Writer: writer})
	w.want(inside, waits)
	if in, out := w.values(inside)["rotatelog_pending_bytes"], w.values(outside)["rotatelog_pending_bytes"]; in != out || in == 0 {
		t.Errorf("%v bytes wait, from outside %v", in, out)
	}

	w.fault = storetest.Fault{}
	if err := writer.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	w.clock.Advance(time.Minute)
	w.want(outside, map[string]float64{"pending_batches": 0, "pending_oldest_timestamp_seconds": -1, "upload_refused": 0, "uploads_total": 2})
}

// TestCountersGoOnWithTheNextWriter: a program that opens a Writer again starts no counter
// again.
func TestCountersGoOnWithTheNextWriter(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	for n := range 3 {
		writer := w.open()
		w.add(c, Stream{Writer: writer})
		w.add(c, Stream{Writer: writer}) // twice, which counts nothing twice
		writer.Append(t.Context(), []byte(fetch45))
		writer.Append(t.Context(), []byte("<html>"))
		w.want(c, map[string]float64{"fetches_total": float64(n + 1), "matches_total": float64(45 * (n + 1)), "appends_refused_total{invalid}": float64(n + 1)})
		writer.Close()
	}
}

// TestFindings: health decides what is wrong, and the severity is that of its finding.
func TestFindings(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45, fetch45)
	c := w.collector()
	w.add(c, Stream{Dir: w.cfg.Dir, Options: health.Options{Every: time.Minute}})
	w.want(c, map[string]float64{"finding_severity{append_stale}": 0})
	w.clock.Advance(5 * time.Minute)
	w.want(c, map[string]float64{"finding_severity{append_stale}": 2})
	w.clock.Advance(10 * time.Minute)
	w.want(c, map[string]float64{"finding_severity{append_stale}": 3})
	w.add(c, Stream{Dir: w.cfg.Dir, Options: health.Options{Every: time.Minute}, Facts: func(f *health.Facts) {
		off := 10 * time.Minute
		f.Started, f.ClockOff = f.Now, &off
	}})
	w.want(c, map[string]float64{"finding_severity{append_stale}": 0, "finding_severity{clock}": 3, "finding_severity{verify_old}": -1})
	codes := 0
	for name := range w.values(c) {
		if strings.HasPrefix(name, "rotatelog_finding_severity") {
			codes++
		}
	}
	if want := len(health.Codes()) - 2; codes != want { // nobody has said when a day was verified, and how old the key is
		t.Errorf("%d codes, want %d", codes, want)
	}
}

// TestNoSpool: one stream that cannot be read hides no other.
func TestNoSpool(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45)
	c := w.collector()
	w.add(c, Stream{Name: "all_api", Dir: w.cfg.Dir})
	w.add(c, Stream{Name: "merge", Dir: w.cfg.Dir})
	want := `
# HELP rotatelog_fetches_total Fetches put on disk.
# TYPE rotatelog_fetches_total counter
rotatelog_fetches_total{stream="all_api"} 1
# HELP rotatelog_stream_readable Whether the spool could be read: 1 if so.
# TYPE rotatelog_stream_readable gauge
rotatelog_stream_readable{stream="all_api"} 1
rotatelog_stream_readable{stream="merge"} 0
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "rotatelog_stream_readable", "rotatelog_fetches_total"); err != nil {
		t.Error(err)
	}
	c.Remove("merge")
	c.Remove("")
	if found := w.values(c); len(found) != 0 {
		t.Errorf("of no stream: %v", found)
	}
	if err := c.Add(Stream{Name: "merge"}); err == nil || !strings.Contains(err.Error(), "set one of them") {
		t.Error(err)
	}
}

// TestNamesAsPrometheusAsks: each metric is there at least once, and promlint finds nothing.
func TestNamesAsPrometheusAsks(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	w.cfg.Hooks = c.Hooks(rotatelog.Hooks{})
	writer := w.open()
	w.add(c, Stream{Writer: writer, Dir: w.cfg.Dir})
	for range 3 {
		writer.Append(t.Context(), []byte(fetch45))
	}
	if err := writer.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	c.Hooks(rotatelog.Hooks{}).Uploaded(rotatelog.Uploaded{Name: "all_api", Took: time.Second})
	w.fault = storetest.Fault{Err: errors.New("away"), Skip: true}
	writer = w.open()
	writer.Append(t.Context(), []byte(fetch45)) // is sealed, and waits
	writer.Close()
	w.clock.Advance(time.Minute)
	problems, err := testutil.CollectAndLint(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	outside := w.collector() // knows what the closed Writer does not
	w.add(outside, Stream{Dir: w.cfg.Dir})
	found := w.values(c)
	for name, v := range w.values(outside) {
		found[name] = v
	}
	described := make(chan *prometheus.Desc, 100)
	c.Describe(described)
	close(described)
	for d := range described {
		if name := nameOf(d); !has(found, name) {
			t.Errorf("nothing is collected of %s", name)
		}
	}
}

// nameOf returns the name in a Desc, which says it only in its String.
func nameOf(d *prometheus.Desc) string {
	_, name, _ := strings.Cut(d.String(), `fqName: "`)
	name, _, _ = strings.Cut(name, `"`)
	return name
}

func has(found map[string]float64, name string) bool {
	for full := range found {
		if full == name || strings.HasPrefix(full, name+"{") {
			return true
		}
	}
	return false
}

// TestRegistersNothing: a program decides what it serves.
func TestRegistersNothing(t *testing.T) {
	w := newWorld(t)
	w.process(fetch45)
	w.add(New(), Stream{Dir: w.cfg.Dir})
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "rotatelog_") {
			t.Errorf("%s is registered globally", f.GetName())
		}
	}
}

// TestHooksCallOthers: a program's own hooks are called as without a Collector.
func TestHooksCallOthers(t *testing.T) {
	w := newWorld(t)
	c := w.collector()
	appended, uploaded, sealed := 0, 0, 0
	w.cfg.Hooks = c.Hooks(rotatelog.Hooks{
		Appended: func(rotatelog.Appended) { appended++ },
		Uploaded: func(rotatelog.Uploaded) { uploaded++ },
		Sealed:   func(rotatelog.Sealed) { sealed++ },
	})
	w.process(fetch45, fetch45)
	if appended != 2 || uploaded != 1 || sealed != 1 {
		t.Errorf("called %d, %d, %d times", appended, uploaded, sealed)
	}
	for name, want := range map[string]float64{"append_duration_seconds": 2, "upload_wait_seconds": 1} {
		if got := w.values(c)["rotatelog_"+name]; got != want {
			t.Errorf("%s has %v values, want %v", name, got, want)
		}
	}
}
