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

// exported are what an export of days has yielded.
type exported struct {
	days []archive.ExportedDay
	errs []error
}

// worst returns the first error, nil if there is none.
func (e exported) worst() error { return errors.Join(e.errs...) }

func (w *world) toFolder(a rotatelog.Archive, folder string, opts archive.ExportOptions, days ...rotatelog.Day) (e exported) {
	w.t.Helper()
	for r, err := range archive.ExportFolder(w.t.Context(), a, folder, days, opts) {
		e.days, e.errs = append(e.days, r), append(e.errs, err)
	}
	return e
}

func (w *world) toFile(file string, opts archive.ExportOptions, days ...rotatelog.Day) (e exported) {
	w.t.Helper()
	for r, err := range archive.ExportFile(w.t.Context(), w.archive(), file, days, opts) {
		e.days, e.errs = append(e.days, r), append(e.errs, err)
	}
	return e
}

// filesIn returns the names below a folder, and what is in those that are no marks.
func filesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if rel, _ := filepath.Rel(folder, name); strings.HasSuffix(rel, ".mark") {
			found[rel] = ""
		} else {
			found[rel] = string(text)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// twoDays writes a day of five fetches and one of three.
func (w *world) twoDays() {
	w.write(5)
	time.Sleep(24 * time.Hour)
	w.write(3)
}

const (
	onJuly10 = "day=2025-07-10/all_api.ndjson"
	onJuly11 = "day=2025-07-11/all_api.ndjson"
)

func TestExportToAFolder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		folder := filepath.Join(t.TempDir(), "new/week")
		e := w.toFolder(w.archive(), folder, archive.ExportOptions{}, day, day.Next(), day.Next().Next())
		files := filesIn(t, folder)
		if len(files) != 4 || strings.Count(files[onJuly10], "\n") != 5 || strings.Count(files[onJuly11], "\n") != 3 {
			t.Errorf("the folder has %q", files)
		}
		if len(e.days) != 3 || e.errs[0] != nil || e.errs[1] != nil || !errors.Is(e.errs[2], fs.ErrNotExist) || e.days[2].Day != day.Next().Next() {
			t.Errorf("%+v", e)
		}
		if r := e.days[0]; r.File != filepath.Join(folder, onJuly10) || r.Rows != 5 || r.Unchanged || r.Bytes != int64(len(files[onJuly10])) {
			t.Errorf("%+v", r)
		}
		info, err := os.Stat(e.days[0].File)
		if err != nil || info.Mode().Perm()&0o400 == 0 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

// A second run goes on where the first has stopped, and reads no day that is complete.
func TestExportGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		folder := t.TempDir()
		w.toFolder(w.archive(), folder, archive.ExportOptions{}, day)
		both := []rotatelog.Day{day, day.Next()}
		run := func(what string, opts archive.ExportOptions, unchanged ...bool) {
			t.Helper()
			reads := &readingStore{Store: w.mem}
			a := w.archive()
			a.Store = reads
			e := w.toFolder(a, folder, opts, both...)
			var got []bool
			for _, r := range e.days {
				got = append(got, r.Unchanged)
				if reads.of[r.Key] == r.Unchanged {
					t.Errorf("%s: %v is read: %v", what, r.Day, reads.of[r.Key])
				}
				if want := []int64{5, 3}[r.Day.Date-10]; r.Rows < want || r.Fetches < int(want) || r.File == "" || r.Bytes == 0 {
					t.Errorf("%s: %+v", what, r)
				}
			}
			if !slices.Equal(got, unchanged) || e.worst() != nil {
				t.Errorf("%s: the days are unchanged: %v, want %v; %v", what, got, unchanged, e.worst())
			}
		}
		run("it goes on", archive.ExportOptions{}, true, false)
		run("all is there", archive.ExportOptions{}, true, true)
		run("again", archive.ExportOptions{Again: true}, false, false)
		run("with a condition", archive.ExportOptions{Where: []archive.Condition{{Path: []string{"none"}, Value: "null"}}}, false, false)
		run("without one", archive.ExportOptions{}, false, false)
		w.write(2)
		run("the day has grown", archive.ExportOptions{}, true, false)
		if text := filesIn(t, folder)[onJuly11]; strings.Count(text, "\n") != 5 {
			t.Errorf("the day that has grown is\n%s", text)
		}
		if err := os.Truncate(filepath.Join(folder, onJuly10), 10); err != nil {
			t.Fatal(err)
		}
		run("a file was cut", archive.ExportOptions{}, false, true)
		if err := os.Remove(filepath.Join(folder, onJuly11)); err != nil {
			t.Fatal(err)
		}
		run("a file was removed", archive.ExportOptions{}, true, false)
		if err := os.WriteFile(filepath.Join(folder, "day=2025-07-10/.all_api.ndjson.mark"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		run("a mark is broken", archive.ExportOptions{}, false, true)
	})
}

