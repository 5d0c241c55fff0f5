package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

func withID(id string) []byte {
	return fmt.Appendf(nil, `{"FETCH_HEADER":{"random_fetch_id":%q},"FETCH_FOOTER":{"total_matches":1}}`, id)
}

// away lets no call of the store succeed.
func (b *bench) away() {
	b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
}

// appendID appends a fetch of that id.
func (b *bench) appendID(id string) rotatelog.Receipt {
	b.t.Helper()
	r, err := b.Append(b.t.Context(), withID(id))
	if err != nil {
		b.t.Fatalf("append %s: %v", id, err)
	}
	return r
}

// wantDuplicates appends fetches that are stored already, each of them #i+1 of its day.
func (b *bench) wantDuplicates(ids ...string) {
	b.t.Helper()
	for i, id := range ids {
		r := b.appendID(id)
		want := rotatelog.Receipt{Day: rotatelog.DayOf(time.Now(), newYork(b.t)), Number: i + 1, Position: i%b.batchSize() + 1,
			BatchSize: b.batchSize(), Matches: 1, Duplicate: true}
		if r != want {
			b.t.Errorf("%s again: %+v, want %+v", id, r, want)
		}
	}
}

func (b *bench) batchSize() int {
	if b.cfg.MaxFetches == 0 {
		return 10
	}
	return b.cfg.MaxFetches
}

// wantOnce wants fetches of these ids in the store, once each, in that order.
func (b *bench) wantOnce(ids ...string) {
	b.t.Helper()
	b.onStore(nil)
	b.onDisk(nil)
	b.flush()
	var got []string
	for _, u := range b.day(dayA).Uploads {
		for _, fetch := range u.Data {
			id, err := rotatelog.HeaderIdentity(fetch)
			if err != nil {
				b.t.Fatal(err)
			}
			got = append(got, strings.Trim(id, `"`))
		}
	}
	if !slices.Equal(got, ids) {
		b.t.Errorf("the store has %q, want %q", got, ids)
	}
}

func newYork(t *testing.T) *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A fetch is found again in the local file, in a batch that waits, and in one that is
// confirmed; by the same Writer, by the next, and after a kill with the index lost.
func TestDuplicateIsFoundWhereverItIs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches, b.cfg.Identity = 2, rotatelog.HeaderIdentity
		b.open()
		b.appendID("a")
		b.appendID("b")
		b.flush()
		b.away()
		b.appendID("c")
		b.appendID("d")
		b.appendID("e")
		all := []string{"a", "b", "c", "d", "e"}
		b.wantDuplicates(all...)
		b.reopen()
		b.wantDuplicates(all...)
		b.die()
		b.open()
		b.wantDuplicates(all...)
		b.die()
		b.disk.Remove("all_api.spool/identities")
		b.open()
		b.wantDuplicates(all...)
		if s := b.Stats(); s.Duplicates != 5 || s.Appended != 0 || s.Refused != 0 {
			t.Errorf("stats: %+v", s)
		}
		if r := b.appendID("f"); r.Number != 6 || r.Duplicate {
			t.Errorf("a new one: %+v", r)
		}
		b.wantOnce("a", "b", "c", "d", "e", "f")
	})
}

// Fetches without an identity are stored as they come, and those whose identity cannot be
// had are refused.
func TestFetchesWithoutIdentity(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Identity = func(fetch []byte) (string, error) {
			switch {
			case strings.Contains(string(fetch), "panic"):
				panic("of the user")
			case strings.Contains(string(fetch), "error"):
				return "", errors.New("no such id")
			}
			return "", nil
		}
		b.open()
		for range 2 {
			if r := b.appendID("a"); r.Duplicate {
				t.Errorf("%+v", r)
			}
		}
		for id, want := range map[string]string{"panic": "Config.Identity panicked: of the user", "error": "its identity: no such id"} {
			large := fmt.Appendf(nil, `{"x":"%s","y":"%s"}`, id, strings.Repeat("y", 100_000))
			for _, fetch := range [][]byte{withID(id), large} {
				if _, err := b.Append(t.Context(), fetch); !errors.Is(err, rotatelog.ErrInvalidFetch) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", id, err)
				}
			}
			_, err := b.AppendFetch(t.Context(), rotatelog.Fetch{Data: large})
			if !errors.Is(err, rotatelog.ErrInvalidFetch) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s in an envelope: %v", id, err)
			}
		}
		b.wantOnce("a", "a")
	})
}

// The id of an envelope is Fetch.ID; by content each envelope is another fetch.
func TestDuplicateEnvelopes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Identity = rotatelog.HeaderIdentity
		b.open()
		add := func(f rotatelog.Fetch) rotatelog.Receipt {
			r, err := b.AppendFetch(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		data := []byte("[]")
		add(rotatelog.Fetch{Data: data, ID: "a"})
		if r := add(rotatelog.Fetch{Data: []byte("{}"), ID: "a"}); r.Number != 1 || !r.Duplicate {
			t.Errorf("the same id: %+v", r)
		}
		for n := 2; n <= 3; n++ {
			if r := add(rotatelog.Fetch{Data: data}); r.Number != n || r.Duplicate {
				t.Errorf("without an id: %+v", r)
			}
		}
		b.cfg.Identity = rotatelog.ContentIdentity
		b.reopen()
		for n := 4; n <= 5; n++ {
			if r := add(rotatelog.Fetch{Data: data, ID: "a"}); r.Number != n || r.Duplicate {
				t.Errorf("by content: %+v", r)
			}
		}
		again := b.array()[3]
		if r, err := b.Append(t.Context(), again); err != nil || r.Number != 4 || !r.Duplicate {
			t.Errorf("an envelope as it is stored: %+v, %v", r, err)
		}
	})
}

