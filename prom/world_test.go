package prom

import (
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/storetest"
)

// world is a stream with its spool on this machine's disk, at noon of the 10th of July in
// New York.
type world struct {
	*testing.T
	clock *clocktest.Clock
	mem   *storetest.Mem
	fault storetest.Fault // of each request
	cfg   rotatelog.Config
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, mem: storetest.NewMem(), clock: clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC))}
	store := &storetest.Faulty{Store: w.mem, Fault: func(storetest.Op) storetest.Fault { return w.fault }}
	w.cfg = rotatelog.Config{Dir: t.TempDir(), Store: store, Clock: w.clock, MaxFetches: 2, Logger: slog.New(slog.DiscardHandler)}
	return w
}

// collector returns one with the clock of the world.
func (w *world) collector() *Collector {
	c := New()
	c.now = w.clock.Now
	return c
}

func (w *world) add(c *Collector, s Stream) {
	w.Helper()
	if err := c.Add(s); err != nil {
		w.Fatal(err)
	}
}

func (w *world) open() *rotatelog.Writer {
	w.Helper()
	writer, err := rotatelog.Open(w.Context(), w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { writer.Close() })
	return writer
}

// process appends fetches in a process of their own, and uploads what waits if it can.
func (w *world) process(fetches ...string) {
	w.Helper()
	writer := w.open()
	for _, f := range fetches {
		writer.Append(w.Context(), []byte(f)) // which may be refused
	}
	if err := writer.Drain(w.Context()); err != nil && !errors.Is(err, rotatelog.ErrPermanent) {
		w.Error(err)
	}
	if err := writer.Close(); err != nil {
		w.Error(err)
	}
}

const fetch45 = `{"FETCH_FOOTER":{"total_matches":45}}`

// values returns what a scrape finds, by the name and the labels but that of the stream:
// "rotatelog_appends_refused_total{invalid}". Of a histogram it is the number of values.
func (w *world) values(c prometheus.Collector) map[string]float64 {
	w.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		w.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "stream" {
					labels = append(labels, l.GetValue())
				}
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			if _, ok := found[name]; ok {
				name += " of another stream"
			}
			found[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return found
}

// want checks some of what a scrape finds. The prefix rotatelog_ is left out; -1 is for
// what should not be there.
func (w *world) want(c prometheus.Collector, want map[string]float64) {
	w.Helper()
	found := w.values(c)
	for name, v := range want {
		got, ok := found["rotatelog_"+name]
		if !ok {
			got = -1
		}
		if got != v {
			w.Errorf("%s is %v, want %v", name, got, v)
		}
	}
	if w.Failed() {
		w.Logf("found: %v", maps.Collect(maps.All(found)))
	}
}
