package rotatelog_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

func (b *bench) uploaded() []string {
	b.t.Helper()
	names, err := b.disk.ReadDir("all_api.spool/uploaded")
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

// whileMany says that the disk is full with that error as long as more than n
// confirmed batches are on it.
func (b *bench) whileMany(n int, full error) {
	b.onDisk(func(op crashfs.Op) error {
		if op.Kind == "WriteAt" && len(b.uploaded()) > n {
			return full
		}
		return nil
	})
}

// TestFullDiskMakesRoom: a quota that is used up is a full disk, too.
func TestFullDiskMakesRoom(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, fmt.Errorf("write: %w", syscall.EDQUOT)} {
		t.Run(full.Error(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches = 1
				b.open()
				for i := range 8 {
					b.append(i)
					b.flush()
				}
				b.whileMany(1, full)
				b.append(8)
				b.onDisk(nil)
				b.flush()
				if n := b.day(dayA).Metadata.Fetches; n != 9 {
					t.Errorf("%d fetches", n)
				}
			})
		})
	}
}

// TestFullDiskKeepsLastCopies: what the object no longer holds is not deleted from
// the disk, however full it is. After a restart nothing is known of the object.
func TestFullDiskKeepsLastCopies(t *testing.T) {
	for name, replaced := range map[string]func(b *bench){
		"the day is deleted":      func(b *bench) { b.mem = storetest.NewMem() },
		"the store is away":       func(b *bench) {},
		"another day is in place": func(b *bench) { b.mem.Put(dayA, []byte(`{"uploads":[]}`), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches = 1
				b.open()
				for i := range 5 {
					b.append(i)
					b.flush()
				}
				b.Close()
				replaced(b)
				faulty := &storetest.Faulty{Store: b.mem}
				away := strings.HasSuffix(name, "away")
				var down atomic.Bool
				down.Store(away)
				faulty.Fault = func(storetest.Op) storetest.Fault {
					if down.Load() {
						return storetest.Fault{Err: errors.New("away"), Skip: true}
					}
					return storetest.Fault{}
				}
				b.cfg.Store = faulty
				b.open()
				before := len(b.uploaded()) + len(b.pending())
				b.whileMany(1, syscall.ENOSPC)
				for range 3 {
					if _, err := b.Append(t.Context(), counted(9)); !errors.Is(err, syscall.ENOSPC) && away {
						t.Errorf("append: %v", err)
					}
					time.Sleep(time.Minute)
				}
				if after := len(b.uploaded()) + len(b.pending()); after < before {
					t.Errorf("%d batches are left of %d", after, before)
				}
				if !away {
					return
				}
				down.Store(false)
				time.Sleep(2 * time.Hour) // it has looked at the day
				b.Append(t.Context(), counted(9))
				synctest.Wait()
				if _, err := b.Append(t.Context(), counted(10)); err != nil {
					t.Errorf("append, once the day was looked at: %v", err)
				}
				if n := len(b.uploaded()); n > 2 {
					t.Errorf("%d confirmed batches are left", n)
				}
			})
		})
	}
}

// TestConfirmedBatchesOfOtherDaysArePruned: processes that live for one fetch have
// not seen what another one confirmed, and look at its day.
func TestConfirmedBatchesOfOtherDaysArePruned(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, 3, -1
		one := func(i int) {
			b.open()
			b.append(i)
			if err := b.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			one(i)
		}
		time.Sleep(24 * time.Hour)
		for i := range 5 {
			one(i)
		}
		if n := len(b.uploaded()); n > 3 {
			t.Errorf("%d confirmed batches, want 3: %q", n, b.uploaded())
		}
	})
}

// fill lets another program take all the room.
func (b *bench) fill() {
	used := 1
	for _, content := range b.disk.Tree() {
		used += len(content)
	}
	b.disk.SetCapacity(int64(used))
}

// inFull runs a test on a bench whose spool has a reserve.
func inFull(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg = rotatelog.WithReserve(b.cfg, 64)
		test(t, b)
	})
}

// TestFullDiskSeals: a batch is sealed and uploaded even if there is no room for the
// next one.
func TestFullDiskSeals(t *testing.T) {
	inFull(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1, 2)
		b.fill()
		b.flush()
		if n := b.day(dayA).Metadata.Fetches; n != 2 {
			t.Errorf("%d fetches", n)
		}
		if n := len(b.array()); n != 0 {
			t.Errorf("%d fetches are left in the array", n)
		}
	})
}

// TestFullDiskKeepsTheReserve: what is given up goes to the reserve first. Otherwise
// a store that fails now and then, with fetches in between, would use it up.
func TestFullDiskKeepsTheReserve(t *testing.T) {
	inFull(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.fill()
		if err := b.Seal(t.Context()); err != nil { // takes one of its files
			t.Fatal(err)
		}
		if _, err := b.Append(t.Context(), []byte(`{}`)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("append, for which the reserve would have room: %v", err)
		}
		b.disk.SetCapacity(0)
		b.append(2)
		if names, err := b.disk.ReadDir("all_api.spool/reserve"); err != nil || len(names) != 8 {
			t.Errorf("the reserve is %q, %v", names, err)
		}
	})
}

