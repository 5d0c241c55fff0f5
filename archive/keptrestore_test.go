package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/packed"
)

// keptBatches returns the files of the confirmed batches.
func (w *world) keptBatches() []string {
	return all(filepath.Join(w.cfg.Dir, "all_api.spool", "uploaded", "*.json*"))
}

// onlyBatches removes the last bodies of days, so that the spool has batches alone.
func (w *world) onlyBatches() {
	w.t.Helper()
	for _, name := range all(filepath.Join(w.cfg.Dir, "all_api.spool", "body*")) {
		if err := os.Remove(name); err != nil {
			w.t.Fatal(err)
		}
	}
}

// compressBatch gives a batch its compressed form.
func compressBatch(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var frame bytes.Buffer
	to, err := packed.NewFrameWriter(&frame, int64(len(text)))
	if err == nil {
		_, err = to.Write(text)
	}
	if err == nil {
		err = to.Close()
	}
	if err == nil {
		err = os.WriteFile(name+".zst", frame.Bytes(), 0o400)
	}
	return errors.Join(err, os.Remove(name))
}

// cutOff takes the last bytes of a file.
func cutOff(name string, n int) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(name), os.WriteFile(name, content[:len(content)-n], 0o400))
}

// batchDamages are what happens to a batch that is kept.
var batchDamages = map[string]func(name string) error{
	"compressed, and cut off": func(name string) error { return errors.Join(compressBatch(name), cutOff(name+".zst", 3)) },
	"cut off in a fetch":      func(name string) error { return cutOff(name, 9) },
	"empty":                   func(name string) error { return os.Truncate(name, 0) },
}

// TestDamagedBatchIsMissing: the day is deleted, and one of the batches that are kept is
// damaged, the last one included. What is lost is said, and what can be read of it comes
// back once.
func TestDamagedBatchIsMissing(t *testing.T) {
	for name, hurt := range batchDamages {
		for n := 4; n <= 5; n++ {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.write(10)
					w.onlyBatches()
					w.mem.Delete(w.key())
					if err := hurt(w.keptBatches()[n-1]); err != nil {
						t.Fatal(err)
					}
					p, _ := w.mendWell()
					rest := len(p.Partial) // 1 if something can be read of it
					if want := fmt.Sprint([]int{n}[rest:]); fmt.Sprint(p.Missing) != want || len(p.PutBack) != 4+rest {
						t.Errorf("missing %v, want %v; put back %d", p.Missing, want, len(p.PutBack))
					}
					for _, part := range p.Partial {
						if part.Fetches != 1 || part.Of != 2 || part.As != part.Was {
							t.Errorf("%+v", part)
						}
					}
					w.write(2)
					if r := w.verify(archive.VerifyOptions{}); r.Totals.Fetches != 8+rest+2 || r.Totals.Uploads != 4+rest+1 {
						t.Errorf("%+v %v", r.Totals, r.Findings)
					}
					p, m := w.plan()
					defer m.Close()
					if p.Needed() || len(p.PutBack)+len(p.Partial) > 0 {
						t.Errorf("then: %+v", p)
					}
				})
			})
		}
	}
}

// TestDamagedBatchYieldsToAWholeCopy: a source that has all of the batch is used.
func TestDamagedBatchYieldsToAWholeCopy(t *testing.T) {
	for name, hurt := range batchDamages {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(10)
				copied := t.TempDir()
				if err := os.CopyFS(copied, os.DirFS(w.cfg.Dir)); err != nil {
					t.Fatal(err)
				}
				w.onlyBatches()
				good := w.mem.Bytes(w.key())
				w.mem.Delete(w.key())
				if err := hurt(w.keptBatches()[2]); err != nil {
					t.Fatal(err)
				}
				spool, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: copied, Location: w.zone})
				if err != nil {
					t.Fatal(err)
				}
				defer spool.Close()
				p := w.restore([]int{1, 2, 3, 4, 5}, archive.SpoolSource("the copy", spool))
				if len(p.Partial)+len(p.Differ)+len(p.Missing) > 0 {
					t.Errorf("partial %v, differ %v, missing %v", p.Partial, p.Differ, p.Missing)
				}
				if got := w.mem.Bytes(w.key()); string(got) != string(good) {
					t.Errorf("restored:\n%s\nwas:\n%s", got, good)
				}
				if slices.ContainsFunc(p.PutBack, func(b archive.PutBack) bool { return b.Sequence == 3 && strings.Contains(b.From, "the spool") }) {
					t.Error("it is taken from the spool")
				}
			})
		})
	}
}

// TestDamagedBatchIsNoErrorOfTheDay: a good day stays good though a batch of it is damaged.
func TestDamagedBatchIsNoErrorOfTheDay(t *testing.T) {
	for name, hurt := range batchDamages {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(6)
				if err := hurt(w.keptBatches()[1]); err != nil {
					t.Fatal(err)
				}
				spool, err := rotatelog.OpenSpoolReader(w.cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer spool.Close()
				if r := w.verify(archive.VerifyOptions{Spool: spool}); codes(r) != "" {
					t.Errorf("%v", r.Findings)
				}
			})
		})
	}
}
