package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

// uploadEach uploads batches of one fetch, whose matches are from, from+1 and so on.
func (b *bench) uploadEach(from, to int) {
	b.t.Helper()
	for n := from; n <= to; n++ {
		b.append(n)
		b.flush()
	}
}

// losses records the permanent errors of Hooks.Failed, from the next Open on.
func (b *bench) losses() *[]error {
	var found []error
	b.cfg.Hooks.Failed = func(f rotatelog.Failed) {
		if f.Permanent {
			found = append(found, f.Err)
		}
	}
	return &found
}

// wantOneLoss wants one error that is permanent and holds each of texts.
func wantOneLoss(t *testing.T, found []error, texts ...string) {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("%d errors, want one: %q", len(found), found)
	}
	if !errors.Is(found[0], rotatelog.ErrPermanent) {
		t.Errorf("%v is not ErrPermanent", found[0])
	}
	for _, text := range texts {
		if !strings.Contains(found[0].Error(), text) {
			t.Errorf("%v\ndoes not say %q", found[0], text)
		}
	}
}

// TestDeletedDayIsPutBack deletes the object of a small day of 22 uploads. The last body
// in the spool is the only whole copy, and goes back as it is.
func TestDeletedDayIsPutBack(t *testing.T) {
	t.Parallel()
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/restart=%v", pack, restart), func(t *testing.T) {
				inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
					b.cfg.MaxFetches, b.cfg.Compression = 1, pack
					found := b.losses()
					b.open()
					b.uploadEach(1, 22)
					key := srv.Keys(s3test.Bucket)[0]
					before := b.s3Uploads(srv, key)
					srv.DeleteObject(s3test.Bucket, key)
					if restart {
						b.reopen()
					}
					b.uploadEach(23, 24)
					wantOneLoss(t, *found, key, "uploads 1 to 22", "s3store.Options.Shared", "put back")
					after := b.s3Uploads(srv, key)
					if len(after) != 24 {
						t.Fatalf("%d uploads, want 24", len(after))
					}
					for i, u := range before {
						if after[i] != u {
							t.Errorf("upload %d was\n%s, and is\n%s", i+1, u, after[i])
						}
					}
				})
			})
		}
	}
}

// s3Uploads returns the entries of a day's object as they are spelled.
func (b *bench) s3Uploads(srv *fakes3.Server, key string) []string {
	b.t.Helper()
	data, _, _ := srv.Object(s3test.Bucket, key)
	var uploads []string
	for _, u := range parseDay(b.t, key, data).Uploads {
		uploads = append(uploads, fmt.Sprintf("%+v", u))
	}
	return uploads
}

// TestDeletedDayWithoutABody: if the last body of a day is not kept, uploaded/ has
// the last uploads, and the error names what is nowhere.
func TestDeletedDayWithoutABody(t *testing.T) {
	stores := map[string]func(t *testing.T, b *bench) (remove func()){
		"no Multipart": func(t *testing.T, b *bench) func() {
			return func() { b.mem.Delete(dayA) }
		},
		"DirStore": func(t *testing.T, b *bench) func() {
			dir := t.TempDir()
			store, err := dirstore.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			b.cfg.Store = store
			return func() {
				if err := os.Remove(filepath.Join(dir, filepath.FromSlash(dayA))); err != nil {
					t.Fatal(err)
				}
			}
		},
		"large, in S3": func(t *testing.T, b *bench) func() {
			store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
			b.cfg = rotatelog.LargeFrom(b.cfg, 100)
			b.cfg.Store = store
			return func() { srv.DeleteObject(s3test.Bucket, dayA) }
		},
	}
	for name, on := range stores {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				remove := on(t, b)
				b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 2, 3, -1
				found := b.losses()
				b.open()
				for n := range 9 {
					b.append(n, n)
					b.flush()
				}
				remove()
				b.append(100)
				b.flush()
				b.append(100)
				b.flush()
				wantOneLoss(t, *found, dayA, "uploads 1 to 9 ", "uploads 7 to 9 are uploaded again", "uploads 1 to 6 (12 fetches) are nowhere", "s3store.Options.Shared", "backup")
				if m := b.storedDay(dayA).Metadata; m.Uploads != 5 || m.Fetches != 8 || m.Matches != 2*(6+7+8)+200 {
					t.Errorf("%+v\n%s", m, b.log)
				}
			})
		})
	}
}

// storedDay returns a day's object as the Store has it.
func (b *bench) storedDay(key string) dayObject {
	b.t.Helper()
	o, err := b.cfg.Store.Stat(b.t.Context(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.cfg.Store.Read(b.t.Context(), key, o.Version, 0, o.Size)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return parseDay(b.t, key, content)
}

// TestDeletedDayAtEachCrash deletes, or cuts short, a small day whose only whole
// copy is the body in the spool, and ends the process that puts it back at each
// operation of the disk: killed, or by a power cut. The next finishes that, and
// everything is there once.
func TestDeletedDayAtEachCrash(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for name, hurt := range hurts() {
		for i, left := range leftovers()[:3] {
			t.Run(fmt.Sprint(name, "/", i), func(t *testing.T) {
				t.Parallel()
				for k, cut := int64(1), true; cut && !t.Failed(); k += int64(depth.N(23, 9, 1)) {
					inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
						b.hurtDay(srv, hurt)
						var ops atomic.Int64
						b.onDisk(func(crashfs.Op) error {
							if ops.Add(1) >= k {
								return crashfs.ErrPowerCut
							}
							return nil
						})
						b.try(7)
						cut = ops.Load() >= k
						disk := left(b.disk)
						b.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
						if b.Writer != nil {
							b.Close()
						}
						b.onDisk(nil)
						b.setDisk(disk)
						b.wantWholeDay(srv, fmt.Sprintf("cut at operation %d", k))
					})
				}
			})
		}
	}
}

