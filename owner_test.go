package rotatelog_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// owned is a Store whose keys have one owner each.
type owned struct{ rotatelog.Store }

func (owned) SingleWriter() bool { return true }

// second opens another Writer, with a disk of its own, on the same store.
func (b *bench) second() *bench {
	b.others++
	other := &bench{t: b.t, disk: crashfs.New(), mem: b.mem, cfg: b.cfg, log: new(lockedBuffer), ids: 1000 * b.others}
	other.setDisk(other.disk)
	other.open()
	return other
}

// inParallel lets each of writers append ten fetches, upload them, and end.
func inParallel(t *testing.T, writers []*bench) {
	var all sync.WaitGroup
	for _, w := range writers {
		all.Go(func() {
			defer w.Close()
			w.append(ten...)
			if err := w.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestSecondOwnerIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = owned{b.cfg.Store}
		b.open()
		b.append(1)
		b.flush()
		other := b.second()
		defer other.Close()
		other.append(2)
		err := other.Flush(t.Context())
		if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "s3store.Options.Shared") {
			t.Errorf("%v, want an error that names Shared", err)
		}
		if len(other.pending()) != 1 || b.day(dayA).Metadata.Fetches != 1 {
			t.Errorf("pending %q, stored %+v", other.pending(), b.day(dayA).Metadata)
		}
		b.reopen() // the owner is known by its spool
		b.append(3)
		b.flush()
	})
}

func TestSharedStoreHasNoOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		writers := []*bench{b}
		for range 7 {
			writers = append(writers, b.second())
		}
		inParallel(t, writers)
		if m := b.day(dayA).Metadata; m.Uploads != 80 || m.Matches != 8*55 {
			t.Errorf("%+v", m)
		}
	})
}

// TestMissingUploadsAreUploadedAgain: what was confirmed and is gone is uploaded again, as far
// as it is on disk, and that is reported.
func TestMissingUploadsAreUploadedAgain(t *testing.T) {
	for name, damage := range map[string]func(b *bench, before []byte){
		"older":   func(b *bench, before []byte) { b.mem.Put(dayA, before, nil) },
		"emptied": func(b *bench, before []byte) { b.mem.Put(dayA, []byte(`{"uploads":[]}`), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				found := b.losses()
				b.open()
				b.append(1)
				b.flush()
				before := b.mem.Bytes(dayA)
				b.append(2)
				b.flush()
				b.append(3)
				b.flush()
				damage(b, before)
				b.append(4)
				b.flush()
				wantOneLoss(t, *found, dayA, "s3store.Options.Shared")
				if m := b.day(dayA).Metadata; m.Uploads != 4 || m.Matches != 10 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// TestOwnerIsDurable kills a process while it makes the id that its objects
// carry. The next uploads under it; power is then cut, and the object must still
// be this spool's.
func TestOwnerIsDurable(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = owned{b.cfg.Store}
		b.cfg.MaxFetches = 1
		b.open()
		var made atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.To == "all_api.spool/owner" {
				made.Store(true)
			} else if made.Load() {
				return syscall.EIO
			}
			return nil
		})
		b.append(1)
		synctest.Wait()
		if !made.Load() {
			t.Fatal("no owner was made")
		}
		b.die()
		b.open()
		b.flush()
		left := b.disk.Crash(crashfs.KeepNothing)
		b.die()
		b.setDisk(left)
		b.open()
		b.append(2)
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 2 {
			t.Errorf("%+v", m)
		}
	})
}

// TestOwnerIsMadeOnce: a Writer and who mends its days have one id, though both make the
// first one at the same time.
func TestOwnerIsMadeOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Store = owned{b.cfg.Store}
		b.cfg.MaxFetches = 1
		b.open()
		var begun atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Name == "all_api.spool/owner.new" && begun.CompareAndSwap(false, true) {
				time.Sleep(time.Second) // until the other is at it
			}
			return nil
		})
		b.append(1)
		synctest.Wait()
		if !begun.Load() {
			t.Fatal("no owner was made")
		}
		m, err := rotatelog.OpenMaintenance(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		b.flush()
		b.reopen()
		b.append(2)
		b.flush()
		id, err := b.disk.ReadFile("all_api.spool/owner")
		if err != nil || string(id) != m.Owner() {
			t.Errorf("the owner is %q, and for who mends %q, %v", id, m.Owner(), err)
		}
	})
}
