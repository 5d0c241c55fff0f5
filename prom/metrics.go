package prom

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// metrics describe what is collected, but for the histograms.
type metrics struct {
	fetches, matches, uncounted, appendsRefused   *prometheus.Desc
	uploads, attempts, failures, conflicts        *prometheus.Desc
	repairs                                       *prometheus.Desc
	lastFetch, lastUpload, interval, unfinished   *prometheus.Desc
	pendingBatches, pendingBytes, pendingOldest   *prometheus.Desc
	uploadRefused                                 *prometheus.Desc
	todayUploads, todayFetches, todayMatches      *prometheus.Desc
	todaySize, todayLooked                        *prometheus.Desc
	diskFree, diskLasts, findings, streamReadable *prometheus.Desc
}

func newMetrics() metrics {
	name := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rotatelog_"+name, help, append([]string{"stream"}, labels...), nil)
	}
	return metrics{
		fetches:        name("fetches_total", "Fetches put on disk."),
		matches:        name("matches_total", "Match records in the fetches put on disk."),
		uncounted:      name("fetches_uncounted_total", "Fetches put on disk whose matches could not be counted."),
		appendsRefused: name("appends_refused_total", "Appends that returned an error, by reason.", "reason"),
		uploads:        name("uploads_total", "Batches seen in their day's object."),
		attempts:       name("upload_attempts_total", "Attempts to upload what waits, failed ones included."),
		failures:       name("upload_failures_total", "Attempts to upload that failed."),
		conflicts:      name("upload_conflicts_total", "Writes that were lost to another Writer of the key, and made again."),
		repairs:        name("repairs_total", "Things in the spool that were not as they were left, and were repaired."),

		lastFetch:      name("last_fetch_timestamp_seconds", "When a fetch was last put on disk, since the Unix epoch."),
		lastUpload:     name("last_upload_timestamp_seconds", "When a batch was last seen in its day's object, since the Unix epoch."),
		interval:       name("fetch_interval_seconds", "Usual time between two fetches."),
		unfinished:     name("unfinished_fetches", "Fetches in the batch that is being filled."),
		pendingBatches: name("pending_batches", "Batches that wait for the store."),
		pendingBytes:   name("pending_bytes", "Size of the files of batches that wait for the store."),
		pendingOldest:  name("pending_oldest_timestamp_seconds", "When the oldest batch that waits was sealed, since the Unix epoch; none if none waits."),
		uploadRefused:  name("upload_refused", "Whether uploads fail in a way that no retry can fix: 1 if so."),

		todayUploads: name("today_uploads", "Uploads in today's object when it was looked at last."),
		todayFetches: name("today_fetches", "Fetches in today's object when it was looked at last."),
		todayMatches: name("today_matches", "Match records in today's object when it was looked at last."),
		todaySize:    name("today_object_size_bytes", "Size of today's object, as stored, when it was looked at last."),
		todayLooked:  name("today_looked_timestamp_seconds", "When today's object was looked at last, since the Unix epoch."),

		diskFree:       name("disk_free_bytes", "Free space on the file system of the spool."),
		diskLasts:      name("disk_lasts_seconds", "Time until the disk, or what may wait, is full at this rate: 90 days at most."),
		findings:       name("finding_severity", "How bad what is wrong is, by the code of the finding: 0 ok, 1 warning, 2 error, 3 critical.", "code"),
		streamReadable: name("stream_readable", "Whether the spool could be read: 1 if so."),
	}
}

func (m *metrics) all() []*prometheus.Desc {
	return []*prometheus.Desc{m.fetches, m.matches, m.uncounted, m.appendsRefused, m.uploads, m.attempts, m.failures, m.conflicts, m.repairs,
		m.lastFetch, m.lastUpload, m.interval, m.unfinished, m.pendingBatches, m.pendingBytes, m.pendingOldest, m.uploadRefused,
		m.todayUploads, m.todayFetches, m.todayMatches, m.todaySize, m.todayLooked,
		m.diskFree, m.diskLasts, m.findings, m.streamReadable}
}

