package rotatelog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// The benchmarks of unexported code: bench/run runs them with its own, and prints
// the results.

// BenchmarkValidate measures what Append does to a fetch before it is written:
// checking and counting.
func BenchmarkValidate(b *testing.B) {
	var f rawjson.Finder
	benchmarkTexts(b, func(text []byte) error { return checkAndCount(&f, text) }, func(text []byte) error {
		if !json.Valid(text) {
			return errors.New("invalid")
		}
		return nil
	})
}

func checkAndCount(f *rawjson.Finder, text []byte) error {
	path := []string{footerMember, totalMember}
	_, count, err := checkFetch(f, text, limits{defaultMaxFetchBytes, defaultMaxDepth}, path...)
	if err != nil {
		return err
	}
	_, err = countAt(count, path)
	return err
}

// BenchmarkCompact measures what the publisher does to a fetch.
func BenchmarkCompact(b *testing.B) {
	var out []byte
	var into bytes.Buffer
	ours := func(text []byte) (err error) {
		out, err = rawjson.AppendCompact(out[:0], text)
		return err
	}
	benchmarkTexts(b, ours, func(text []byte) error {
		into.Reset()
		return json.Compact(&into, text)
	})
}

// BenchmarkIndent measures what Append does to a fetch where Verbatim is not set.
func BenchmarkIndent(b *testing.B) {
	var cfg Config
	var out []byte
	var into bytes.Buffer
	ours := func(text []byte) (err error) {
		out, err = cfg.format(out[:0], text)
		return err
	}
	benchmarkTexts(b, ours, func(text []byte) error {
		into.Reset()
		return json.Indent(&into, text, "", "  ")
	})
}

