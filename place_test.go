package rotatelog_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// at is a Store with a location.
type at struct {
	rotatelog.Store
	location string
}

func (s at) Location() string { return s.location }

// TestAnotherPlaceIsNoLoss: what is confirmed in one place is neither looked for in
// another place nor uploaded there again, whichever part of the place has changed.
func TestAnotherPlaceIsNoLoss(t *testing.T) {

	for name, move := range map[string]func(*rotatelog.Config, *storetest.Mem){
		"prefix": func(c *rotatelog.Config, _ *storetest.Mem) { c.Prefix = "other/" },
		"store":  func(c *rotatelog.Config, elsewhere *storetest.Mem) { c.Store = at{elsewhere, "other.example/bucket"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.Store = at{b.cfg.Store, "one.example/bucket"}
				b.cfg.Hooks.Failed = func(f rotatelog.Failed) { t.Error(f.Err) }
				home, elsewhere := b.cfg, storetest.NewMem()
				fetches := func(mem *storetest.Mem) (n int) {
					for _, key := range mem.Keys() {
						n += parseDay(t, key, mem.Bytes(key)).Metadata.Fetches
					}
					return n
				}
				b.open()
				for i := range 3 {
					b.append(i)
					b.flush()
				}
				b.Close()
				move(&b.cfg, elsewhere)
				b.open()
				for i := range 2 {
					b.append(i)
					b.flush()
				}
				b.reopen()
				if r := b.append(1)[0]; r.Number != 6 {
					t.Errorf("%+v, want the number 6", r)
				}
				b.flush()
				b.Close()
				b.cfg = home
				b.open()
				if r := b.append(1)[0]; r.Number != 7 {
					t.Errorf("%+v, want the number 7", r)
				}
				b.flush()
				if m := b.day(dayA).Metadata; m.Fetches != 4 || m.Uploads != 4 {
					t.Errorf("%+v", m)
				}
				if n := fetches(b.mem) + fetches(elsewhere); n != 7 {
					t.Errorf("%d fetches are in both places, want 7", n)
				}
				time.Sleep(48 * time.Hour) // both days are closed, and pruned
				synctest.Wait()
			})
		})
	}
}

// doubtful leaves a batch that is in the store, unknown to the Writer, and opens the
// stream with another Prefix.
func doubtful(t *testing.T, b *bench) (home rotatelog.Config) {
	t.Helper()
	home = b.cfg
	b.open()
	b.append(1)
	b.flush()
	applied := false
	b.onStore(func(op storetest.Op) storetest.Fault {
		if op.Name == "write" {
			applied = true
		}
		if applied { // the reply is lost, and then the network
			return storetest.Fault{Err: errors.New("down")}
		}
		return storetest.Fault{}
	})
	b.append(2)
	b.Seal(t.Context())
	time.Sleep(time.Minute)
	b.die()
	b.onStore(nil)
	b.cfg.Prefix = "other/"
	b.open()
	b.append(3)
	if err := b.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "all_api_rotating_logs/") ||
		!strings.Contains(err.Error(), "all_api.spool/intents/") {
		t.Errorf("%v, want an error that names the old place and the file", err)
	}
	time.Sleep(time.Second)
	const key = "other/all_api_json_log_1999-12-31.json"
	if d := parseDay(t, key, b.mem.Bytes(key)); d.Metadata.Fetches != 1 || d.Metadata.Matches != 3 {
		t.Errorf("%+v, want only the batch that was never sent elsewhere", d.Metadata)
	}
	return home
}

// TestDoubtfulBatchWaitsForItsPlace: it may be in the old place already, so it goes to
// no other; back at the old place it is found there.
func TestDoubtfulBatchWaitsForItsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		home := doubtful(t, b)
		b.Close()
		b.cfg = home
		b.open()
		b.flush()
		if m := b.day(dayA).Metadata; m.Fetches != 2 || m.Matches != 3 {
			t.Errorf("%+v", m)
		}
		if n := len(b.pending()); n != 0 {
			t.Errorf("%d batches wait", n)
		}
	})
}

// TestDoubtfulUploadIsGivenUp: with the file that the error names removed, the batch
// goes to the new place.
func TestDoubtfulUploadIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		doubtful(t, b)
		for name := range b.disk.Tree() {
			if strings.Contains(name, "/intents/") && strings.Contains(b.disk.Tree()[name], "all_api_rotating_logs/") {
				if err := b.disk.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.flush()
		const key = "other/all_api_json_log_1999-12-31.json"
		if d := parseDay(t, key, b.mem.Bytes(key)); d.Metadata.Fetches != 2 || d.Metadata.Matches != 5 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}
