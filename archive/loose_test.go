package archive_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// apply restores the day from sources, and wants nothing to be left to do.
func (w *world) apply(sources ...archive.Source) *archive.Plan {
	w.t.Helper()
	p, _ := w.mendWell(sources...)
	again, m := w.plan(sources...)
	defer m.Close()
	if again.Needed() {
		w.t.Errorf("needed again: put back %+v, yield %q", again.PutBack, again.Yield)
	}
	return p
}

// appendAlike appends a fetch that is like all others of it.
func (w *world) appendAlike(wr *rotatelog.Writer) {
	w.t.Helper()
	if _, err := wr.Append(w.t.Context(), []byte(`{}`)); err != nil {
		w.t.Fatal(err)
	}
	w.alike++
}

// TestCopiesOfTheSpool, made while a batch was filled, of which the local file holds more
// by now.
func TestCopiesOfTheSpool(t *testing.T) {
	for name, order := range map[string][]int{"older first": {0, 1, 2}, "newer first": {2, 1, 0}, "one": {1}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.MaxFetches = 4
				wr := w.open()
				defer wr.Close()
				for range 4 {
					w.append(wr)
				}
				if err := wr.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				var copies []archive.Source
				for range 3 {
					w.append(wr)
					copies = append(copies, archive.SpoolSource("a copy", w.copySpool()))
				}
				w.edit(w.key(), replace(`"n":2,"odds"`, `"n":9,"odds"`))
				var sources []archive.Source
				for _, n := range order {
					sources = append(sources, copies[n])
				}
				w.apply(sources...)
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.wantOnce(w.n)
			})
		})
	}
}

// sourceFunc is a source that is made when it is searched.
type sourceFunc func() archive.Source

// String implements [archive.Source].
func (sourceFunc) String() string { return "a copy" }

// Uploads implements [archive.Source].
func (f sourceFunc) Uploads(ctx context.Context, day rotatelog.Day) ([]rotatelog.DayUpload, error) {
	return f().Uploads(ctx, day)
}

// TestCopyThatIsMadeMeanwhile has fetches that the Writer appended since the restore began.
func TestCopyThatIsMadeMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 4
		wr := w.open()
		defer wr.Close()
		for range 5 {
			w.append(wr)
		}
		if err := wr.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.edit(w.key(), replace(`"n":2,"odds"`, `"n":9,"odds"`))
		if _, _, err := w.mend(sourceFunc(func() archive.Source {
			w.append(wr)
			return archive.SpoolSource("a copy", w.copySpool())
		})); err != nil {
			t.Fatal(err)
		}
		if err := wr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantOnce(6)
	})
}

// TestBatchIsConfirmedMeanwhile: what was listed in pending/ is in uploaded/ when its text is
// read.
func TestBatchIsConfirmedMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		var open atomic.Bool
		w.cfg.Store = &storetest.Faulty{Store: w.mem, Fault: func(storetest.Op) storetest.Fault {
			if open.Load() {
				return storetest.Fault{}
			}
			return storetest.Fault{Err: errors.New("away"), Skip: true}
		}}
		wr := w.open()
		defer wr.Close()
		w.appendNow(wr)
		w.appendNow(wr)
		batches, err := w.reader().Batches(day)
		if err != nil {
			t.Fatal(err)
		}
		last := batches[len(batches)-1]
		if last.State != rotatelog.Pending {
			t.Fatalf("%+v", last)
		}
		open.Store(true)
		if err := wr.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, err := last.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer text.Close()
		if got, err := io.ReadAll(text); err != nil || int64(len(got)) != last.Size {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestLostMachineGoesOn between restores from its disk: what was put back of a batch that
// it was filling yields to the batch.
func TestLostMachineGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		lost := w.cfg
		lost.MaxFetches = 4
		lost.Store = &storetest.Faulty{Store: w.mem, Fault: func(storetest.Op) storetest.Fault {
			return storetest.Fault{Err: errors.New("away"), Skip: true}
		}}
		old, err := rotatelog.Open(t.Context(), lost)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		source := archive.SpoolSource("the old disk", w.reader())
		w.cfg.Dir = t.TempDir()
		for range 6 {
			w.append(old)
			w.apply(source)
			w.wantOnce(w.n)
		}
		if r := w.verify(archive.VerifyOptions{Count: footer}); codes(r) != "" || r.Totals.Uploads != 2+1+1 {
			t.Errorf("%v, %+v", r.Findings, r.Totals)
		}
	})
}

