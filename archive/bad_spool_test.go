package archive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// TestSpoolsThatAreNone: what is no spool is a clear error, and half a spool gives what
// there is. Nothing is written to either.
func TestSpoolsThatAreNone(t *testing.T) {
	spool := func(dir string, name ...string) string {
		return filepath.Join(append([]string{dir, "all_api.spool"}, name...)...)
	}
	for name, test := range map[string]struct {
		hurt    func(dir string) error
		want    error // of opening or reading it
		uploads int
	}{
		"no directory": {os.RemoveAll, fs.ErrNotExist, 0},
		"no spool":     {func(dir string) error { return os.RemoveAll(spool(dir)) }, fs.ErrNotExist, 0},
		"a file": {func(dir string) error {
			return errors.Join(os.RemoveAll(spool(dir)), os.WriteFile(spool(dir), nil, 0o600))
		}, errAny, 0},
		"nothing in it":        {func(dir string) error { return errors.Join(os.RemoveAll(spool(dir)), os.Mkdir(spool(dir), 0o700)) }, errAny, 0},
		"no pending":           {func(dir string) error { return os.RemoveAll(spool(dir, "pending")) }, nil, 6},
		"no uploaded":          {func(dir string) error { return os.RemoveAll(spool(dir, "uploaded")) }, nil, 1},
		"no array":             {func(dir string) error { return os.Remove(filepath.Join(dir, "all_api.json")) }, nil, 5},
		"no batch.json":        {func(dir string) error { return os.Remove(spool(dir, "batch.json")) }, nil, 5}, // the day of the array is then that of the file
		"an array of nonsense": {func(dir string) error { return nonsense(filepath.Join(dir, "all_api.json")) }, nil, 5},
		"a batch of nonsense":  {func(dir string) error { return nonsense(first(spool(dir, "uploaded", "*"))) }, nil, 5},
		"a batch cut off":      {func(dir string) error { return os.Truncate(first(spool(dir, "uploaded", "*")), 0) }, nil, 5},
		"odd names":            {func(dir string) error { return os.WriteFile(spool(dir, "pending", "x.json"), []byte("x"), 0o600) }, nil, 6},
		"a directory as a batch": {func(dir string) error {
			name := first(spool(dir, "uploaded", "*"))
			return errors.Join(os.Remove(name), os.Mkdir(name, 0o700))
		}, errAny, 0},
		"of another user": {func(dir string) error { return os.Chmod(spool(dir), 0) }, fs.ErrPermission, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "of another user" && os.Getuid() == 0 {
				t.Skip("root may read everything")
			}
			inWorld(t, func(t *testing.T, w *world) {
				w.write(10)
				wr := w.open()
				w.append(wr)
				wr.Close()
				// Only the batches count here.
				for _, body := range all(spool(w.cfg.Dir, "body*")) {
					os.Remove(body)
				}
				if err := test.hurt(w.cfg.Dir); err != nil {
					t.Fatal(err)
				}
				before := all(spool(w.cfg.Dir, "*"))
				uploads, err := uploadsOf(t, w)
				switch {
				case test.want == nil && (err != nil || len(uploads) != test.uploads):
					t.Errorf("%d uploads, %v, want %d", len(uploads), err, test.uploads)
				case test.want == errAny && err == nil || test.want != nil && test.want != errAny && !errors.Is(err, test.want):
					t.Errorf("%v, want %v", err, test.want)
				}
				if after := all(spool(w.cfg.Dir, "*")); len(after) != len(before) {
					t.Errorf("the spool has %q, had %q", after, before)
				}
			})
		})
	}
}

var errAny = errors.New("any error")

func uploadsOf(t *testing.T, w *world) ([]rotatelog.DayUpload, error) {
	r, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: w.cfg.Dir, Location: w.zone})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	uploads, err := archive.SpoolSource("the spool", r).Uploads(t.Context(), day)
	return slices.DeleteFunc(uploads, func(u rotatelog.DayUpload) bool { return u.FetchCount == 0 }), err
}

func nonsense(name string) error {
	return errors.Join(os.Remove(name), os.WriteFile(name, []byte("\x00<html>"), 0o600))
}

func all(pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil {
		panic(err)
	}
	return names
}

func first(pattern string) string { return all(pattern)[0] }
