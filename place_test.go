package rotatelog_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
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

// moves are the ways in which a stream gets another place, and the key of its day there.
var moves = map[string]struct {
	move func(cfg *rotatelog.Config, elsewhere *storetest.Mem)
	key  string
}{
	"prefix": {func(cfg *rotatelog.Config, _ *storetest.Mem) { cfg.Prefix = "other/" }, "other/all_api_json_log_1999-12-31.json"},
	"store": {func(cfg *rotatelog.Config, elsewhere *storetest.Mem) {
		cfg.Store = at{elsewhere, "other.example/bucket"}
	}, dayA},
}

// moved is a stream at another place, with a batch that is at home, unknown to the Writer.
type moved struct {
	*bench
	home rotatelog.Config
	mem  *storetest.Mem // of the other place
	key  string         // of the day there
}

func inMovedBubble(t *testing.T, test func(t *testing.T, m *moved)) {
	for name, way := range moves {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.Store = at{b.cfg.Store, "one.example/bucket"}
				m := &moved{bench: b, home: b.cfg, mem: b.mem, key: way.key}
				if name == "store" {
					m.mem = storetest.NewMem()
				}
				m.leaveInDoubt()
				way.move(&b.cfg, m.mem)
				m.wantHeld()
				test(t, m)
			})
		})
	}
}

// leaveInDoubt has a batch uploaded of which the Writer does not hear before it is killed.
func (m *moved) leaveInDoubt() {
	m.open()
	m.append(1)
	m.flush()
	applied := false
	m.onStore(func(op storetest.Op) storetest.Fault {
		if op.Name == "write" {
			applied = true
		}
		if applied { // the reply is lost, and then the network
			return storetest.Fault{Err: errors.New("down")}
		}
		return storetest.Fault{}
	})
	m.append(2)
	m.Seal(m.t.Context())
	time.Sleep(time.Minute)
	m.die()
	m.onStore(nil)
}

// wantHeld opens the stream at the other place, and wants only what was never sent
// elsewhere to go there.
func (m *moved) wantHeld() {
	t := m.t
	t.Helper()
	m.open()
	m.append(3)
	if err := m.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "one.example/bucket/all_api_rotating_logs/") ||
		!strings.Contains(err.Error(), "all_api.spool/intents/") {
		t.Errorf("%v, want an error that names the old place and the file", err)
	}
	time.Sleep(time.Second)
	m.wantThere(1, 3)
}

func (m *moved) wantThere(fetches, matches int) {
	m.t.Helper()
	if d := parseDay(m.t, m.key, m.mem.Bytes(m.key)).Metadata; d.Fetches != fetches || d.Matches != int64(matches) {
		m.t.Errorf("at the other place is %+v, want %d fetches, %d matches", d, fetches, matches)
	}
}

// TestDoubtfulBatchWaitsForItsPlace: it may be in the old place already, so it goes to
// no other; back at the old place it is found there.
func TestDoubtfulBatchWaitsForItsPlace(t *testing.T) {
	inMovedBubble(t, func(t *testing.T, m *moved) {
		m.Close()
		m.cfg = m.home
		m.open()
		m.flush()
		if d := m.day(dayA).Metadata; d.Fetches != 2 || d.Matches != 3 {
			t.Errorf("%+v", d)
		}
		if n := len(m.pending()); n != 0 {
			t.Errorf("%d batches wait", n)
		}
	})
}

// TestDoubtfulUploadIsGivenUp: with the file that the error names removed, the batch
// goes to the new place.
func TestDoubtfulUploadIsGivenUp(t *testing.T) {
	inMovedBubble(t, func(t *testing.T, m *moved) {
		for name, content := range m.disk.Tree() {
			if strings.Contains(name, "/intents/") && strings.Contains(content, "one.example/bucket/all_api_rotating_logs/") {
				if err := m.disk.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.flush()
		m.wantThere(2, 5)
	})
}

// TestUnsettledUploadWaitsForItsBucket: a multipart upload is executed hours later, when
// the stream has gone to another bucket. Its batch is in one bucket only.
func TestUnsettledUploadWaitsForItsBucket(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart})
		srv.CreateBucket("other")
		opts := s3test.SmallParts(s3store.Options{}, s3test.MinPart)
		b.cfg.Store, b.cfg.MaxFetches = s3test.NewStore(client, opts), 1
		b.large()
		home := b.cfg
		b.open()
		b.uploadEach(1, 5)
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Name == "CompleteMultipartUpload" {
				return fakes3.Fault{Later: true, Reply: fakes3.Error{Status: 503}}
			}
			return fakes3.Fault{}
		}
		b.append(6)
		b.Seal(t.Context())
		time.Sleep(10 * time.Second)
		b.die()
		srv.Fault = nil
		b.cfg.Store = s3test.Must(s3store.New(client, "other", opts))
		b.open()
		b.append(7)
		if err := b.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "s3.test/logs/all_api_rotating_logs/") {
			t.Errorf("%v, want an error that names the other bucket", err)
		}
		time.Sleep(time.Minute)
		srv.Release()
		b.Close()
		b.cfg = home
		b.open()
		b.flush()
		there, _, _ := srv.Object("other", dayA)
		if d, m := parseDay(t, dayA, there).Metadata, s3Day(t, srv, dayA).Metadata; d.Fetches != 1 || d.Matches != 7 || m.Fetches != 6 || m.Matches != 21 {
			t.Errorf("%+v in the other bucket, %+v at home", d, m)
		}
	})
}

// TestRenamedStreamIsAnotherPlace: who renames a stream renames its files.
func TestRenamedStreamIsAnotherPlace(t *testing.T) {
	dir, mem := t.TempDir(), storetest.NewMem()
	cfg := rotatelog.Config{Dir: dir, Store: mem, MaxFetches: 1, Logger: slog.New(slog.DiscardHandler),
		TimeOf: rotatelog.HeaderTime, Hooks: rotatelog.Hooks{Failed: func(f rotatelog.Failed) { t.Error(f.Err) }}}
	upload := func(n int) {
		t.Helper()
		w, err := rotatelog.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r, err := w.Append(t.Context(), madeOn(today))
		if err := errors.Join(err, w.Flush(t.Context())); err != nil || r.Number != n {
			t.Fatalf("fetch %d: %+v, %v", n, r, err)
		}
	}
	rename := func(from, to string) {
		t.Helper()
		cfg.Name = to
		for _, suffix := range []string{".spool", ".json"} {
			if err := os.Rename(filepath.Join(dir, from+suffix), filepath.Join(dir, to+suffix)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 3 {
		upload(n + 1)
	}
	rename("all_api", "merge")
	upload(4)
	upload(5)
	rename("merge", "all_api")
	upload(6)
	for key, want := range map[string]int{dayA: 4, strings.ReplaceAll(dayA, "all_api", "merge"): 2} {
		if got := parseDay(t, key, mem.Bytes(key)).Metadata.Fetches; got != want {
			t.Errorf("%s has %d fetches, want %d", key, got, want)
		}
	}
}