// TestWhatTheWriterUploadsToo: somebody starts the lost machine again, where nothing
// refuses it.
func TestWhatTheWriterUploadsToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 4
		w.write(4)
		old, err := rotatelog.Open(t.Context(), w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		w.append(old)
		w.append(old)
		lost := w.cfg
		source := archive.SpoolSource("the old disk", w.reader())
		w.cfg.Dir = t.TempDir()
		w.apply(source)
		w.append(old)
		if err := old.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		old.Close()
		if p := w.apply(); len(p.Yield) != 1 {
			t.Errorf("%q yield", p.Yield)
		}
		w.wantOnce(7)
		w.cfg = lost
		w.write(3)
		w.wantOnce(10)
	})
}

// TestFetchesThatAreAlike are as many as there were, wherever they are put back from.
func TestFetchesThatAreAlike(t *testing.T) {
	breakTwo := func(w *world) {
		for range 2 {
			w.edit(w.key(), replace(`"fetches_in_upload":4`, `"fetches-in_upload":4`))
		}
	}
	move := func(w *world) archive.Source {
		source := archive.SpoolSource("the old disk", w.reader())
		w.cfg.Dir = w.t.TempDir()
		return source
	}
	for name, hurt := range map[string]func(w *world) []archive.Source{
		"on another machine": func(w *world) []archive.Source { return []archive.Source{move(w)} },
		"in broken uploads, which turn up": func(w *world) []archive.Source {
			source := move(w)
			breakTwo(w)
			w.apply()
			return []archive.Source{source}
		},
		"in broken uploads, of which one is found": func(w *world) []archive.Source {
			uploaded := all(filepath.Join(w.cfg.Dir, "all_api.spool", "uploaded", "*"))
			for _, file := range append(all(filepath.Join(w.cfg.Dir, "all_api.spool", "body*")), uploaded[1:]...) {
				if err := os.Remove(file); err != nil {
					w.t.Fatal(err)
				}
			}
			breakTwo(w)
			return nil
		},
		"in what was put back": func(w *world) []archive.Source {
			w.apply(move(w))
			wr, err := rotatelog.Open(w.t.Context(), w.cfg)
			if err != nil {
				w.t.Fatal(err)
			}
			w.appendAlike(wr)
			wr.Close()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.MaxFetches = 4
				wr := w.open()
				for range 13 {
					w.appendAlike(wr)
				}
				if err := wr.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				wr.Close()
				w.apply(hurt(w)...)
				w.write(0)
				if r := w.verify(archive.VerifyOptions{}); r.Totals.Fetches != w.alike {
					t.Errorf("%+v, want %d", r.Totals, w.alike)
				}
			})
		})
	}
}

// TestWholeTurnsUpAfterMoreDamage: the head is broken too, so that nothing names the
// upload; the mirror has it.
func TestWholeTurnsUpAfterMoreDamage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 4
		w.write(12)
		mirror := w.archive()
		mem := storetest.NewMem()
		mem.Put(w.key(), w.mem.Bytes(w.key()), nil)
		mirror.Store = mem
		good := string(w.mem.Bytes(w.key()))
		w.forget()
		w.edit(w.key(), replace(`"upload_sequence":2`, `"uplord_sequence":2`))
		w.edit(w.key(), replace(`{"n":5,"odds":[1.10`, `{"n":5,"odds":{1.10`))
		w.apply()
		w.edit(w.key(), replace(`{"n":7,"odds":[1.10`, `{"n":7,"odds":{1.10`)) // of what was put back
		w.apply()
		if r := w.verify(archive.VerifyOptions{}); r.Totals.Fetches != 10 {
			t.Errorf("%+v", r.Totals)
		}
		p := w.apply(archive.ArchiveSource("a mirror", mirror))
		if got := string(w.mem.Bytes(w.key())); got != good {
			t.Errorf("%q yield:\n%s\nwas\n%s", p.Yield, got, good)
		}
	})
}

