package archive_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// wantOnce wants each fetch up to the n-th once in the day.
func (w *world) wantOnce(n int) {
	w.t.Helper()
	got := fetches(w.t, string(w.mem.Bytes(w.key())))
	slices.Sort(got)
	var want []int
	for i := range n {
		want = append(want, i+1)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("fetches %v, want %v", got, want)
	}
}

// copySpool returns a reader of a copy of the directory as it is now.
func (w *world) copySpool() *rotatelog.SpoolReader {
	w.t.Helper()
	synctest.Wait() // nothing is written meanwhile
	dir := filepath.Join(w.t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(w.cfg.Dir)); err != nil {
		w.t.Fatal(err)
	}
	spool, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: dir, Location: w.zone})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { spool.Close() })
	return spool
}

// TestCopyOfTheSpoolIsASource: a copy of the spool of the stream itself, as a backup has
// it. What was unfinished then is in the day since, or waits.
func TestCopyOfTheSpoolIsASource(t *testing.T) {
	for _, uploaded := range []bool{true, false} {
		t.Run(fmt.Sprintf("uploaded %v", uploaded), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.MaxFetches = 4
				wr := w.open()
				defer wr.Close()
				for range 6 {
					w.append(wr)
				}
				backup := w.copySpool()
				for range 2 {
					w.append(wr)
				}
				if uploaded {
					if err := wr.Drain(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.edit(w.key(), replace(`"n":2,"odds"`, `"n":9,"odds"`))
				if _, _, err := w.mend(archive.SpoolSource("the backup", backup)); err != nil {
					t.Fatal(err)
				}
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.wantOnce(8)
			})
		})
	}
}

// TestOldDiskIsRestoredFromTwice: the Writer of the lost machine went on in between, and
// was refused.
func TestOldDiskIsRestoredFromTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 4
		w.cfg.Store = owned{w.mem}
		w.write(8)
		old, err := rotatelog.Open(t.Context(), w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		w.append(old)
		spool := w.reader()
		w.cfg.Dir = t.TempDir()
		m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		plan, err := archive.PlanTakeover(t.Context(), m, w.archive(), day)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		source := archive.SpoolSource("the old disk", spool)
		for range 2 {
			if _, _, err := archive.Restore(t.Context(), m, w.archive(), day, archive.RestoreOptions{Sources: []archive.Source{source}}); err != nil {
				t.Fatal(err)
			}
			w.wantOnce(w.n)
			w.append(old)
			if err := old.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) {
				t.Fatalf("the lost machine: %v", err)
			}
		}
	})
}

// TestWholeOfAnUploadTurnsUp after what was left of it was put back.
func TestWholeOfAnUploadTurnsUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 4
		w.write(12)
		backup := w.copySpool()
		w.edit(w.key(), replace(`{"n":5,"odds":[1.10`, `{"n":5,"odds":{1.10`))
		w.forget()
		for _, sources := range [][]archive.Source{nil, {archive.SpoolSource("the backup", backup)}} {
			if _, _, err := w.mend(sources...); err != nil {
				t.Fatal(err)
			}
		}
		w.wantOnce(12)
	})
}

// TestRestoreByAnotherRule: matches are not counted by a rule that does not give those of
// the other uploads, whether the upload is whole or not.
func TestRestoreByAnotherRule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Count = func([]byte) (int64, error) { return 7, nil }
		w.write(4)
		good := string(w.mem.Bytes(w.key()))
		w.edit(w.key(), replace(`"n":3,"odds"`, `"n":9,"odds"`))
		w.cfg.Count = nil
		_, _, err := w.mend()
		if got := string(w.mem.Bytes(w.key())); err == nil && got != good {
			t.Errorf("restored, without a word:\n%s\nwas\n%s", got, good)
		}
	})
}

