package archive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// TestTwoMachinesTakeOverADayThatIsOver at the same time: both have looked at it before
// either changes it. One succeeds.
func TestTwoMachinesTakeOverADayThatIsOver(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.write(4)
		time.Sleep(24 * time.Hour)
		b.twoTakeOver(t)
	})
}

// TestTwoMachinesTakeOverADayOfTheOldScript, which has no other layout.
func TestTwoMachinesTakeOverADayOfTheOldScript(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.continueScriptDay(t)
		b.twoTakeOver(t)
	})
}

// TestTwoNewMachinesAndADayOfTheOldScript, whose text says nothing of its owner: a server
// that knows versions by their content must not take one machine's for the other's.
func TestTwoNewMachinesAndADayOfTheOldScript(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.continueScriptDay(t)
		b.twoTakeOverAtOnce(t)
	})
}

// continueScriptDay has the Writer continue a day of the old script.
func (b *bucket) continueScriptDay(t *testing.T) {
	t.Helper()
	key := b.archive().Key(day, rotatelog.Uncompressed)
	if err := b.cfg.Store.Write(t.Context(), key, "", []rotatelog.Part{rotatelog.Data([]byte(scriptDay(t)))}, nil); err != nil {
		t.Fatal(err)
	}
	b.write(4)
}

// twoTakeOver has two machines take the day over, both of which have looked at it before
// either changes it. The first succeeds.
func (b *bucket) twoTakeOver(t *testing.T) {
	var plans []*archive.Takeover
	for range 2 {
		b.cfg.Dir = t.TempDir()
		m, err := rotatelog.OpenMaintenance(t.Context(), b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		p, err := archive.PlanTakeover(t.Context(), m, b.archive(), day)
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	if err := plans[0].Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := plans[1].Apply(t.Context()); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("the second: %v", err)
	}
}

// TestThreeMachinesTakeOverADay: one has looked at it, then two others take it over, one
// after the other. The second of them leaves the bytes that the first one saw, and with them
// its version where versions are contents; only the owner is another.
func TestThreeMachinesTakeOverADay(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.write(4)
		time.Sleep(24 * time.Hour)
		b.cfg.Dir = t.TempDir()
		m, err := rotatelog.OpenMaintenance(t.Context(), b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		early, err := archive.PlanTakeover(t.Context(), m, b.archive(), day)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			b.cfg.Dir = t.TempDir()
			if _, err := b.takeOver(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		if err := early.Apply(t.Context()); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("the one that looked first: %v", err)
		}
	})
}

// TestEntriesOfAWriterInADayOfTheOldScript: a byte of one of them that is changed is
// found, as it is in a day that a Writer began.
func TestEntriesOfAWriterInADayOfTheOldScript(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.archive().Key(day, rotatelog.Uncompressed)
		w.mem.Put(key, []byte(scriptDay(t)), nil)
		w.write(4)
		obj, err := w.mem.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		good := string(w.mem.Bytes(key))
		begin := strings.Index(good, nth(good, 1))
		end := strings.Index(good, nth(good, 2)) + len(nth(good, 2))
		var unnoticed []string
		for i := begin; i < end; i++ {
			for _, c := range []byte{good[i] ^ 1, good[i] ^ 2, ' '} {
				if c == good[i] || strings.HasPrefix(good[i:], "\n"+`{"upload_sequence"`) { // between two entries
					continue
				}
				bad := []byte(good)
				bad[i] = c
				w.mem.Put(key, bad, obj.Meta)
				if r := w.verify(archive.VerifyOptions{}); codes(r) == "" {
					from := max(begin, i-12)
					unnoticed = append(unnoticed, fmt.Sprintf("%q for %q in %q", c, good[i], good[from:i+8]))
				}
			}
		}
		if n := len(unnoticed); n > 0 {
			t.Errorf("%d changes are unnoticed, such as %s and %s", n, unnoticed[0], unnoticed[n/2])
		}
	})
}

// TestTakeoverOfAnUploadOfAnotherForm: the lost machine was killed in its first upload of
// the day, which it compresses, and the new one does not.
func TestTakeoverOfAnUploadOfAnotherForm(t *testing.T) {
	tried := 0
	for n := range 30 {
		inBucket(t, fakes3.NoConditions(), sizes["in parts"], func(t *testing.T, b *bucket) {
			b.cfg.Compression = rotatelog.Zstd
			b.killedAt(n+1, true, func(ctx context.Context) { b.killedWrite(ctx, 2) })
			if open := b.srv.Uploads(s3test.Bucket); len(open) == 0 || open[0].Key != b.key() || b.object() != "" {
				return
			}
			tried++
			b.cfg.Dir, b.cfg.Compression = t.TempDir(), rotatelog.Uncompressed
			if _, err := b.takeOver(t.Context(), false); err == nil {
				t.Errorf("killed at %d: it takes over, though %+v is open", n+1, b.srv.Uploads(s3test.Bucket))
			}
		})
	}
	if tried == 0 {
		t.Error("no upload was ever open")
	}
}

// TestDayOfTheOldScriptIsHeldAgainstItsMirror, which is as it is.
func TestDayOfTheOldScriptIsHeldAgainstItsMirror(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.mem.Put(w.archive().Key(day, rotatelog.Uncompressed), []byte(scriptDay(t)), nil)
		w.write(4)
		mirror := w.archive()
		if r := w.verify(archive.VerifyOptions{Against: &mirror, Spool: w.reader()}); codes(r) != "" {
			t.Errorf("%v", r.Findings)
		}
	})
}
