package archive_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/storetest"
)

// plan plans to restore the day, from the spool of the stream and from sources.
func (w *world) plan(sources ...archive.Source) (*archive.Plan, *rotatelog.Maintenance) {
	w.t.Helper()
	m, err := rotatelog.OpenMaintenance(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := archive.PlanRestore(w.t.Context(), m, w.archive(), day, archive.RestoreOptions{Sources: sources})
	if err != nil {
		w.t.Fatalf("plan: %v", err)
	}
	return p, m
}

// mend plans to restore the day from sources, and does it.
func (w *world) mend(sources ...archive.Source) (*archive.Plan, archive.Report, error) {
	w.t.Helper()
	p, m := w.plan(sources...)
	defer m.Close()
	r, err := p.Apply(w.t.Context())
	return p, r, err
}

// mendWell is mend, and wants nothing to be wrong then but gaps.
func (w *world) mendWell(sources ...archive.Source) (*archive.Plan, archive.Report) {
	w.t.Helper()
	p, r, err := w.mend(sources...)
	if err != nil {
		w.t.Fatalf("apply: %v", err)
	}
	if got := strings.ReplaceAll(codes(r), "sequence_gap", ""); strings.TrimSpace(got) != "" {
		w.t.Errorf("after it: %v", r.Findings)
	}
	return p, r
}

// restore restores the day, and wants it good and with its uploads under these
// sequences.
func (w *world) restore(want []int, sources ...archive.Source) *archive.Plan {
	w.t.Helper()
	p, r := w.mendWell(sources...)
	var sequences []int
	for _, u := range p.Uploads() {
		sequences = append(sequences, u.Sequence)
	}
	if !slices.Equal(sequences, want) || r.Totals.Uploads != len(want) {
		w.t.Errorf("restored uploads %v (%+v), want %v", sequences, r.Totals, want)
	}
	return p
}

// hurts are what happens to an object of five uploads, and the uploads that then are
// not whole in it.
var hurts = map[string]struct {
	edit func(string) string
	gone []int
}{
	"emptied":      {func(string) string { return "" }, []int{1, 2, 3, 4, 5}},
	"a web page":   {func(string) string { return "<html>503</html>" }, []int{1, 2, 3, 4, 5}},
	"truncated":    {func(s string) string { return s[:strings.Index(s, `"upload_sequence":4`)+40] }, []int{4, 5}},
	"flipped":      {replace(`"n":4`, `"n":7`), []int{2}},
	"head flipped": {replace(`"upload_sequence":3`, `"uplord_sequence":3`), []int{3}},
	"totals":       {replace(`"total_matches_today":55`, `"total_matches_today":45`), nil},
	"frame":        {replace(`{"daily_metadata"`, `{"daily-metadata"`), nil},
	"an upload taken out": {func(s string) string { return strings.Replace(s, nth(s, 3)+",\n", "", 1) },
		[]int{3}},
	"twice": {func(s string) string { return s + s }, nil},
}

// TestBrokenDayIsRestored: from the object itself and the spool, with each upload under
// its sequence, and what was there kept.
func TestBrokenDayIsRestored(t *testing.T) {
	for name, hurt := range hurts {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(10)
				key := w.key()
				good := w.mem.Bytes(key)
				w.edit(key, hurt.edit)
				bad := w.mem.Bytes(key)
				p := w.restore([]int{1, 2, 3, 4, 5})
				if got := w.mem.Bytes(key); string(got) != string(good) {
					t.Errorf("restored:\n%s\nwas:\n%s", got, good)
				}
				if got := w.mem.Bytes(p.Aside); string(got) != string(bad) || !strings.HasPrefix(p.Aside, "all_api_rotating_logs/damaged/all_api_json_log_2025-07-10.json-20250710T") {
					t.Errorf("%q holds %q, want %q", p.Aside, got, bad)
				}
				var back []int
				for _, b := range p.PutBack {
					back = append(back, b.Sequence)
				}
				if !slices.Equal(back, hurt.gone) {
					t.Errorf("put back %v, want %v", back, hurt.gone)
				}
				w.write(3)
				if r := w.verify(archive.VerifyOptions{Count: footer}); codes(r) != "" || r.Totals.Fetches != 13 {
					t.Errorf("after the next uploads: %v, %+v", r.Findings, r.Totals)
				}
			})
		})
	}
}