// readingStore is a Store that knows which objects were read.
type readingStore struct {
	rotatelog.Store
	of map[string]bool
}

func (s *readingStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if s.of == nil {
		s.of = map[string]bool{}
	}
	s.of[key] = true
	return s.Store.Read(ctx, key, v, off, n)
}

// Nothing is left of an export that fails, and what was there stays.
func TestExportThatFailsLeavesNothing(t *testing.T) {
	clash := archive.ExportOptions{Each: []string{"list"}}
	inWorld(t, func(t *testing.T, w *world) {
		w.store(`{"list":[{"x":1}]}`, `{"list":[{"x":2}]}`, `{"list":[{"_day":1}]}`)
		base := t.TempDir()
		folder, file := filepath.Join(base, "a/b"), filepath.Join(base, "file.ndjson")
		if e := w.toFolder(w.archive(), folder, clash, day); !errors.Is(e.worst(), archive.ErrUnfit) {
			t.Error(e.worst())
		}
		if e := w.toFile(file, clash, day); !errors.Is(e.worst(), archive.ErrUnfit) || len(e.errs) != 1 {
			t.Error(e.worst())
		}
		if left, err := os.ReadDir(base); err != nil || len(left) != 0 {
			t.Errorf("it leaves %v, %v", left, err)
		}
		if e := w.toFolder(w.archive(), folder, archive.ExportOptions{}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if e := w.toFile(file, archive.ExportOptions{}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		before := filesIn(t, base)
		w.toFolder(w.archive(), folder, clash, day)
		w.toFile(file, clash, day)
		ctx, cancel := context.WithCancel(t.Context())
		a := w.archive()
		a.Store = &replacingStore{Store: w.mem, with: cancel}
		for _, err := range archive.ExportFolder(ctx, a, folder, []rotatelog.Day{day, day.Next()}, archive.ExportOptions{Again: true}) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("an export that is interrupted: %v", err)
			}
		}
		if after := filesIn(t, base); len(before) != 3 || !sameFiles(before, after) {
			t.Errorf("there were %q, and are %q", before, after)
		}
	})
}

// What an export has left that was killed is removed a day later.
func TestExportRemovesWhatAKilledOneLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		folder := t.TempDir()
		for name, age := range map[string]time.Duration{
			".all_api.ndjson-ABC.tmp": 25 * time.Hour, ".all_api.ndjson-DEF.tmp": 23 * time.Hour, ".merge.ndjson-ABC.tmp": 25 * time.Hour, ".all_api.notes": 25 * time.Hour,
			"..all_api.ndjson.mark-ABC.tmp": 25 * time.Hour, ".july.csv-ABC.tmp": 25 * time.Hour, ".july.csv-DEF.tmp": 23 * time.Hour,
		} {
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		if e := w.toFolder(w.archive(), folder, archive.ExportOptions{}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if files := filesIn(t, folder); hasAny(files, ".all_api.ndjson-ABC.tmp", "..all_api.ndjson.mark-ABC.tmp") || len(files) != 7 {
			t.Errorf("there are %q", files)
		}
		if e := w.toFile(filepath.Join(folder, "july.csv"), archive.ExportOptions{}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if files := filesIn(t, folder); hasAny(files, ".july.csv-ABC.tmp") || len(files) != 7 {
			t.Errorf("there are %q", files)
		}
	})
}