// TestCompressionThatWasChanged during a day which was then deleted: the day is restored as
// it was compressed, since the batches that wait will be.
func TestCompressionThatWasChanged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Compression = rotatelog.Zstd
		w.write(4)
		w.cfg.Compression = rotatelog.Uncompressed
		w.write(2)
		key := w.key()
		w.mem.Delete(key)
		if _, _, err := w.mend(); err != nil {
			t.Fatal(err)
		}
		if err := w.tryToWrite(2); err != nil {
			t.Error(err)
		}
		if keys := w.mem.Keys(); !slices.Equal(keys, []string{key}) {
			t.Errorf("the store holds %q, had %q", keys, key)
		}
	})
}

// TestUploadWithoutFetchesOfTheOldScript is not lost.
func TestUploadWithoutFetchesOfTheOldScript(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"empty": func(s string) string {
			return s[:strings.Index(s, `"fetch_data"`)] + `"fetch_data": []` + s[endOfList(s):]
		},
		"other member": replace(`"fetch_data"`, `"fetched_data"`),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				key := w.archive().Key(day, rotatelog.Uncompressed)
				w.mem.Put(key, []byte(edit(scriptDay(t))), nil)
				w.write(4)
				matches := w.verify(archive.VerifyOptions{}).Totals
				w.edit(key, func(s string) string { return replace(",\n"+nth(s, 2), "")(s) })
				_, r, err := w.mend()
				if err == nil && r.Totals != matches {
					t.Errorf("%+v, was %+v; findings %v\n%s", r.Totals, matches, r.Findings, w.mem.Bytes(key))
				}
			})
		})
	}
}

// endOfList returns where the first fetch_data of a day ends.
func endOfList(s string) int {
	at := strings.Index(s, `"fetch_data"`)
	depth := 0
	for i := at; ; i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// TestOddTimestampOfTheOldScript: a day that was good is good after it was restored.
func TestOddTimestampOfTheOldScript(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.archive().Key(day, rotatelog.Uncompressed)
		w.mem.Put(key, []byte(swap(`"upload_timestamp": "[^"]*"`, `"upload_timestamp": "2025-07-10T09:00:00"`)(scriptDay(t))), nil)
		w.write(4)
		if r := w.verify(archive.VerifyOptions{}); r.Worst() == archive.Error {
			t.Fatalf("before: %v", r.Findings)
		}
		w.edit(key, func(s string) string { return replace(",\n"+nth(s, 2), "")(s) })
		if _, r, err := w.mend(); err == nil && r.Worst() == archive.Error {
			t.Errorf("after: %v", r.Findings)
		}
	})
}

// TestSameIDTwice: of two uploads that differ neither is dropped without a word.
func TestSameIDTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(6)
		w.forget()
		w.edit(w.key(), func(s string) string {
			a, b := idOf(nth(s, 2)), idOf(nth(s, 3))
			s = strings.Replace(s, b, a, 1)
			for range 3 { // as from before there was a checksum
				s = swap(`,"upload_sha256":"\w+"`, ``)(s)
			}
			return s
		})
		p, m := w.plan()
		defer m.Close()
		if len(p.Keep)+len(p.PutBack) != 3 && len(p.Differ) == 0 {
			t.Errorf("kept %d, put back %d, differ %v, partial %v", len(p.Keep), len(p.PutBack), p.Differ, p.Partial)
		}
	})
}

func idOf(upload string) string {
	_, id, _ := strings.Cut(upload, `"upload_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

// TestBrokenCopyOfAnUpload that is whole beside it: its fetches are not put back.
func TestBrokenCopyOfAnUpload(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(6)
		w.forget()
		w.edit(w.key(), func(s string) string {
			second := nth(s, 2)
			return strings.Replace(s, second, second+",\n"+replace(`"upload_sequence"`, `"uplord_sequence"`)(second), 1)
		})
		if _, _, err := w.mend(); err != nil {
			t.Fatal(err)
		}
		w.wantOnce(6)
	})
}
