package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/football"
)

const minutesOfDay = 24 * 60

// backupDay is the first whole day of a world.
func backupDay() rotatelog.Day { return day.Next() }

// TestYesterdayIsRestoredFromTheSpool: a fetch came each minute of yesterday. At nine in the
// morning somebody deletes its object, of 2.6 GB at the full depth, and all of it comes back
// from the batches that are kept on disk.
func TestYesterdayIsRestoredFromTheSpool(t *testing.T) {
	depth.SkipInShort(t)
	inWorld(t, func(t *testing.T, w *world) {
		store := &dayFile{dir: t.TempDir()}
		w.cfg.Store, w.cfg.MaxFetches = store, 10
		w.cfg.Sync, w.cfg.Verbatim = rotatelog.SyncSeal, true // or it takes twice as long
		w.fillDay(depth.N(3<<10, 3<<10, 1800<<10))
		batches, size := w.kept()
		want := store.sum(t)
		written := store.size
		if err := store.delete(); err != nil {
			t.Fatal(err)
		}
		before := live()
		var most uint64
		samples := 0
		store.during = func() {
			now := live()
			samples++
			most = max(most, now-min(before, now))
		}
		r := w.restoreFrom(rotatelog.Archive{Store: store, Name: "all_api", Prefix: "all_api_rotating_logs/", ReadOptions: rotatelog.ReadOptions{Location: w.zone}})
		t.Logf("the object has %d kB, its %d batches %d kB in the spool; restoring it takes %d kB of heap", written>>10, batches, size>>10, most>>10)
		if r.Totals.Fetches != minutesOfDay || batches != minutesOfDay/10 || r.Worst() == archive.Error {
			t.Errorf("%d batches give %+v %v", batches, r.Totals, r.Findings)
		}
		if got := store.sum(t); got != want {
			t.Error("the object is another than it was")
		}
		if size > 250<<20 {
			t.Errorf("a day takes %d bytes in the spool: 48 hours are to take less than 500 MB", size)
		}
		if most > 128<<20 || samples == 0 {
			t.Errorf("to restore it takes %d bytes of heap", most)
		}
	})
}

// fillDay has a Writer append a fetch of about that size each minute of July 11, and stay
// open until nine in the morning of the next.
func (w *world) fillDay(size int) {
	w.t.Helper()
	time.Sleep(time.Until(backupDay().Start(w.zone)))
	wr := w.open()
	defer wr.Close()
	feed := football.New(1, size)
	for n := range minutesOfDay {
		if _, err := wr.Append(w.t.Context(), feed.Next()); err != nil {
			w.t.Fatalf("fetch %d: %v", n+1, err)
		}
		time.Sleep(time.Minute)
	}
	time.Sleep(9 * time.Hour)
	synctest.Wait()
}

// kept returns how many batches the spool keeps, and their size.
func (w *world) kept() (batches int, size int64) {
	w.t.Helper()
	status, err := rotatelog.Inspect(w.cfg.Dir, "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range status.Confirmed {
		batches++
		size += b.Bytes
	}
	return batches, size
}

// restoreFrom restores the day from the spool alone.
func (w *world) restoreFrom(a rotatelog.Archive) archive.Report {
	w.t.Helper()
	bodies, err := filepath.Glob(filepath.Join(w.cfg.Dir, "all_api.spool", "body*"))
	for _, name := range bodies {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := rotatelog.OpenMaintenance(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	defer m.Close()
	p, err := archive.PlanRestore(w.t.Context(), m, a, backupDay(), archive.RestoreOptions{})
	if err != nil {
		w.t.Fatalf("plan: %v", err)
	}
	r, err := p.Apply(w.t.Context())
	if err != nil {
		w.t.Fatalf("apply: %v", err)
	}
	return r
}

// dayFile is a store of one object, in a file. An append costs what it adds.
type dayFile struct {
	dir     string
	key     string // that was written first; there is nothing under others
	size    int64
	version int // 0: there is no object
	meta    map[string]string
	during  func() // is called now and then while a stream is written
}

func (d *dayFile) path() string { return filepath.Join(d.dir, "object") }

func (d *dayFile) current() rotatelog.Version { return rotatelog.Version(fmt.Sprint(d.version)) }

func (d *dayFile) delete() error {
	d.version = 0
	return os.Remove(d.path())
}

// sum returns the SHA-256 of the object.
func (d *dayFile) sum(t *testing.T) string {
	t.Helper()
	f, err := os.Open(d.path())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Stat implements [rotatelog.Store].
func (d *dayFile) Stat(_ context.Context, key string) (rotatelog.Object, error) {
	if d.version == 0 || key != d.key {
		return rotatelog.Object{}, fs.ErrNotExist
	}
	return rotatelog.Object{Version: d.current(), Size: d.size, Meta: d.meta}, nil
}

// Read implements [rotatelog.Store].
func (d *dayFile) Read(_ context.Context, _ string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if d.version == 0 || v != d.current() {
		return nil, rotatelog.ErrConflict
	}
	f, err := os.Open(d.path())
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, off, n), f}, nil
}

// Write implements [rotatelog.Store].
func (d *dayFile) Write(_ context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if d.version == 0 && old != "" || d.version > 0 && old != d.current() {
		return rotatelog.ErrConflict
	}
	if d.key == "" {
		d.key = key
	}
	if key != d.key {
		return fmt.Errorf("%s is not %s", key, d.key)
	}
	name, at := d.path()+".new", int64(0)
	if p := parts[0]; p.Data == nil && p.Open == nil && p.Off == 0 { // an append
		name, at, parts = d.path(), p.Len, parts[1:]
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Truncate(at)
	}
	for _, p := range parts {
		if err == nil {
			at, err = d.put(f, at, p)
		}
	}
	if err = errors.Join(err, f.Close()); err == nil && name != d.path() {
		err = os.Rename(name, d.path())
	}
	if err == nil {
		d.version, d.size, d.meta = d.version+1, at, meta
	}
	return err
}

// put writes a part at an offset, and returns the one after it.
func (d *dayFile) put(f *os.File, at int64, p rotatelog.Part) (int64, error) {
	out := io.NewOffsetWriter(f, at)
	switch {
	case p.Open != nil:
		r, err := p.Open()
		if err != nil {
			return at, err
		}
		n, err := io.Copy(out, &sampled{r: r, sample: d.during})
		return at + n, errors.Join(err, r.Close())
	case p.Data != nil:
		n, err := out.Write(p.Data)
		return at + int64(n), err
	}
	was, err := os.Open(d.path())
	if err != nil {
		return at, err
	}
	defer was.Close()
	n, err := io.Copy(out, io.NewSectionReader(was, p.Off, p.Len))
	return at + n, err
}

// sampled is a reader that calls sample at its start and each 50 MB.
type sampled struct {
	r      io.Reader
	sample func()
	left   int
}

// Read implements io.Reader.
func (s *sampled) Read(p []byte) (int, error) {
	if s.left <= 0 && s.sample != nil {
		s.sample()
		s.left = 50e6
	}
	n, err := s.r.Read(p)
	s.left -= n
	return n, err
}