// benchmarkTexts compares what we do to a fetch with what encoding/json does.
func benchmarkTexts(b *testing.B, ours, plain func(text []byte) error) {
	for label, size := range map[string]int{"2kB": 2_000, "1.8MB": 1_800_000} {
		for form, text := range map[string][]byte{"compact": football.New(1, size).Next(), "indented": indentedText(b, size)} {
			run := func(way string, do func(text []byte) error) {
				b.Run(fmt.Sprintf("size=%s/form=%s/way=%s", label, form, way), func(b *testing.B) {
					b.SetBytes(int64(len(text)))
					b.ReportAllocs()
					for b.Loop() {
						if err := do(text); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			run("rotatelog", ours)
			run("encoding-json", plain)
		}
	}
}

// indentedText returns a fetch of about that size, as the API sends it.
func indentedText(b *testing.B, size int) []byte {
	const indentedBy = 2.3 // of this data
	text, err := rawjson.AppendIndented(nil, football.New(1, int(float64(size)/indentedBy)).Next())
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// BenchmarkDurable measures, in turns, an Append and its necessary steps: a write
// and fsync, and the check of the fetch. A disk that is slow for a while is then
// slow for all of them.
func BenchmarkDurable(b *testing.B) {
	run := func(label string, batch int, text []byte) {
		b.Run(fmt.Sprintf("size=%s/batch=%d", label, batch), func(b *testing.B) { benchmarkDurable(b, batch, text) })
	}
	run("2kB", 1000, football.New(1, 2_000).Next()) // few are sealed
	run("1.8MB", defaultMaxFetches, indentedText(b, 1_800_000))
}

func benchmarkDurable(b *testing.B, batch int, text []byte) {
	w, err := Open(b.Context(), Config{Dir: b.TempDir(), Store: hangingStore{}, MaxFetches: batch, Verbatim: true,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var checker rawjson.Finder
	steps := []struct {
		metric string
		do     func() error
		took   time.Duration
	}{
		{"write-ns", func() error {
			_, err := f.Write(text)
			return errors.Join(err, f.Sync())
		}, 0},
		{"check-ns", func() error { return checkAndCount(&checker, text) }, 0},
		{"append-ns", func() error {
			_, err := w.Append(b.Context(), text)
			return err
		}, 0},
	}
	for b.Loop() {
		slices.Reverse(steps) // what comes after an fsync begins with cold caches
		for i := range steps {
			begun := time.Now()
			if err := steps[i].do(); err != nil {
				b.Fatal(err)
			}
			steps[i].took += time.Since(begun)
		}
	}
	for _, s := range steps {
		b.ReportMetric(float64(s.took)/float64(b.N), s.metric)
	}
}

// BenchmarkScan measures reading a day of 290 MB whose metadata was lost.
func BenchmarkScan(b *testing.B) {
	const entries = 16
	feed := football.New(1, 1_800_000)
	u := upload{Timestamp: "07/10/2025 12:01:00 AM EDT", Fetches: 10, ID: "ID00000001"}
	for n := range u.Fetches {
		if n > 0 {
			u.Data = append(u.Data, fetchSeparator...)
		}
		u.Data = append(u.Data, feed.Next()...)
	}
	head, tail := []byte(lastUploads), []byte(lastFields+lastClose)
	entry := append(append(u.head(1).Append([]byte("\n")), u.Data...), entryClose...)
	size := int64(len(head) + entries*len(entry) + (entries-1)*len(",") + len(tail))
	open := func() *watchedReader {
		parts := []io.Reader{bytes.NewReader(head)}
		for n := range entries {
			if n > 0 {
				parts = append(parts, bytes.NewReader([]byte(",")))
			}
			parts = append(parts, bytes.NewReader(entry))
		}
		return &watchedReader{r: io.MultiReader(append(parts, bytes.NewReader(tail))...)}
	}
	run := func(way string, scan func(io.Reader) (fetches int, err error)) {
		b.Run("way="+way, func(b *testing.B) {
			b.SetBytes(size)
			runtime.GC()
			base := heapInUse()
			var most uint64
			for b.Loop() {
				r := open()
				if n, err := scan(r); err != nil || n != entries*u.Fetches {
					b.Fatalf("%d fetches, %v", n, err)
				}
				most = max(most, r.most)
			}
			b.ReportMetric(float64(most-base)/(1<<20), "peak-MiB")
		})
	}
	run("rotatelog", func(r io.Reader) (int, error) {
		doc, _, err := scanDocument(testDaily, r, size, 0)
		return doc.totals.Fetches, err
	})
	run("encoding-json", countFetches)
}

// countFetches reads a day as one does with encoding/json: token by token, and
// each fetch as a RawMessage.
func countFetches(r io.Reader) (n int, err error) {
	dec := json.NewDecoder(r)
	for {
		t, err := dec.Token()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if t != "fetch_data" {
			continue
		}
		if _, err := dec.Token(); err != nil {
			return n, err
		}
		var fetch json.RawMessage
		for ; dec.More(); n++ {
			if err := dec.Decode(&fetch); err != nil {
				return n, err
			}
		}
	}
}

// watchedReader measures the heap at each Read.
type watchedReader struct {
	r    io.Reader
	most uint64
}

func (w *watchedReader) Read(p []byte) (int, error) {
	w.most = max(w.most, heapInUse())
	return w.r.Read(p)
}

func heapInUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// BenchmarkSyncs counts the fsyncs of an Append, of files and of directories.
func BenchmarkSyncs(b *testing.B) {
	for _, appenders := range []int{1, 8, 64} {
		for _, batch := range []int{10, 1000} {
			b.Run(fmt.Sprintf("appenders=%d/batch=%d", appenders, batch), func(b *testing.B) { benchmarkSyncs(b, appenders, batch) })
		}
	}
}

func benchmarkSyncs(b *testing.B, appenders, batch int) {
	disk, err := vfs.Dir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	counting := &syncCounter{FS: disk}
	w, err := Open(b.Context(), Config{fs: counting, Store: hangingStore{}, MaxFetches: batch, Verbatim: true,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	fetch := football.New(1, 0).Next()
	begun := counting.n.Load()
	appended := 0
	for b.Loop() {
		appended += appenders
		var all sync.WaitGroup
		for range appenders {
			all.Go(func() {
				if _, err := w.Append(b.Context(), fetch); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(counting.n.Load()-begun)/float64(appended), "fsyncs/append")
}

// syncCounter is a disk that counts its fsyncs.
type syncCounter struct {
	vfs.FS
	n atomic.Int64
}

func (c *syncCounter) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return countedFile{f, &c.n}, nil
}

func (c *syncCounter) SyncDir(name string) error {
	c.n.Add(1)
	return c.FS.SyncDir(name)
}

type countedFile struct {
	vfs.File
	n *atomic.Int64
}

func (f countedFile) Sync() error {
	f.n.Add(1)
	return f.File.Sync()
}

// hangingStore never answers, so that nothing but appending is measured.
type hangingStore struct{ Store }

func (hangingStore) Stat(ctx context.Context, _ string) (Object, error) {
	<-ctx.Done()
	return Object{}, context.Cause(ctx)
}
