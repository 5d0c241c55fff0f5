package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"example.com/rotatelog"
)

// durations are the histograms, which the hooks fill.
type durations struct {
	appends, writes, waits *prometheus.HistogramVec
}

func newDurations() durations {
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rotatelog_" + name, Help: help, Buckets: buckets}, []string{"stream"})
	}
	return durations{
		appends: histogram("append_duration_seconds", "How long it took to put a fetch on disk, waiting for others included.",
			.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10),
		writes: histogram("upload_duration_seconds", "How long the write to the store took that brought a batch.",
			.02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 60, 120, 300),
		waits: histogram("upload_wait_seconds", "Time from the sealing of a batch until it was seen in its day's object.",
			.1, .5, 1, 2, 5, 10, 30, 60, 300, 900, 1800, 3600, 6*3600, 12*3600, 24*3600),
	}
}

func (d *durations) each(do func(*prometheus.HistogramVec)) {
	do(d.appends)
	do(d.writes)
	do(d.waits)
}

func (d *durations) remove(stream string) {
	d.each(func(h *prometheus.HistogramVec) { h.DeleteLabelValues(stream) })
}

// Hooks returns next with what measures how long appends and uploads take, for
// Config.Hooks of any number of streams. An Append takes less than a microsecond longer.
func (c *Collector) Hooks(next rotatelog.Hooks) rotatelog.Hooks {
	hooks := next
	hooks.Appended = func(a rotatelog.Appended) {
		c.durations.appends.WithLabelValues(a.Name).Observe(a.Took.Seconds())
		if next.Appended != nil {
			next.Appended(a)
		}
	}
	hooks.Uploaded = func(u rotatelog.Uploaded) {
		c.durations.waits.WithLabelValues(u.Name).Observe(u.Waited.Seconds())
		if u.Took > 0 {
			c.durations.writes.WithLabelValues(u.Name).Observe(u.Took.Seconds())
		}
		if next.Uploaded != nil {
			next.Uploaded(u)
		}
	}
	return hooks
}