// TestBrokenCopyOfFetchesWithoutIDs: the head of the copy says of which upload it is.
func TestBrokenCopyOfFetchesWithoutIDs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		wr := w.open()
		for range 6 {
			w.appendAlike(wr)
		}
		if err := wr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		wr.Close()
		w.forget()
		w.edit(w.key(), func(s string) string {
			second, broken := nth(s, 2), replace(`"upload_sequence"`, `"uplord_sequence"`)
			s = strings.Replace(s, nth(s, 3), broken(nth(s, 3)), 1)
			return strings.Replace(s, second, second+",\n"+broken(second), 1)
		})
		_, r, err := w.mend()
		if err != nil || codes(r) != "" && codes(r) != "sequence_gap" || r.Totals.Fetches != 6 {
			t.Errorf("%v, %+v, %v", r.Findings, r.Totals, err)
		}
	})
}

// TestSameIDTwiceIsRestored: what the second has besides is put back under another id.
func TestSameIDTwiceIsRestored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(6)
		w.forget()
		w.edit(w.key(), func(s string) string { return strings.Replace(s, idOf(nth(s, 3)), idOf(nth(s, 2)), 1) })
		w.edit(w.key(), func(s string) string {
			for range 3 {
				s = swap(`,"upload_sha256":"\w+"`, ``)(s)
			}
			return s
		})
		if p := w.apply(); len(p.Differ) != 1 {
			t.Errorf("differ %q", p.Differ)
		}
		w.wantOnce(6)
	})
}

// TestRuleIsNamed: what the spool alone has is counted by the rule of the day, if somebody
// says which.
func TestRuleIsNamed(t *testing.T) {
	for name, source := range map[string]bool{"the spool of the stream": false, "another spool": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				seven := func([]byte) (int64, error) { return 7, nil }
				w.cfg.Count = seven
				w.cfg.KeepUploaded = 100
				w.write(6)
				good := string(w.mem.Bytes(w.key()))
				for _, body := range all(filepath.Join(w.cfg.Dir, "all_api.spool", "body*")) {
					if err := os.Remove(body); err != nil {
						t.Fatal(err)
					}
				}
				w.edit(w.key(), replace(`"n":3,"odds"`, `"n":9,"odds"`))
				bad := string(w.mem.Bytes(w.key()))
				w.cfg.Count = nil
				var opts archive.RestoreOptions
				if source {
					opts.Sources = []archive.Source{archive.SpoolSource("the old disk", w.reader())}
					w.cfg.Dir = t.TempDir()
				}
				m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				p, _, err := archive.Restore(t.Context(), m, w.archive(), day, opts)
				if err == nil || !p.Uncounted || string(w.mem.Bytes(w.key())) != bad {
					t.Errorf("by another rule: %v", err)
				}
				if len(p.Differ) > 0 {
					t.Errorf("differ %q", p.Differ)
				}
				opts.Count = seven
				if _, _, err := archive.Restore(t.Context(), m, w.archive(), day, opts); err != nil {
					t.Fatal(err)
				}
				if got := string(w.mem.Bytes(w.key())); got != good {
					t.Errorf("restored:\n%s\nwas\n%s", got, good)
				}
			})
		})
	}
}

// TestCompressionByTheSpool of a day that is gone, of which the spool has no more than the
// last upload.
func TestCompressionByTheSpool(t *testing.T) {
	for _, pack := range compressions {
		for _, now := range compressions {
			t.Run(pack.String()+" then "+now.String(), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.cfg.Compression, w.cfg.KeepUploaded, w.cfg.KeepFor = pack, 1, -1
					w.write(4)
					key := w.key()
					mirror := w.archive()
					mem := storetest.NewMem()
					mem.Put(key, w.mem.Bytes(key), nil)
					mirror.Store = mem
					w.mem.Delete(key)
					w.cfg.Compression = now
					if _, _, err := w.mend(archive.ArchiveSource("a mirror", mirror)); err != nil {
						t.Fatal(err)
					}
					if got := w.key(); got != key {
						t.Errorf("restored as %q, was %q", got, key)
					}
					w.write(2)
					if got := w.key(); got != key {
						t.Errorf("%q, was %q", got, key)
					}
				})
			})
		}
	}
}