func TestDeletedDayIsRestored(t *testing.T) {
	for _, pack := range compressions {
		t.Run(pack.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.Compression = pack
				w.write(10)
				key := w.key()
				good := w.mem.Bytes(key)
				w.mem.Delete(key)
				if p := w.restore([]int{1, 2, 3, 4, 5}); p.Aside != "" || len(p.Keep) > 0 {
					t.Errorf("%+v", p)
				}
				if got := textOf(pack, w.mem.Bytes(key)); string(got) != string(textOf(pack, good)) {
					t.Errorf("restored:\n%s\nwas:\n%s", got, textOf(pack, good))
				}
			})
		})
	}
}

func TestGoodDayIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		p, m := w.plan()
		defer m.Close()
		before, err := w.mem.Stat(t.Context(), p.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Apply(t.Context()); err != nil || p.Needed() {
			t.Errorf("%v, needed %v", err, p.Needed())
		}
		if after, err := w.mem.Stat(t.Context(), p.Key); err != nil || after.Version != before.Version {
			t.Errorf("%v, %v", after, err)
		}
	})
}

// TestGapsStay: what nothing has is missing by its sequence, and new uploads come after
// the highest that any source names.
func TestGapsStay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.KeepUploaded, w.cfg.KeepFor = 2, -1
		w.write(10)
		key := w.key()
		w.edit(key, func(s string) string {
			s = strings.Replace(s, nth(s, 2), strings.Replace(nth(s, 2), `"n":3`, `"n":9`, 1), 1)
			return strings.Replace(s, `"n":10`, `"n":11`, 1)
		})
		p := w.restore([]int{1, 3, 4, 5})
		if fmt.Sprint(p.Missing) != "[2]" {
			t.Errorf("missing %v", p.Missing)
		}
		w.write(2)
		r := w.verify(archive.VerifyOptions{})
		if codes(r) != "sequence_gap" || r.Totals.Uploads != 5 {
			t.Errorf("%v", r.Findings)
		}
	})
}

