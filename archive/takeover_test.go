package archive_test

import (
	"errors"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// owned is a store in which each object has one Writer.
type owned struct{ rotatelog.Store }

func (owned) SingleWriter() bool { return true }

// TestNewDirectoryContinuesTheStream: with the owner, the daily number and the
// compression, and the lost machine is refused when it comes back.
func TestNewDirectoryContinuesTheStream(t *testing.T) {
	for _, pack := range compressions {
		t.Run(pack.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				counting := &opened{Store: w.mem}
				w.cfg.Store, w.cfg.Compression = owned{counting}, pack
				w.write(11)
				key := w.key()
				lost := w.cfg
				w.cfg.Dir, w.cfg.Compression = t.TempDir(), rotatelog.Uncompressed
				m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				a := w.archive()
				a.Store = w.cfg.Store
				plan, err := archive.PlanTakeover(t.Context(), m, a, day)
				if err != nil {
					t.Fatal(err)
				}
				if plan.Number != 11 || plan.Uploads != 6 || plan.Mine || plan.Key != key || plan.Compression != pack {
					t.Errorf("%+v", plan)
				}
				if err := plan.Apply(t.Context()); err != nil {
					t.Fatal(err)
				}
				if counting.open != 0 {
					t.Errorf("%d readers are open", counting.open)
				}
				wr := w.open()
				defer wr.Close()
				for n := range 3 {
					r, err := wr.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{}`)})
					if err != nil || r.Number != 12+n {
						t.Errorf("%+v, %v", r, err)
					}
				}
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				if r := w.verify(archive.VerifyOptions{Count: footer}); codes(r) != "" || r.Totals.Uploads != 8 || r.Totals.Fetches != 14 || r.Key != key {
					t.Errorf("%v, %+v", r.Findings, r.Totals)
				}
				old, err := rotatelog.Open(t.Context(), lost)
				if err != nil {
					t.Fatal(err)
				}
				defer old.Close()
				w.append(old)
				if err := old.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) {
					t.Errorf("the lost machine: %v", err)
				}
			})
		})
	}
}
