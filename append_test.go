package rotatelog_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// inTurn calls do for 0 to n-1, each in a goroutine of its own and a millisecond
// after the one before, so that while one writes others queue, and returns when all
// have returned.
func inTurn(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
		time.Sleep(time.Millisecond)
	}
	all.Wait()
}

// queued appends n fetches in turn, and returns the order in which the Appends
// returned, and when.
func queued(b *bench, n int) (order []int, at []time.Duration) {
	begin := time.Now()
	var mu sync.Mutex
	inTurn(n, func(i int) {
		if _, err := b.Append(b.t.Context(), counted(i)); err != nil {
			b.t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		order, at = append(order, i), append(at, time.Since(begin))
	})
	return order, at
}

// TestFollowersDoNotWaitForTheSeal: only the appender that seals and those that report it do.
func TestFollowersDoNotWaitForTheSeal(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 7
		b.open()
		b.append(0) // so that the others do not fill a batch by themselves
		b.onDisk(func(op crashfs.Op) error {
			switch {
			case op.Kind == "Sync":
				time.Sleep(time.Second)
			case op.Kind == "Link":
				time.Sleep(time.Minute)
			}
			return nil
		})
		order, at := queued(b, 6)
		late := slices.IndexFunc(at, func(d time.Duration) bool { return d > time.Minute })
		if waited := order[max(late, 0):]; len(waited) != 2 || !slices.Contains(waited, 5) {
			t.Errorf("%v waited for the seal; all returned as %v after %v", waited, order, at)
		}
	})
}

// TestGroupLeaderReturnsOnceItsRecordIsOnDisk: whoever has the turn gives it up when its own record is
// on disk, however many wait.
func TestGroupLeaderReturnsOnceItsRecordIsOnDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1 // so that each is a group
		b.open()
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				time.Sleep(time.Second)
			}
			return nil
		})
		order, at := queued(b, 5)
		if !slices.IsSorted(order) || at[0] > 2*time.Second {
			t.Errorf("returned as %v after %v", order, at)
		}
	})
}

// TestGroupIsWrittenAtOnce: small records that come at once take one write and one
// fsync, and what fails together is tried one by one.
func TestGroupIsWrittenAtOnce(t *testing.T) {
	for _, fails := range []bool{false, true} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.Verbatim = true
			b.open()
			b.append(0)
			var ops []string
			b.onDisk(func(op crashfs.Op) error {
				if strings.Contains(op.Name, "/state.") { // which is written once a second
					return nil
				}
				switch op.Kind {
				case "Sync":
					time.Sleep(time.Second)
				case "WriteAt":
				default:
					return nil
				}
				ops = append(ops, op.Kind)
				if fails && len(ops) == 3 {
					return crashfs.ShortWrite{N: 50, Err: syscall.ENOSPC}
				}
				return nil
			})
			queued(b, 4)
			want := "WriteAt Sync WriteAt Sync" // the first, and the others
			if fails {
				want = "WriteAt Sync WriteAt WriteAt Sync WriteAt WriteAt WriteAt Sync" // undone, then one by one
			}
			if got := strings.Join(ops, " "); got != want {
				t.Errorf("operations: %s\nwant %s", got, want)
			}
			records := b.array()
			if len(records) != 5 {
				t.Fatalf("%d records", len(records))
			}
			for i, record := range records[1:] {
				if string(record) != string(counted(i)) {
					t.Errorf("record %d is %s", i+1, record)
				}
			}
		})
	}
}

// TestBatchThatComesAtOnce: a group that fills a batch is written where it waits
// for the store; the array stays.
func TestBatchThatComesAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Verbatim, b.cfg.MaxFetches = true, 3
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		receipts := append(b.append(0), make([]rotatelog.Receipt, 7)...)
		var ops []string
		b.onDisk(func(op crashfs.Op) error {
			switch {
			case strings.HasSuffix(op.Name, ".new"), strings.HasSuffix(op.To, ".new"): // the publisher's, and the link to the last batch
			case op.Kind == "Sync":
				if len(ops) == 0 {
					time.Sleep(time.Second) // until all are queued
				}
				ops = append(ops, op.Kind)
			case op.Kind == "Link", op.Kind == "Rename":
				ops = append(ops, op.Kind)
			}
			return nil
		})
		inTurn(7, func(i int) { receipts[i+1] = b.append(i + 1)[0] })
		want := []string{
			"Sync",                             // the second
			"Sync", "Link", "Rename", "Rename", // the third
			"Sync", "Rename", // the next three
			"Sync", // the last two
		}
		if diff := cmp.Diff(want, ops); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for i, r := range receipts {
			if r.Number != i+1 || r.Position != i%3+1 || r.Sealed != (i%3 == 2) {
				t.Errorf("fetch %d: %+v", i, r)
			}
		}
		b.onStore(nil)
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 3 || m.Matches != 0+1+2+3+4+5+6+7 {
			t.Errorf("%+v", m)
		}
	})
}

