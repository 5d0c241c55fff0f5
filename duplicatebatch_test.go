package rotatelog_test

import (
	"context"
	"errors"
	"io/fs"
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

func TestDuplicateInABatchThatFailed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 2, rotatelog.HeaderIdentity
		var failing atomic.Bool
		failed := 0
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				time.Sleep(time.Second)
			}
			if op.Kind == "SyncDir" && op.Name == "all_api.spool/pending" && failing.Load() {
				failed++
				return syscall.EIO
			}
			return nil
		})
		b.away()
		b.open()
		failing.Store(true)
		var all sync.WaitGroup
		for _, id := range []string{"a", "b", "c"} {
			all.Go(func() { b.Append(context.Background(), withID(id)) })
			time.Sleep(100 * time.Millisecond)
		}
		all.Wait()
		failing.Store(false)
		if failed == 0 {
			t.Fatal("no batch was to be sealed")
		}
		for _, id := range []string{"c", "b", "a", "d"} {
			b.appendID(id)
		}
		b.onStore(nil)
		b.flush()
		if d := b.day(dayA); d.Metadata.Fetches != 4 {
			t.Errorf("%d fetches are in the store, want 4", d.Metadata.Fetches)
		}
	})
}

func TestDuplicateInUnsyncedBatch(t *testing.T) {
	for _, secured := range []bool{true, false} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches, b.cfg.Identity = 2, rotatelog.HeaderIdentity
			b.away()
			b.open()
			syncs := atomic.Int64{}
			failing := func(op crashfs.Op) error {
				if op.Kind == "SyncDir" && op.Name == "all_api.spool/pending" {
					syncs.Add(1)
					return syscall.EIO
				}
				return nil
			}
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == "Sync" {
					time.Sleep(time.Second)
				}
				return failing(op)
			})
			var all sync.WaitGroup
			for _, id := range []string{"x", "a", "b", "c"} { // x alone, then two at once
				all.Go(func() { b.Append(context.Background(), withID(id)) })
				synctest.Wait()
			}
			all.Wait()
			b.die()
			if syncs.Load() == 0 {
				t.Fatal("no batch was sealed")
			}
			b.open()
			if !secured {
				b.onDisk(failing)
			}
			acked := map[string]bool{}
			for _, id := range []string{"x", "a", "b", "c"} {
				_, err := b.Append(t.Context(), withID(id))
				acked[id] = err == nil
				if secured && err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
			left := b.disk.Crash(crashfs.KeepNothing)
			b.die()
			b.setDisk(left)
			b.open()
			for id, ok := range acked {
				if r := b.appendID(id); ok && !r.Duplicate {
					t.Errorf("secured %v: %s was acknowledged, and is gone", secured, id)
				}
			}
		})
	}
}

func TestDuplicateOutsideTheWindow(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor, b.cfg.Identity = 1, 2, -1, rotatelog.HeaderIdentity
		b.open()
		for _, id := range []string{"a", "b", "c", "d"} {
			b.appendID(id)
			b.flush()
		}
		if r := b.appendID("c"); !r.Duplicate || r.Number != 3 {
			t.Errorf("a kept one: %+v", r)
		}
		if r := b.appendID("a"); r.Duplicate || r.Number != 5 {
			t.Errorf("a deleted one: %+v", r)
		}
		b.wantOnce("a", "b", "c", "d", "a")
	})
}

func TestDuplicateInABatchThatMoves(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.away()
		b.open()
		b.appendID("a")
		b.die()
		b.disk.Remove("all_api.spool/identities")
		name := b.pending()[0]
		var once atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && op.Name == "all_api.spool/pending/"+name && once.CompareAndSwap(false, true) {
				moved := strings.TrimSuffix(name, ".json") + "-000001.json"
				return b.disk.Rename("all_api.spool/pending/"+name, "all_api.spool/uploaded/"+moved)
			}
			return nil
		})
		b.open()
		b.wantDuplicates("a")
		if !once.Load() {
			t.Error("the batch was not read")
		}
	})
}

func TestDuplicateInABatchThatCannotBeRead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.away()
		b.open()
		b.appendID("a")
		b.appendID("b")
		bad := b.pending()[0]
		b.die()
		b.disk.Remove("all_api.spool/identities")
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && strings.Contains(op.Name, bad) {
				return syscall.EIO
			}
			return nil
		})
		b.open()
		b.wantDuplicatesOf("b", 2)
		for _, id := range []string{"a", "c"} {
			if _, err := b.Append(t.Context(), withID(id)); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if r, err := b.Append(t.Context(), []byte("{}")); err != nil || r.Number != 3 {
			t.Errorf("without an id: %+v, %v", r, err)
		}
		b.onDisk(nil)
		b.wantDuplicatesOf("a", 1)
		if r := b.appendID("c"); r.Duplicate {
			t.Errorf("c: %+v", r)
		}
	})
}

func (b *bench) wantDuplicatesOf(id string, number int) {
	b.t.Helper()
	if r := b.appendID(id); !r.Duplicate || r.Number != number {
		b.t.Errorf("%s again: %+v, want the duplicate of #%d", id, r, number)
	}
}

func TestDuplicateIsNotWaitedForWithoutEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 1, rotatelog.HeaderIdentity
		b.away()
		b.open()
		b.appendID("a")
		b.die()
		b.disk.Remove("all_api.spool/identities")
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "OpenFile" && strings.HasPrefix(op.Name, "all_api.spool/pending/") {
				time.Sleep(time.Hour)
			}
			return nil
		})
		w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
		if err != nil {
			t.Fatal(err)
		}
		b.Writer = w
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Append(ctx, withID("b")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("append: %v", err)
		}
		closed := make(chan error)
		go func() {
			time.Sleep(time.Second)
			closed <- b.CloseAppend()
		}()
		if _, err := b.Append(t.Context(), withID("b")); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("append until it is closed: %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}