// Appends at once of few identities: each is stored once, and all are acknowledged with
// its number.
func TestDuplicatesAtOnce(t *testing.T) {
	for _, size := range []int{1, 3, 10} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches, b.cfg.Identity = size, rotatelog.HeaderIdentity
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == "Sync" {
					time.Sleep(time.Millisecond) // so that others queue up
				}
				return nil
			})
			b.open()
			var mu sync.Mutex
			numbers := map[string]map[int]int{}
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() {
					id := fmt.Sprint(i % 7)
					r := b.appendID(id)
					mu.Lock()
					defer mu.Unlock()
					if numbers[id] == nil {
						numbers[id] = map[int]int{}
					}
					numbers[id][r.Number]++
				})
			}
			all.Wait()
			b.onDisk(nil)
			b.flush()
			if d := b.day(dayA); d.Metadata.Fetches != 7 {
				t.Errorf("batches of %d: %d fetches in the store, want 7", size, d.Metadata.Fetches)
			}
			for id, n := range numbers {
				if len(n) != 1 {
					t.Errorf("batches of %d: %s was acknowledged with the numbers %v", size, id, n)
				}
			}
			if s := b.Stats(); s.Appended != 7 || s.Duplicates != 33 {
				t.Errorf("batches of %d: %+v", size, s)
			}
		})
	}
}

// If the first of two in one group fails, the second is not acknowledged either; when they
// come again one of them is stored.
func TestDuplicateOfWhatFailed(t *testing.T) {
	for _, size := range []int{2, 10} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.MaxFetches, b.cfg.Identity = size, rotatelog.HeaderIdentity
			var failing atomic.Bool
			b.open()
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind != "Sync" {
					return nil
				}
				if failing.Load() {
					return syscall.EIO
				}
				time.Sleep(time.Second)
				return nil
			})
			errs := make(chan error, 3)
			appendOf := func(id string) {
				_, err := b.Append(context.Background(), withID(id))
				errs <- err
			}
			go appendOf("a")
			time.Sleep(1500 * time.Millisecond) // it is syncing the local file
			go appendOf("b")
			synctest.Wait()
			go appendOf("b")
			synctest.Wait()
			failing.Store(true)
			failed := 0
			for range 3 {
				if err := <-errs; err != nil {
					failed++
				}
			}
			if failed != 2 {
				t.Errorf("batches of %d: %d failed, want both of b", size, failed)
			}
			b.onDisk(nil)
			if r := b.appendID("b"); r.Number != 2 {
				t.Errorf("batches of %d: %+v", size, r)
			}
			b.wantOnce("a", "b")
		})
	}
}

// What fails alone, here as MaxPendingBytes does not allow it, fails for both.
func TestDuplicateOfWhatHasNoRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxPendingBytes, b.cfg.Identity = 150, rotatelog.HeaderIdentity
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "Sync" {
				time.Sleep(time.Second)
			}
			return nil
		})
		b.away()
		b.open()
		errs := make(chan error, 3)
		appendOf := func(id string) {
			r, err := b.Append(context.Background(), withID(id))
			if err == nil && r.Number == 0 {
				err = fmt.Errorf("%s has the receipt %+v", id, r)
			}
			errs <- err
		}
		go appendOf("a")
		time.Sleep(1500 * time.Millisecond)
		go appendOf(strings.Repeat("b", 100))
		synctest.Wait()
		go appendOf(strings.Repeat("b", 100))
		full := 0
		for range 3 {
			if err := <-errs; errors.Is(err, rotatelog.ErrSpoolFull) {
				full++
			} else if err != nil {
				t.Error(err)
			}
		}
		if full != 2 {
			t.Errorf("%d had no room, want both of b", full)
		}
	})
}

// A batch that came at once and was not acknowledged, as its name could not be synced, is
// sealed later all the same. What is delivered again is then in it.
// A duplicate of a fetch that is in the file but not synced is as durable as any other.
func TestDuplicateIsSynced(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Sync, b.cfg.Identity = rotatelog.SyncSeal, rotatelog.HeaderIdentity
		b.open()
		b.appendID("a")
		b.cfg.Sync = rotatelog.SyncAppend
		b.reopen()
		b.wantDuplicates("a")
		left := b.disk.Crash(crashfs.KeepNothing)
		b.die()
		b.setDisk(left)
		b.open()
		b.wantDuplicates("a")
		b.wantOnce("a")
	})
}

// A batch of a Writer that could not sync its name is in pending/ all the same when the
// next one looks, and later syncs may leave it out. A duplicate in it is acknowledged only
// once it would survive a power cut.
// What exceeds KeepUploaded leaves the window.
// A batch is found though it is confirmed between the listing and the reading.
// While a batch cannot be read, a fetch that may be in it is refused, and others are not.
// Append waits for the batches that are not known yet only as long as its context allows.