func hasAny(files map[string]string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := files[name]; return ok })
}

func sameFiles(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if b[name] != text {
			return false
		}
	}
	return true
}

// A day without rows has no file, and takes none away silently.
func TestExportWithoutRows(t *testing.T) {
	nothing := archive.ExportOptions{Where: []archive.Condition{{Path: []string{"_fetch"}, Value: "99"}}}
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		folder := t.TempDir()
		e := w.toFolder(w.archive(), folder, nothing, day)
		if e.worst() != nil || e.days[0].Rows != 0 || e.days[0].File != "" || e.days[0].Fetches != 5 {
			t.Errorf("%+v", e)
		}
		if e = w.toFolder(w.archive(), folder, nothing, day); e.worst() != nil || !e.days[0].Unchanged || e.days[0].Fetches != 5 {
			t.Errorf("a second run: %+v", e)
		}
		w.toFolder(w.archive(), folder, archive.ExportOptions{}, day)
		if e = w.toFolder(w.archive(), folder, nothing, day); !errors.Is(e.worst(), archive.ErrNothing) || !strings.Contains(e.worst().Error(), "is left as it is") {
			t.Error(e.worst())
		}
		if text := filesIn(t, folder)[onJuly10]; strings.Count(text, "\n") != 5 {
			t.Errorf("the file is now %q", text)
		}
		again := nothing
		again.Again = true
		if e = w.toFolder(w.archive(), folder, again, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if _, there := filesIn(t, folder)[onJuly10]; there {
			t.Error("with Again the file is still there")
		}

		file := filepath.Join(t.TempDir(), "f")
		if e = w.toFile(file, nothing, day); !errors.Is(e.worst(), archive.ErrNothing) || strings.Contains(e.worst().Error(), "is left") {
			t.Error(e.worst())
		}
		w.toFile(file, archive.ExportOptions{}, day)
		if e = w.toFile(file, nothing, day); !errors.Is(e.worst(), archive.ErrNothing) || !strings.Contains(e.worst().Error(), "is left") {
			t.Error(e.worst())
		}
		if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), "\n") != 5 {
			t.Errorf("%s, %v", text, err)
		}
	})
}

// One file has all days, and begins anew.
func TestExportToOneFile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		dir := t.TempDir()
		file, link := filepath.Join(dir, "all.csv"), filepath.Join(dir, "link")
		opts := archive.ExportOptions{Columns: [][]string{{"_day"}, {"_fetch"}}}
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			e := w.toFile(file, opts, day, day.Next(), day.Next().Next())
			text, err := os.ReadFile(file)
			want := "_day,_fetch\n2025-07-10,1\n2025-07-10,2\n2025-07-10,3\n2025-07-10,4\n2025-07-10,5\n2025-07-11,1\n2025-07-11,2\n2025-07-11,3\n"
			if err != nil || string(text) != want || len(e.errs) != 3 || !errors.Is(e.errs[2], fs.ErrNotExist) {
				t.Errorf("%s, %v, %v", text, err, e.errs)
			}
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := w.toFile(link, archive.ExportOptions{}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a file of mode 0600 is replaced by one of %v, %v", info.Mode(), err)
		}
		if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), "\n") != 5 {
			t.Errorf("through the link it is %s, %v", text, err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is %v, %v", info, err)
		}
		if e := w.toFile(file, archive.ExportOptions{Raw: true}, day); e.worst() != nil {
			t.Error(e.worst())
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != string(w.mem.Bytes(e10(w))) {
			t.Errorf("%s, %v", text, err)
		}
		for name, e := range map[string]exported{
			"no day":         w.toFile(filepath.Join(dir, "none"), archive.ExportOptions{}, day.Next().Next()),
			"a device":       w.toFile("/dev/null", archive.ExportOptions{}, day),
			"a folder":       w.toFile(dir, archive.ExportOptions{}, day),
			"no folder":      w.toFile(filepath.Join(dir, "none/f"), archive.ExportOptions{}, day),
			"below a file":   w.toFile(filepath.Join(file, "f"), archive.ExportOptions{}, day),
			"a file":         w.toFolder(w.archive(), file, archive.ExportOptions{}, day),
			"in a file":      w.toFolder(w.archive(), filepath.Join(file, "f"), archive.ExportOptions{}, day),
			"raw, two days":  w.toFile(file, archive.ExportOptions{Raw: true}, day, day.Next()),
			"options, empty": w.toFile(file, archive.ExportOptions{Each: []string{""}}, day),
		} {
			if err := e.worst(); err == nil || len(e.errs) != 1 || errors.Is(err, fs.ErrNotExist) != (name == "no day") {
				t.Errorf("%s: %v", name, e.errs)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
			t.Errorf("there are %v, %v", left, err)
		}
	})
}