// TestRestoreFromOtherSources: from the spool of a lost machine, whose pending and
// unfinished batches come too, and from a mirror.
func TestRestoreFromOtherSources(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		lost := w.cfg.Dir
		wr, err := rotatelog.Open(t.Context(), w.cfg) // it appends three more, and is lost
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if _, err := wr.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{"late":true}`), TotalMatches: int64(n)}); err != nil {
				t.Fatal(err)
			}
		}
		wr.Close()
		key := w.key()
		good := w.mem.Bytes(key)
		w.mem.Delete(key)
		w.cfg.Dir = t.TempDir()
		spool, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: lost, Location: w.zone})
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		p := w.restore([]int{1, 2, 3, 4, 5, 6, 7}, archive.SpoolSource("the old disk", spool))
		if n := len(p.PutBack); n != 7 || p.PutBack[6].FetchCount != 1 || p.PutBack[0].From != "the old disk" {
			t.Errorf("%+v", p.PutBack)
		}
		w.restore([]int{1, 2, 3, 4, 5, 6, 7}, archive.SpoolSource("the old disk", spool))
		if got := string(w.mem.Bytes(key)); !strings.Contains(got, `"late":true`) || len(got) < len(good) {
			t.Errorf("%s", got)
		}
	})
}

func TestRestoreOfAnotherVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		key := w.key()
		w.edit(key, replace(`"n":4`, `"n":7`))
		p, m := w.plan()
		defer m.Close()
		w.edit(key, replace(`"n":7,`, `"n":8,`))
		before := w.mem.Bytes(key)
		if _, err := p.Apply(t.Context()); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%v", err)
		}
		if string(w.mem.Bytes(key)) != string(before) {
			t.Error("it was written")
		}
	})
}

// TestRestoreBesideTheWriter: the Writer continues, finds the restored day to be its
// own, and each fetch is there once.
func TestRestoreBesideTheWriter(t *testing.T) {
	for name, hurt := range hurts {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var reported []string
				w.cfg.Hooks.Changed = func(c rotatelog.Changed) { reported = append(reported, c.Differences...) }
				w.cfg.Hooks.Failed = func(f rotatelog.Failed) { reported = append(reported, f.Err.Error()) }
				wr := w.open()
				defer wr.Close()
				for range 10 {
					w.append(wr)
				}
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.edit(w.key(), hurt.edit)
				w.restore([]int{1, 2, 3, 4, 5})
				for range 4 {
					w.append(wr)
				}
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				r := w.verify(archive.VerifyOptions{Count: footer})
				if codes(r) != "" || r.Totals.Uploads != 7 || r.Totals.Fetches != 14 || len(reported) > 0 {
					t.Errorf("%v, %+v, reported %q", r.Findings, r.Totals, reported)
				}
			})
		})
	}
}

// located is a store at a place.
type located struct {
	rotatelog.Store
	place string
}

func (l located) Location() string { return l.place }

// TestUploadsOfAnotherPlaceStayThere: a stream has moved to another bucket at noon, and
// the day is restored there.
func TestUploadsOfAnotherPlaceStayThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		old := w.mem
		w.cfg.Store = located{old, "old"}
		w.write(4)
		w.mem = storetest.NewMem()
		w.cfg.Store = located{w.mem, "new"}
		w.write(4)
		w.edit(w.key(), replace(`"n":6`, `"n":9`))
		w.restore([]int{1, 2})
		if got := string(w.mem.Bytes(w.key())); strings.Contains(got, `"n":1,`) || !strings.Contains(got, `"n":6`) {
			t.Errorf("restored:\n%s", got)
		}
	})
}

// TestErrorsThatStay are no reason to write the day again and again.
func TestErrorsThatStay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		w.mem.Put(w.archive().Key(day, rotatelog.Gzip), []byte("x"), nil)
		p, m := w.plan()
		defer m.Close()
		if p.Needed() || codes(p.Report) != "two_objects" {
			t.Errorf("%v", p.Report.Findings)
		}
	})
}

// TestRehearsal: the day is put together in a directory, from the bucket and the spool, and
// neither of the two is touched.
func TestRehearsal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		w.edit(w.key(), hurts["flipped"].edit)
		before := string(w.mem.Bytes(w.key()))
		to, err := dirstore.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		spool, err := rotatelog.OpenSpoolReader(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		m, err := rotatelog.OpenMaintenance(t.Context(), rotatelog.Config{Dir: t.TempDir(), Store: to})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		there := w.archive()
		there.Store = to
		sources := []archive.Source{archive.ArchiveSource("the bucket", w.archive()), archive.SpoolSource("the spool", spool)}
		p, r, err := archive.Restore(t.Context(), m, there, day, archive.RestoreOptions{Sources: sources})
		if err != nil || codes(r) != "" || r.Totals.Fetches != 10 || len(p.PutBack) != 5 {
			t.Errorf("%v, %v, %+v", err, r.Findings, p)
		}
		if after := string(w.mem.Bytes(w.key())); after != before || len(w.mem.Keys()) != 1 {
			t.Errorf("the store holds %q:\n%s", w.mem.Keys(), after)
		}
		w.restore([]int{1, 2, 3, 4, 5}, archive.ArchiveSource("the directory", there))
	})
}

// TestDayOfAnotherOwnerIsLeftAlone: nothing is even copied.
func TestDayOfAnotherOwnerIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Store = owned{w.mem}
		w.write(10)
		w.edit(w.key(), replace(`{"n":4,"odds":[`, `{"n":4,"odds":{`))
		before := string(w.mem.Bytes(w.key()))
		w.cfg.Dir = t.TempDir()
		if _, _, err := w.mend(); !errors.Is(err, rotatelog.ErrPermanent) {
			t.Errorf("%v", err)
		}
		if len(w.mem.Keys()) != 1 || string(w.mem.Bytes(w.key())) != before {
			t.Errorf("the store holds %q", w.mem.Keys())
		}
	})
}
