package rotatelog_test

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
)

// What is stored is found again after settings were changed: by a Writer without an Identity
// in between, by another Identity, with another Compression and Store, and as long as it is
// kept after less is kept.
func TestDuplicateAfterChangesOfSettings(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.Identity = 2, 2, rotatelog.HeaderIdentity
		b.open()
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			b.appendID(id)
		}
		b.flush()
		b.cfg.Identity = nil
		b.reopen()
		for _, id := range []string{"f", "g", "h"} {
			b.appendID(id)
		}
		b.flush()
		changes := []func(){
			func() { b.cfg.Identity = rotatelog.HeaderIdentity },
			func() { b.cfg.Identity = rotatelog.ContentIdentity },
			func() { b.cfg.Compression = rotatelog.Zstd },
			func() { b.cfg.Prefix = "elsewhere/" },
			func() { b.cfg.Identity = rotatelog.HeaderIdentity },
			func() { b.cfg.AppendOnly = true },
			func() { b.cfg.AppendOnly = false },
		}
		for i, change := range changes {
			change()
			b.reopen()
			time.Sleep(10 * time.Minute) // some are compressed
			for j, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
				if r := b.appendID(id); !r.Duplicate || r.Number != j+1 {
					t.Errorf("after change %d: %s is %+v", i, id, r)
				}
			}
		}
		b.cfg.KeepFor, b.cfg.Prefix = -1, ""
		b.reopen()
		for _, id := range []string{"i", "j"} {
			b.appendID(id)
		}
		b.flush()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(b.uploaded()); n != 2 {
			t.Errorf("%d batches are kept", n)
		}
		if r := b.appendID("i"); !r.Duplicate {
			t.Errorf("i: %+v", r)
		}
		if r := b.appendID("a"); r.Duplicate {
			t.Errorf("a, which is not kept any more: %+v", r)
		}
	})
}
