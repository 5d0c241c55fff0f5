package prom

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/spoolwatch"
)

// A Collector collects the metrics of streams. It is safe for concurrent use, and registers
// itself nowhere.
type Collector struct {
	metrics   metrics
	durations durations
	now       func() time.Time

	mu      sync.Mutex // guards streams
	streams map[string]*watched
}

// A Stream is one to watch. Dir, Look or Writer must be set.
type Stream struct {
	// Name is Config.Name: "all_api" unless set.
	Name string
	// Dir is Config.Dir: where the spool is. Without it there are no findings, and nothing
	// is known of the disk.
	Dir string
	// Writer is the stream's in this process; nil if others append to it.
	Writer *rotatelog.Writer
	// Options say what is expected of the stream, for the findings.
	Options health.Options
	// Facts adds to what is known of the stream what the program knows besides: when it
	// was started, how far the store's clock is off, the objects of the last days. It is
	// called for each scrape, and so should be quick. It may be nil.
	Facts func(*health.Facts)
	// Look returns what is known of the stream, so that a program that looks already, for
	// a page, looks once for both: see Handler.Facts of package dashboard. Neither Dir nor
	// Facts is used then. It may be nil.
	Look func() (health.Facts, error)
}

// watched is a stream that is being watched.
type watched struct {
	Stream
	reader *reader // of the spool; nil without a Dir, and with a Look
	before totals  // of the Writers before this one
	began  time.Time
}

// New returns a Collector that watches no stream yet.
func New() *Collector {
	return &Collector{metrics: newMetrics(), durations: newDurations(), now: time.Now, streams: map[string]*watched{}}
}

// Add watches a stream. If one of that name is watched already, this one replaces it, and
// the counters of a Writer go on with those of the next. Streams of the same name in two
// directories need two Collectors, each registered with a label of its own: see
// prometheus.WrapRegistererWith.
func (c *Collector) Add(s Stream) error {
	s.Name = cmp.Or(s.Name, "all_api")
	if s.Dir == "" && s.Look == nil && s.Writer == nil {
		return fmt.Errorf("prom: stream %s: %w", s.Name, errors.New("it has neither Dir nor Look nor Writer: set one of them"))
	}
	if !utf8.ValidString(s.Name) { // which no label can be
		return fmt.Errorf("prom: stream %q: its name is not valid UTF-8", s.Name)
	}
	s.Options.Location = zoneOf(s.Options) // once: it is read from a file
	w := &watched{Stream: s, began: c.now()}
	if s.Dir != "" && s.Look == nil {
		w.reader = &reader{dir: s.Dir, spool: spoolwatch.New(s.Dir, s.Name, nil)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.streams[s.Name]; old != nil && old.Writer != nil && s.Writer != nil {
		w.before, w.began = old.before, old.began
		if old.Writer != s.Writer {
			w.before = old.before.plus(totalsOf(old.Writer.Stats()))
		}
	}
	c.streams[s.Name] = w
	return nil
}

// Remove ends watching the stream of that name.
func (c *Collector) Remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, cmp.Or(name, "all_api"))
	c.durations.remove(cmp.Or(name, "all_api"))
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.metrics.all() {
		ch <- d
	}
	c.durations.each(func(h *prometheus.HistogramVec) { h.Describe(ch) })
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	now := c.now()
	for _, s := range c.snapshots(now) {
		c.metrics.emit(s, ch)
	}
	c.durations.each(func(h *prometheus.HistogramVec) { h.Collect(ch) })
}

// snapshots returns what is known of each stream, in the order of their names.
func (c *Collector) snapshots(now time.Time) []snapshot {
	c.mu.Lock()
	streams := make([]*watched, 0, len(c.streams))
	for _, w := range c.streams {
		streams = append(streams, w)
	}
	c.mu.Unlock()
	slices.SortFunc(streams, func(a, b *watched) int { return strings.Compare(a.Name, b.Name) })
	readings := make([]reading, len(streams))
	var wg sync.WaitGroup
	for i, w := range streams {
		wg.Go(func() { readings[i] = w.read(now) })
	}
	wg.Wait()
	found := make([]snapshot, len(streams))
	for i, w := range streams {
		found[i] = w.snapshot(now, readings[i], neighbors(streams, readings, i))
	}
	return found
}

// read returns what is known of the stream besides its Writer.
func (w *watched) read(now time.Time) reading {
	switch {
	case w.Look != nil:
		facts, err := w.Look()
		return reading{err == nil, facts}
	case w.reader != nil:
		return w.reader.read(now)
	}
	return reading{}
}

// neighbors returns the other spools in the directory of stream i.
func neighbors(streams []*watched, readings []reading, i int) []rotatelog.SpoolStatus {
	var others []rotatelog.SpoolStatus
	for j, w := range streams {
		if j != i && w.Dir == streams[i].Dir && readings[j].ok {
			others = append(others, readings[j].facts.Spool)
		}
	}
	return others
}
