package archive_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

var errCopying = errors.New("copying failed")

// copies records what is copied and written to keys in damaged/, and lets a fault happen
// to the first copy.
func (w *world) copies(first storetest.Fault) (made *[]string) {
	made = new([]string)
	w.cfg.Store = &storetest.Faulty{Store: w.mem, Fault: func(op storetest.Op) storetest.Fault {
		if !strings.Contains(op.Key, "/damaged/") || op.Name != "copy" && op.Name != "write" {
			return storetest.Fault{}
		}
		*made = append(*made, op.Name)
		if len(*made) == 1 {
			return first
		}
		return storetest.Fault{}
	}}
	return made
}

// TestStoreKeepsTheObjectItself: where it can copy, nothing is read to be written again.
// Copying that fails leaves the day as it is, and is done in the next try.
func TestStoreKeepsTheObjectItself(t *testing.T) {
	for name, test := range map[string]struct {
		fault storetest.Fault
		made  []string // by both tries
		fails bool     // the first try
	}{
		"copied":     {storetest.Fault{}, []string{"copy"}, false},
		"lost":       {storetest.Fault{Err: errCopying, Skip: true}, []string{"copy", "copy"}, true},
		"lost reply": {storetest.Fault{Err: errCopying}, []string{"copy", "copy"}, true},
		"replaced":   {storetest.Fault{Err: rotatelog.ErrConflict, Skip: true}, []string{"copy", "copy"}, true},
		"no copies":  {storetest.Fault{Err: errors.ErrUnsupported, Skip: true}, []string{"copy", "write"}, false},
		"a lie":      {storetest.Fault{Skip: true}, []string{"copy", "copy"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(10)
				w.edit(w.key(), hurts["flipped"].edit)
				bad := string(w.mem.Bytes(w.key()))
				made := w.copies(test.fault)
				p, m := w.plan()
				defer m.Close()
				_, err := p.Apply(t.Context())
				if test.fails {
					if err == nil || test.fault.Err != nil && !errors.Is(err, test.fault.Err) || string(w.mem.Bytes(w.key())) != bad {
						t.Errorf("%v, and the day holds\n%s", err, w.mem.Bytes(w.key()))
					}
					_, err = p.Apply(t.Context())
				}
				if err != nil || !slices.Equal(*made, test.made) || string(w.mem.Bytes(p.Aside)) != bad {
					t.Errorf("%v after %q, kept:\n%s", err, *made, w.mem.Bytes(p.Aside))
				}
				if r := w.verify(archive.VerifyOptions{}); codes(r) != "" {
					t.Errorf("%v", r.Findings)
				}
			})
		})
	}
}

// plain is a Store that can do no more than a Store must.
type plain struct{ rotatelog.Store }

// TestLateCopyHurtsNothing: a server that checks no version makes the copy of a try that has
// failed when the day is restored already. What was kept in the next try stays.
func TestLateCopyHurtsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		w.edit(w.key(), hurts["flipped"].edit)
		bad := string(w.mem.Bytes(w.key()))
		first := true
		late := &storetest.Faulty{Store: careless{w.mem}, Fault: func(op storetest.Op) storetest.Fault {
			if op.Name != "copy" || !first {
				return storetest.Fault{}
			}
			first = false
			return storetest.Fault{Err: errCopying, Later: true}
		}}
		w.cfg.Store = late
		p, m := w.plan()
		defer m.Close()
		if _, err := p.Apply(t.Context()); !errors.Is(err, errCopying) {
			t.Fatal(err)
		}
		if _, err := p.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if errs := late.Release(t.Context()); len(errs) != 1 || errs[0] != nil {
			t.Fatal(errs)
		}
		if got := string(w.mem.Bytes(p.Aside)); got != bad {
			t.Errorf("kept:\n%s", got)
		}
	})
}

// careless copies whatever is there, over whatever is there.
type careless struct{ *storetest.Mem }

func (s careless) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	s.Put(to, s.Bytes(from), nil)
	return nil
}

// TestObjectIsKeptByWriting where the Store does not copy. Whether it does or not, what is
// at the key already and is like the object is as good.
func TestObjectIsKeptByWriting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		w.edit(w.key(), hurts["flipped"].edit)
		bad := w.mem.Bytes(w.key())
		obj, err := w.mem.Stat(t.Context(), w.key())
		if err != nil {
			t.Fatal(err)
		}
		for _, store := range []rotatelog.Store{plain{w.mem}, w.mem} {
			w.cfg.Store = store
			p, m := w.plan()
			w.mem.Put(p.Aside, bad, maps.Clone(obj.Meta))
			if _, err := p.Apply(t.Context()); err != nil {
				t.Errorf("%T: %v", store, err)
			}
			m.Close()
			w.mem.Delete(p.Aside)
			w.edit(w.key(), func(string) string { return string(bad) })
		}
		w.cfg.Store = plain{w.mem}
		if p := w.restore([]int{1, 2, 3, 4, 5}); string(w.mem.Bytes(p.Aside)) != string(bad) {
			t.Errorf("kept:\n%s", w.mem.Bytes(p.Aside))
		}
	})
}

// wrongCopy copies something else.
type wrongCopy struct{ *storetest.Mem }

func (s wrongCopy) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	s.Put(to, append([]byte("x"), s.Bytes(from)[1:]...), nil)
	return nil
}

// TestCopyIsCompared: a copy that is not like the object ends the restore, and the
// takeover.
func TestCopyIsCompared(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Store = owned{w.mem}
		w.write(10)
		good := string(w.mem.Bytes(w.key()))
		mine := w.cfg.Dir
		w.cfg.Dir, w.cfg.Store = t.TempDir(), struct {
			wrongCopy
			single
		}{wrongCopy: wrongCopy{w.mem}}
		m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		takeover, err := archive.PlanTakeover(t.Context(), m, w.archive(), day)
		if err != nil {
			t.Fatal(err)
		}
		if err := takeover.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "is not like it") || string(w.mem.Bytes(w.key())) != good {
			t.Errorf("takeover: %v", err)
		}
		w.cfg.Dir = mine
		w.edit(w.key(), hurts["flipped"].edit)
		bad := string(w.mem.Bytes(w.key()))
		if _, _, err := w.mend(); err == nil || !strings.Contains(err.Error(), "is not like it") || string(w.mem.Bytes(w.key())) != bad {
			t.Errorf("restore: %v", err)
		}
	})
}

// single has its keys written by one Writer each.
type single struct{}

func (single) SingleWriter() bool { return true }