// TestDeletedDayAtEachRequest is TestDeletedDayAtEachCrash at each request to the store,
// which has, or has not, taken effect.
func TestDeletedDayAtEachRequest(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for name, hurt := range hurts() {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/applied=%v", name, applied), func(t *testing.T) {
				t.Parallel()
				for n, reached := 1, true; reached && !t.Failed(); n++ {
					inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
						b.hurtDay(srv, hurt)
						var requests atomic.Int64
						srv.Fault = func(fakes3.Op) fakes3.Fault {
							switch at := int(requests.Add(1)); {
							case at == n:
								return fakes3.Fault{Drop: true, After: applied}
							case at > n:
								return fakes3.Fault{Drop: true}
							}
							return fakes3.Fault{}
						}
						b.try(7)
						reached = int(requests.Load()) >= n
						b.die()
						srv.Fault = nil
						b.wantWholeDay(srv, fmt.Sprintf("killed at request %d", n))
					})
				}
			})
		}
	}
}

// hurts are what somebody does to a day's object, given its version with three
// uploads.
func hurts() map[string]func(srv *fakes3.Server, three []byte) {
	return map[string]func(srv *fakes3.Server, three []byte){
		"deleted":   func(srv *fakes3.Server, _ []byte) { srv.DeleteObject(s3test.Bucket, dayA) },
		"shortened": func(srv *fakes3.Server, three []byte) { srv.PutObject(s3test.Bucket, dayA, three, nil) },
		"replaced": func(srv *fakes3.Server, _ []byte) {
			srv.PutObject(s3test.Bucket, dayA, []byte(`{"uploads":[{"upload_sequence":1,"upload_timestamp":"12/31/1999 06:00:00 PM EST","matches_in_upload":0,"fetches_in_upload":1,"fetch_data":[{"other":1}]}]}`), nil)
		},
	}
}

// hurtDay uploads six batches, keeps only the last in uploaded/, and damages the day.
func (b *bench) hurtDay(srv *fakes3.Server, hurt func(srv *fakes3.Server, three []byte)) {
	b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, -1, -1
	b.open()
	b.uploadEach(1, 3)
	three, _, _ := srv.Object(s3test.Bucket, dayA)
	b.uploadEach(4, 6)
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.Writer = nil
	hurt(srv, three)
}

// try opens the Writer, appends a fetch and flushes, as far as that is possible.
func (b *bench) try(matches int) {
	w, err := rotatelog.Open(b.t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
	if err != nil {
		return
	}
	b.Writer = w
	w.Append(b.t.Context(), counted(matches))
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	w.Flush(ctx)
}

// wantWholeDay wants the six batches of hurtDay in the object once, after another was
// uploaded, and no other twice.
func (b *bench) wantWholeDay(srv *fakes3.Server, when string) {
	b.t.Helper()
	b.open()
	b.append(8)
	b.flush()
	data, _, _ := srv.Object(s3test.Bucket, dayA)
	times := map[string]int{}
	for _, u := range parseDay(b.t, dayA, data).Uploads {
		for _, fetch := range u.Data {
			times[string(fetch)]++
		}
	}
	for n := 1; n <= 8; n++ {
		if got := times[string(counted(n))]; got > 1 || got == 0 && n != 7 {
			b.t.Errorf("%s: fetch %d is in the object %d times\n%s", when, n, got, b.log)
		}
	}
}

// TestSharedDayIsPutBackOnce: of a day that several hosts share each has the last body as
// it was after its own upload, and each puts back what is still gone.
func TestSharedDayIsPutBackOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW20()})
		b.cfg.Store = s3test.NewStore(client, s3store.Options{Shared: true})
		b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, -1, -1
		b.open()
		b.uploadEach(1, 3)
		other := b.second()
		defer other.Close()
		other.uploadEach(4, 6)
		b.uploadEach(7, 7)
		srv.DeleteObject(s3test.Bucket, dayA)
		inParallel(t, []*bench{b, other})
		d := s3Day(t, srv, dayA)
		if m := d.Metadata; m.Uploads != 27 || m.Matches != 28+2*55 {
			t.Errorf("%+v", m)
		}
	})
}

// TestFailedLookIsNoAbsence: a look that fails says nothing about the object, also where
// nothing is remembered of it.
func TestFailedLookIsNoAbsence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		lost := b.losses()
		b.open()
		b.uploadEach(1, 3)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := b.disk.Remove("all_api.spool/seen.json"); err != nil {
			t.Fatal(err)
		}
		failed := 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "stat" && failed < 3 {
				failed++
				return storetest.Fault{Err: errors.New("503"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.open()
		b.append(4)
		time.Sleep(time.Hour)
		if m := b.day(dayA).Metadata; m.Uploads != 4 || len(*lost) > 0 || failed != 3 {
			t.Errorf("%+v, %d failed looks, losses %v\n%s", m, failed, *lost, b.log)
		}
	})
}
