package archive_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// vanishingStore is a Store whose connections break after 500 bytes, and in which something
// happens before the n-th Read.
type vanishingStore struct {
	breakingStore
	n    int
	with func()
}

func (s *vanishingStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if s.n--; s.n == 0 {
		s.with()
	}
	return s.breakingStore.Read(ctx, key, v, off, n)
}

// TestExportOfADayThatIsDeleted: the object of a day is deleted while it is exported. That
// is not a day without an object, whose rows need not be in the file: some are already.
func TestExportOfADayThatIsDeleted(t *testing.T) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd} {
		for _, raw := range []bool{false, true} {
			for _, n := range []int{1, 2} {
				inWorld(t, func(t *testing.T, w *world) {
					w.cfg.Compression, w.cfg.MaxFetches = pack, 4
					w.write(8)
					days := []rotatelog.Day{day, day.Next()}
					if raw {
						days = days[:1]
					} else {
						time.Sleep(24 * time.Hour)
						w.write(3)
					}
					a := w.archive()
					key := a.Key(day, pack)
					obj, err := w.mem.Stat(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					text, opts := w.mem.Bytes(key), archive.ExportOptions{Raw: raw}
					file := filepath.Join(t.TempDir(), "days")
					a.Store = &vanishingStore{breakingStore{Store: w.mem}, n, func() { w.mem.Delete(key) }}
					var errs []error
					for _, err := range archive.ExportFile(t.Context(), a, file, days, opts) {
						errs = append(errs, err)
					}
					// What begins anew finds no object any more.
					if len(errs) != 1 || !raw && !errors.Is(errs[0], rotatelog.ErrReplaced) || errors.Is(errs[0], fs.ErrNotExist) != raw {
						t.Errorf("%v, raw %v, before read %d: %v", pack, raw, n, errs)
					}
					if got, err := os.ReadFile(file); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%v, raw %v, before read %d: the file has %d lines, %v", pack, raw, n, strings.Count(string(got), "\n"), err)
					}
					w.mem.Put(key, text, obj.Meta)
					a.Store = &vanishingStore{breakingStore{Store: w.mem}, n, func() { w.mem.Delete(key) }}
					e := w.toFolder(a, t.TempDir(), opts, days[0])
					if err := e.worst(); errors.Is(err, fs.ErrNotExist) != raw || errors.Is(err, rotatelog.ErrReplaced) == raw {
						t.Errorf("%v, raw %v, before read %d, to a folder: %v", pack, raw, n, err)
					}
				})
			}
		}
	}
}

// TestExportOfADayWithTwoObjects, as a new directory with another Compression makes them: a
// half of the day is not exported as if it were all.
func TestExportOfADayWithTwoObjects(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		w.cfg.Dir, w.cfg.Compression = t.TempDir(), rotatelog.Zstd
		w.write(2)
		plain, zstd := w.archive().Key(day, rotatelog.Uncompressed), w.archive().Key(day, rotatelog.Zstd)
		for _, opts := range []archive.ExportOptions{{}, {Raw: true}} {
			err := w.exportError(opts)
			if !errors.Is(err, rotatelog.ErrDamaged) || !strings.Contains(err.Error(), plain) || !strings.Contains(err.Error(), zstd) {
				t.Errorf("raw %v: %v", opts.Raw, err)
			}
			if e := w.toFolder(w.archive(), t.TempDir(), opts, day); !errors.Is(e.worst(), rotatelog.ErrDamaged) {
				t.Errorf("raw %v: %+v", opts.Raw, e)
			}
		}
		w.mem.Delete(plain)
		if _, r := w.export(archive.ExportOptions{}); r.Fetches != 2 || r.Key != zstd {
			t.Errorf("%+v", r)
		}
	})
}

// TestExportWhileTheDayIsMended: while a day is exported over connections that break, it
// grows, is taken over, is closed, and has put back what was removed from it. Each export
// is of the day as it was when it began, or an error.
func TestExportWhileTheDayIsMended(t *testing.T) {
	for name, mend := range map[string]func(w *world){
		"grows":         func(w *world) { w.write(6) },
		"is closed":     func(w *world) { time.Sleep(20 * time.Hour); w.write(1) },
		"is taken over": func(w *world) { w.cfg.Dir = w.t.TempDir(); w.write(5) },
		"is restored":   func(w *world) { w.mendWell() },
	} {
		for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd} {
			for _, n := range []int{1, 4} {
				inWorld(t, func(t *testing.T, w *world) {
					w.cfg.Compression = pack
					w.write(12)
					if name == "is restored" {
						w.removeUpload(4)
					}
					want, _ := w.export(archive.ExportOptions{})
					a := w.archive()
					a.Store = &vanishingStore{breakingStore{Store: w.mem}, n, func() { mend(w) }}
					var b strings.Builder
					_, err := archive.Export(t.Context(), a, day, &b, archive.ExportOptions{})
					if err == nil && b.String() != want || err != nil && !errors.Is(err, rotatelog.ErrReplaced) {
						t.Errorf("it %s before read %d, %v: %v\n%s", name, n, pack, err, b.String())
					}
				})
			}
		}
	}
}

// removeUpload removes an upload from the day, which the spool still has.
func (w *world) removeUpload(sequence int) {
	w.t.Helper()
	p, m := w.plan()
	defer m.Close()
	d, err := m.LockDay(w.t.Context(), day, p.Compression)
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Unlock()
	uploads := slices.DeleteFunc(p.Uploads(), func(u rotatelog.DayUpload) bool { return u.Sequence == sequence })
	for i := range uploads {
		uploads[i].Off, uploads[i].Len = 0, 0
	}
	if _, err := d.Write(w.t.Context(), p.Version, uploads); err != nil {
		w.t.Fatal(err)
	}
}
