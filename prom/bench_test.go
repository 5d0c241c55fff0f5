package prom

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

const benchStreams = 20

// BenchmarkScrape scrapes 20 streams: Writers of this process; spools that have not
// changed since the last scrape; and spools all of which have.
func BenchmarkScrape(b *testing.B) {
	b.Run("writers", func(b *testing.B) {
		w := newBenchWorld(b)
		c := New()
		for i := range benchStreams {
			cfg := w.cfg(i)
			cfg.Hooks = c.Hooks(cfg.Hooks)
			writer := w.fill(cfg)
			defer writer.Close()
			if err := c.Add(Stream{Name: cfg.Name, Writer: writer}); err != nil {
				b.Fatal(err)
			}
		}
		w.scrape(b, c, func() {})
	})
	for _, changed := range []bool{false, true} {
		b.Run(map[bool]string{false: "spools", true: "changedSpools"}[changed], func(b *testing.B) {
			w := newBenchWorld(b)
			c := New()
			for i := range benchStreams {
				w.fill(w.cfg(i)).Close()
				if err := c.Add(Stream{Name: w.cfg(i).Name, Dir: w.dir}); err != nil {
					b.Fatal(err)
				}
			}
			old := time.Now().Add(-time.Hour)
			touch := func() {
				old = old.Add(time.Second)
				for i := range benchStreams {
					if err := os.Chtimes(filepath.Join(w.dir, w.cfg(i).Name+".json"), old, old); err != nil {
						b.Fatal(err)
					}
				}
			}
			w.age(old)
			touch()
			if !changed {
				touch = func() {}
			}
			now := time.Now()
			c.now = func() time.Time { now = now.Add(time.Minute); return now }
			w.scrape(b, c, touch)
		})
	}
}

// benchWorld is a directory with streams.
type benchWorld struct {
	*testing.B
	dir string
	mem *storetest.Mem
}

func newBenchWorld(b *testing.B) *benchWorld {
	return &benchWorld{b, b.TempDir(), storetest.NewMem()}
}

func (w *benchWorld) cfg(i int) rotatelog.Config {
	return rotatelog.Config{Name: fmt.Sprintf("stream%02d", i), Dir: w.dir, Store: w.mem, Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler)}
}

// fill appends 105 fetches of 10 kB, so that ten batches are kept and one is being filled.
func (w *benchWorld) fill(cfg rotatelog.Config) *rotatelog.Writer {
	w.Helper()
	writer, err := rotatelog.Open(w.Context(), cfg)
	if err != nil {
		w.Fatal(err)
	}
	fetch := fmt.Appendf(nil, `{"FETCH_FOOTER":{"total_matches":45},"data":"%s"}`, bytes.Repeat([]byte("x"), 10_000))
	for range 105 {
		if _, err := writer.Append(w.Context(), fetch); err != nil {
			w.Fatal(err)
		}
	}
	if err := writer.Drain(w.Context()); err != nil {
		w.Fatal(err)
	}
	return writer
}

// age gives all files a time. Just after a change, they may change once more and have the
// same one.
func (w *benchWorld) age(at time.Time) {
	w.Helper()
	err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, at, at))
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *benchWorld) scrape(b *testing.B, c *Collector, before func()) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	b.ReportAllocs()
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		before()
		b.StartTimer()
		begin := cpuTime(b)
		if families, err := registry.Gather(); err != nil || len(families) == 0 {
			b.Fatal(len(families), err)
		}
		used += cpuTime(b) - begin
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/1e6, "cpu-ms/op")
}

// cpuTime returns the time that this process has had on all CPUs, which other processes
// do not stretch.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkHook is what the hooks add to an Append, by several goroutines at once.
func BenchmarkHook(b *testing.B) {
	hooks := New().Hooks(rotatelog.Hooks{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			hooks.Appended(rotatelog.Appended{Name: "all_api", Took: time.Millisecond})
		}
	})
}