// e10 returns the key of July 10.
func e10(w *world) string { return w.archive().Key(day, rotatelog.Uncompressed) }

func TestExportOfObjectsToAFolder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(3)
		w.cfg.Compression = rotatelog.Zstd
		time.Sleep(24 * time.Hour)
		w.write(3)
		folder := t.TempDir()
		for n := range 2 {
			e := w.toFolder(w.archive(), folder, archive.ExportOptions{Raw: true}, day, day.Next())
			files := filesIn(t, folder)
			if e.worst() != nil || files["day=2025-07-10/all_api.json"] != string(w.mem.Bytes(e10(w))) || len(files) != 4 ||
				files["day=2025-07-11/all_api.json.zst"] != string(w.mem.Bytes(w.archive().Key(day.Next(), rotatelog.Zstd))) || e.days[0].Unchanged != (n == 1) {
				t.Errorf("%v, %+v", e.worst(), e.days)
			}
		}
	})
}

// Two exports into a folder do not mix: what is there is whole, and of one of the two.
func TestTwoExportsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		folder := t.TempDir()
		ends := make(chan error)
		options := []archive.ExportOptions{{}, {Where: []archive.Condition{{Path: []string{"_fetch"}, Value: "2"}}}}
		for i := range 8 {
			go func() {
				var all error
				for range 5 {
					for _, err := range archive.ExportFolder(t.Context(), w.archive(), folder, []rotatelog.Day{day, day.Next()}, options[i%2]) {
						all = errors.Join(all, err)
					}
				}
				ends <- all
			}()
		}
		for range 8 {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
		files := filesIn(t, folder)
		if n, m := strings.Count(files[onJuly10], "\n"), strings.Count(files[onJuly11], "\n"); len(files) != 4 || n != 1 && n != 5 || m != 1 && m != 3 {
			t.Errorf("there are %q", files)
		}
		w.toFolder(w.archive(), folder, options[0], day, day.Next()) // whichever came last
		if files := filesIn(t, folder); strings.Count(files[onJuly10], "\n") != 5 || strings.Count(files[onJuly11], "\n") != 3 {
			t.Errorf("there are %q", files)
		}
	})
}

// A damaged day does not keep the others from being exported.
func TestExportOfOtherDays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.twoDays()
		w.edit(e10(w), func(s string) string { return strings.Replace(s, `"n":3`, `"n":8`, 1) })
		folder := t.TempDir()
		e := w.toFolder(w.archive(), folder, archive.ExportOptions{}, day, day.Next())
		if files := filesIn(t, folder); len(e.errs) != 2 || !errors.Is(e.errs[0], rotatelog.ErrDamaged) || e.errs[1] != nil || len(files) != 2 {
			t.Errorf("%+v, %q", e, files)
		}
		file := filepath.Join(t.TempDir(), "f")
		e = w.toFile(file, archive.ExportOptions{}, day, day.Next())
		if _, err := os.Stat(file); len(e.errs) != 1 || !errors.Is(e.errs[0], rotatelog.ErrDamaged) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v, %v", e, err)
		}
	})
}