// reasons are why Append refuses a fetch. Each has a counter from the beginning: an
// increase shows only where there was a value before.
func reasons() []string {
	return []string{"invalid", "spool_full", "no_space", "permission", "io", "timeout", "canceled", "other"}
}

// A sink takes the metrics of a stream.
type sink struct {
	ch     chan<- prometheus.Metric
	stream string
}

func (k sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	k.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{k.stream}, labels...)...)
}

func (k sink) truth(d *prometheus.Desc, is bool) {
	v := 0.0
	if is {
		v = 1
	}
	k.gauge(d, v)
}

// when sends a time, if there is one.
func (k sink) when(d *prometheus.Desc, t time.Time) {
	if !t.IsZero() {
		k.gauge(d, float64(t.UnixMilli())/1000)
	}
}

// count sends a counter that began at a time.
func (k sink) count(d *prometheus.Desc, n float64, began time.Time, labels ...string) {
	k.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(d, prometheus.CounterValue, n, began, append([]string{k.stream}, labels...)...)
}

// emit sends the metrics of a stream.
func (m *metrics) emit(s snapshot, ch chan<- prometheus.Metric) {
	k := sink{ch, s.stream}
	k.truth(m.streamReadable, s.readable)
	if s.totals != nil {
		m.emitTotals(*s.totals, s.created, k)
	}
	k.when(m.lastFetch, s.lastFetch)
	k.when(m.lastUpload, s.lastUpload)
	if s.interval > 0 {
		k.gauge(m.interval, s.interval.Seconds())
	}
	if s.known {
		m.emitWaiting(s, k)
	}
	if s.today != nil {
		m.emitToday(*s.today, k)
	}
	if s.disk != nil {
		k.gauge(m.diskFree, float64(s.disk.FreeBytes))
		k.gauge(m.diskLasts, s.disk.Lasts.Seconds())
	}
	if s.judged {
		for code, severity := range severities(s.findings, s.blind) {
			k.gauge(m.findings, float64(severity), string(code))
		}
	}
}

func (m *metrics) emitTotals(t totals, began time.Time, k sink) {
	k.count(m.fetches, float64(t.fetches), began)
	k.count(m.matches, t.matches, began)
	k.count(m.uncounted, float64(t.uncounted), began)
	k.count(m.uploads, float64(t.uploads), began)
	k.count(m.attempts, float64(t.attempts), began)
	k.count(m.failures, float64(t.failures), began)
	k.count(m.conflicts, float64(t.conflicts), began)
	k.count(m.repairs, float64(t.repairs), began)
	refused := map[string]int{}
	for _, reason := range reasons() {
		refused[reason] = 0
	}
	maps.Copy(refused, t.refused)
	for reason, n := range refused {
		k.count(m.appendsRefused, float64(n), began, reason)
	}
}

func (m *metrics) emitWaiting(s snapshot, k sink) {
	if s.unfinished >= 0 {
		k.gauge(m.unfinished, float64(s.unfinished))
	}
	k.gauge(m.pendingBatches, float64(s.pending.Batches))
	k.gauge(m.pendingBytes, float64(s.pending.Bytes))
	k.when(m.pendingOldest, s.pending.Oldest)
	k.truth(m.uploadRefused, s.refused)
}

func (m *metrics) emitToday(l rotatelog.DayLook, k sink) {
	k.gauge(m.todayUploads, float64(l.Uploads))
	k.gauge(m.todayFetches, float64(l.Fetches))
	k.gauge(m.todayMatches, float64(l.Matches))
	k.gauge(m.todaySize, float64(l.Size))
	k.when(m.todayLooked, l.Looked)
}

// severities returns the severity of each code, those of which there is no finding too, but
// for those that could not be looked for.
func severities(findings []health.Finding, blind []health.Code) map[health.Code]health.Severity {
	found := map[health.Code]health.Severity{}
	for _, code := range health.Codes() {
		if !slices.Contains(blind, code) {
			found[code] = health.OK
		}
	}
	for _, f := range findings {
		found[f.Code] = max(found[f.Code], f.Severity)
	}
	return found
}
