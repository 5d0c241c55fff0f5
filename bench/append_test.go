package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/DeRuina/timberjack"
	"github.com/tidwall/wal"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

var scratchDir = flag.String("scratch", "", "directory in which BenchmarkAppend and BenchmarkSealing leave their files, emptied, for whoever gave it to delete")

// scratch returns a new directory. Files are not deleted before all measurements are
// done: for five minutes ext4 tries the inode of each before it creates
// another file (recently_deleted in fs/ext4/ialloc.c), and after some thousands
// that takes ten times as long as everything else about sealing a batch.
func scratch(b *testing.B) string {
	if *scratchDir == "" {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp(*scratchDir, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := emptyFiles(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

func emptyFiles(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return errors.Join(os.Chmod(name, 0o600), os.Truncate(name, 0))
	})
}

// BenchmarkAppend compares Append with other ways to put records on a disk: a file
// that is written to and synced, timberjack, and tidwall/wal. The store hangs, so
// that nothing is uploaded meanwhile. Fetches are indented, as the API sends them;
// those of 2 kB are compact, since one match would not fit otherwise.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []Size{2 * KB, 200 * KB, 1800 * KB} {
		records := recordsOf(int(size))
		for _, appenders := range []int{1, 8, 64} {
			group := fmt.Sprintf("size=%v/appenders=%d/", size, appenders)
			for _, policy := range []rotatelog.SyncPolicy{rotatelog.SyncAppend, rotatelog.SyncSeal} {
				name := group + "sync=append/"
				if policy == rotatelog.SyncSeal {
					name = group + "sync=seal/"
				}
				durable := policy == rotatelog.SyncAppend
				run := func(way string, start func(*testing.B) func([]byte) error) {
					b.Run(name+way, func(b *testing.B) { benchmarkAppends(b, appenders, records, start(b)) })
				}
				run("way=file", func(b *testing.B) func([]byte) error { return toFile(b, durable) })
				for _, batch := range []int{10, 1000} {
					run(fmt.Sprintf("way=rotatelog/batch=%d/form=verbatim", batch), func(b *testing.B) func([]byte) error {
						return toWriter(b, rotatelog.Config{MaxFetches: batch, Sync: policy, Verbatim: true})
					})
					run(fmt.Sprintf("way=rotatelog/batch=%d/form=indented", batch), func(b *testing.B) func([]byte) error {
						return toWriter(b, rotatelog.Config{MaxFetches: batch, Sync: policy})
					})
				}
				run("way=timberjack", func(b *testing.B) func([]byte) error { return toTimberjack(b, durable) })
				run("way=wal", func(b *testing.B) func([]byte) error { return toWAL(b, durable) })
			}
		}
	}
}

// BenchmarkSealing measures the least work for a disk of sealing a batch: a second
// name for the file, a new file in its place, and each synced. Creating a file is a
// part of that.
func BenchmarkSealing(b *testing.B) {
	b.Run("step=create", func(b *testing.B) {
		at := filepath.Join(scratch(b), "spare")
		for i := 0; b.Loop(); i++ {
			create(b, fmt.Sprint(at, i))
		}
	})
	b.Run("step=all", func(b *testing.B) {
		dir := scratch(b)
		pending, file, spare := filepath.Join(dir, "pending"), filepath.Join(dir, "file"), filepath.Join(dir, "spare")
		if err := os.Mkdir(pending, 0o700); err != nil {
			b.Fatal(err)
		}
		create(b, file)
		for i := 0; b.Loop(); i++ {
			err := os.Link(file, filepath.Join(pending, fmt.Sprint(i)))
			err = errors.Join(err, syncDir(pending))
			create(b, spare)
			err = errors.Join(err, os.Rename(spare, file), syncDir(dir))
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func create(b *testing.B, name string) {
	if err := os.WriteFile(name, []byte("[\n]\n"), 0o600); err != nil {
		b.Fatal(err)
	}
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// benchmarkAppends appends records from several goroutines, each one after another.
func benchmarkAppends(b *testing.B, appenders int, records [][]byte, put func([]byte) error) {
	b.SetBytes(int64(len(records[0])))
	b.ReportAllocs()
	var n atomic.Int64
	one := func() {
		if err := put(records[int(n.Add(1))%len(records)]); err != nil {
			b.Error(err)
		}
	}
	if appenders == 1 {
		for b.Loop() {
			one()
		}
		return
	}
	b.SetParallelism((appenders + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one()
		}
	})
}

// recordsOf returns fetches of about that size.
func recordsOf(size int) (records [][]byte) {
	const indentedBy, tiny = 2.3, 5_000
	feed := football.New(6, int(float64(size)/indentedBy))
	for range 20 {
		record := feed.Next()
		if size >= tiny {
			record = indent(record)
		}
		records = append(records, record)
	}
	return records
}

func indent(text []byte) []byte {
	var b bytes.Buffer
	json.Indent(&b, text, "", "  ")
	return b.Bytes()
}

func toWriter(b *testing.B, cfg rotatelog.Config) func([]byte) error {
	base := Stream{Dir: scratch(b)}.Config(Hang{}, b.Output())
	cfg.Dir, cfg.Store, cfg.Clock, cfg.Logger = base.Dir, base.Store, base.Clock, base.Logger
	w := open(b, cfg)
	b.Cleanup(func() { w.Close() })
	return func(record []byte) error {
		_, err := w.Append(b.Context(), record)
		return err
	}
}

// toFile writes to a file and syncs it, the least that any log on disk does.
func toFile(b *testing.B, durable bool) func([]byte) error {
	f, err := os.Create(filepath.Join(scratch(b), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return func(record []byte) error {
		if _, err := f.Write(record); err != nil || !durable {
			return err
		}
		return f.Sync()
	}
}

func toTimberjack(b *testing.B, durable bool) func([]byte) error {
	log := &timberjack.Logger{Filename: filepath.Join(scratch(b), "log"), MaxSize: 100}
	b.Cleanup(func() { log.Close() })
	return func(record []byte) error {
		if _, err := log.Write(record); err != nil || !durable {
			return err
		}
		return log.Sync()
	}
}

func toWAL(b *testing.B, durable bool) func([]byte) error {
	log, err := wal.Open(scratch(b), &wal.Options{NoSync: !durable})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	var mu sync.Mutex // an index follows the one before
	next := uint64(1)
	return func(record []byte) error {
		mu.Lock()
		defer mu.Unlock()
		next++
		return log.Write(next-1, record)
	}
}