// TestBatchThatComesAtOnceIsSyncedAgain: if the name of such a batch could not be synced,
// it is written anew, and is sealed once that is synced. A power cut would otherwise take
// it, and the numbers of what was appended after it would change.
func TestBatchThatComesAtOnceIsSyncedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Verbatim, b.cfg.MaxFetches = true, 3
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		var sealed, refused atomic.Int32
		b.cfg.Hooks.Sealed = func(s rotatelog.Sealed) { sealed.Store(int32(s.Last)) }
		b.open()
		b.append(0)
		var waited, failing atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			switch {
			case op.Kind == "Sync" && waited.CompareAndSwap(false, true):
				time.Sleep(time.Second) // until all are queued
			case op.Kind == "Rename" && strings.Contains(op.To, "-000004-000006-"):
				failing.Store(true)
			case op.Kind == "SyncDir" && failing.Load():
				return syscall.EIO
			}
			return nil
		})
		inTurn(5, func(i int) {
			if _, err := b.Append(t.Context(), counted(i+1)); err != nil {
				refused.Add(1)
			}
		})
		if _, err := b.Append(t.Context(), counted(6)); !errors.Is(err, syscall.EIO) {
			t.Errorf("while the name of the batch cannot be synced: %v", err)
		}
		if refused.Load() != 3 || sealed.Load() != 3 {
			t.Errorf("%d refused, and sealed up to %d", refused.Load(), sealed.Load())
		}
		b.onDisk(nil)
		if r := b.append(7)[0]; r.Number != 7 || r.Position != 1 {
			t.Errorf("the fetch after the batch: %+v", r)
		}
		b.die()
		b.setDisk(b.disk.Crash(crashfs.KeepNothing))
		b.open()
		if r := b.append(8)[0]; r.Number != 8 || r.Position != 2 {
			t.Errorf("the fetch after the power cut: %+v", r)
		}
		b.onStore(nil)
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 3 || m.Matches != 0+1+2+3+4+5+7+8 {
			t.Errorf("%+v", m)
		}
	})
}

// TestAppendersOfAGroupMeetAgain: appenders that were in one group are in one group the next
// time, too, though the first of them could be quicker alone.
func TestAppendersOfAGroupMeetAgain(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that who runs next is known
	inBubble(t, func(t *testing.T, b *bench) {
		const appenders, rounds = 8, 50
		b.cfg.MaxFetches = appenders * rounds
		b.open()
		syncs := 0
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" && op.Name == "all_api.json" {
				syncs++
				time.Sleep(time.Second)
			}
			return nil
		})
		inTurn(appenders, func(int) {
			for range rounds {
				b.append(1)
			}
		})
		if most := rounds + rounds/4; syncs > most {
			t.Errorf("%d fsyncs for %d Appends of %d goroutines, want at most %d", syncs, appenders*rounds, appenders, most)
		}
	})
}

// TestDeepFetchStaysCompact: indenting must not make a fetch many times as long,
// on disk and in memory.
func TestDeepFetchStaysCompact(t *testing.T) {
	nested := func(levels int, elements string) []byte {
		return []byte(`{"a": ` + strings.Repeat("[", levels) + elements + strings.Repeat("]", levels) + `}`)
	}
	for name, tt := range map[string]struct {
		fetch    []byte
		indented bool
	}{
		"deep and long":       {nested(498, strings.TrimSuffix(strings.Repeat("1,", 50_000), ",")), false},
		"deep, in strings":    {nested(3, `"`+strings.Repeat(`[{\"`, 5_000)+`"`), true},
		"deep and short":      {nested(20, "1"), true},
		"flat and long":       {nested(1, strings.TrimSuffix(strings.Repeat("12345,", 5_000), ",")), true},
		"many short elements": {nested(9, strings.TrimSuffix(strings.Repeat("1,", 5_000), ",")), false},
		"only brackets":       {nested(499, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.open()
				if _, err := b.Append(t.Context(), tt.fetch); err != nil {
					t.Fatal(err)
				}
				content, err := b.disk.ReadFile(arrayName)
				if err != nil {
					t.Fatal(err)
				}
				if most := 6*len(tt.fetch) + 4<<10 + 10; len(content) > most {
					t.Errorf("a fetch of %d bytes takes %d", len(tt.fetch), len(content))
				}
				if indented := bytes.Contains(content, []byte("\n  \"a\"")); indented != tt.indented {
					t.Errorf("indented: %t", indented)
				}
				b.disk.WriteFile(arrayName, append(content, ' '), 0o600) // it is rebuilt in the same form
				b.append(1)
				again, err := b.disk.ReadFile(arrayName)
				if err != nil || !bytes.HasPrefix(again, bytes.TrimSuffix(content, []byte("\n]\n"))) {
					t.Errorf("rebuilt, it reads %.200q, %v", again, err)
				}
				b.flush()
				if d := b.day(dayA); !bytes.Equal(d.Uploads[0].Data[0], compact(tt.fetch)) {
					t.Errorf("the upload has %.100s", d.Uploads[0].Data[0])
				}
			})
		})
	}
}

// TestSyncOfAnotherPartFails: while a batch gets its name in pending/, the publisher's
// sync of pending/ fails, and the Append's own sync then succeeds without covering that
// name. A power cut must not take the batch.
func TestSyncOfAnotherPartFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.open()
		b.append(1)
		begun := make(chan struct{})
		var failed atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind != "SyncDir" || op.Name != "all_api.spool/pending" || failed.Swap(true) {
				return nil
			}
			close(begun) // by the publisher, since nobody appends
			time.Sleep(time.Second)
			return syscall.EIO
		})
		<-begun
		b.append(2)
		b.die()
		b.setDisk(b.disk.Crash(crashfs.KeepNothing))
		b.open()
		b.onStore(nil)
		b.flush()
		if m := b.day(dayA).Metadata; m.Fetches != 2 || m.Matches != 3 {
			t.Errorf("%+v", m)
		}
	})
}