// TestFullDiskOpens: after kill -9 the local file must be rewritten, for which there
// is no room. What waits is still uploaded, Append says what to do, and works again
// as soon as it can. Nothing is lost meanwhile, nor by another restart.
func TestFullDiskOpens(t *testing.T) {
	for name, torn := range map[string]string{"whole": "", "torn": "{\"FETCH_FOO", "of zeros": "\x00\x00\x00"} {
		t.Run(name, func(t *testing.T) {
			inFull(t, func(t *testing.T, b *bench) {
				b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
				b.open()
				b.append(ten...)
				for n := 1; n <= 2; n++ { // larger than what the reserve gives up
					fetch := fmt.Appendf(nil, `{"pad":"%s","FETCH_FOOTER":{"total_matches":%d}}`, strings.Repeat("x", 2000), n)
					if _, err := b.Append(t.Context(), fetch); err != nil {
						t.Fatal(err)
					}
				}
				b.die()
				content, err := b.disk.ReadFile(arrayName)
				if err != nil {
					t.Fatal(err)
				}
				if torn != "" {
					b.disk.WriteFile(arrayName, append(content[:len(content)-len("\n]\n")], ",\n"+torn...), 0o600)
				}
				b.fill()
				b.onStore(nil)
				for range 2 {
					b.open()
					if _, err := b.Append(t.Context(), counted(3)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
						t.Errorf("append: %v", err)
					}
					if err := b.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) {
						t.Errorf("flush, where the unfinished batch cannot be sealed: %v", err)
					}
					if n := b.day(dayA).Metadata.Fetches; n != 10 {
						t.Errorf("%d fetches are in the store, want those of the batch that waited", n)
					}
					b.fill()
					b.die()
				}
				b.open()
				b.disk.SetCapacity(0)
				if r := b.append(3)[0]; r.Number != 13 || r.Position != 3 {
					t.Errorf("the next fetch: %+v", r)
				}
				b.flush()
				if m := b.day(dayA).Metadata; m.Fetches != 13 || m.Matches != 55+1+2+3 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// TestFullDiskResumesASeal: kill -9 in the middle of a seal, on a full disk.
func TestFullDiskResumesASeal(t *testing.T) {
	for k := 1; ; k++ {
		done := false
		inFull(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches = 3
			b.open()
			b.append(1, 2, 3, 4, 5)
			b.flush()
			b.append(4)
			ops := 0
			b.onDisk(func(op crashfs.Op) error {
				if ops++; ops > k {
					return crashfs.ErrPowerCut
				}
				return nil
			})
			done = b.Seal(t.Context()) == nil
			b.die()
			b.fill()
			b.open()
			b.Flush(t.Context())
			b.fill()
			b.reopen()
			b.disk.SetCapacity(0)
			b.append(5)
			b.flush()
			if m := b.day(dayA).Metadata; m.Fetches != 7 || m.Matches != 15+4+5 {
				t.Errorf("killed after operation %d: %+v", k, m)
			}
		})
		if done || t.Failed() {
			return
		}
	}
}

// TestFullDiskMakesRoomWhileTheStoreHangs: the day is being worked on all that time,
// by this Writer.
func TestFullDiskMakesRoomWhileTheStoreHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		for i := range 5 {
			b.append(i)
			b.flush()
		}
		hang := make(chan struct{})
		b.onStore(func(storetest.Op) storetest.Fault { <-hang; return storetest.Fault{} })
		b.append(5)
		synctest.Wait() // it hangs
		b.whileMany(1, syscall.ENOSPC)
		b.append(6)
		close(hang)
		b.onDisk(nil)
		b.flush()
		if n := b.day(dayA).Metadata.Fetches; n != 7 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestFullDiskAfterAnUpdate: an older release has made neither all directories, nor
// the locks, and another program has left no room for them.
func TestFullDiskAfterAnUpdate(t *testing.T) {
	inFull(t, func(t *testing.T, b *bench) {
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		b.append(ten...)
		b.Close()
		for name := range b.disk.Tree() {
			name, ok := strings.CutPrefix(name, "all_api.spool/")
			if ok && (strings.HasPrefix(name, "intents") || strings.HasPrefix(name, "day-")) {
				if err := b.disk.Remove("all_api.spool/" + strings.TrimSuffix(name, "/")); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.fill()
		b.onStore(nil)
		b.open()
		if err := b.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := b.day(dayA).Metadata.Fetches; n != 10 {
			t.Errorf("%d fetches", n)
		}
	})
}
