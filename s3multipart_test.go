package rotatelog_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

// inPartsBubble is inS3Bubble with days that are large from the first upload on.
func inPartsBubble(t *testing.T, profile fakes3.Profile, test func(t *testing.T, b *bench, srv *fakes3.Server)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		store, srv := s3test.NewSmallParts(profile, s3store.Options{})
		b.cfg.Store = store
		b.large()
		s3test.Prove(t, store, srv)
		test(t, b, srv)
		s3test.WantNoSecret(t, b.log.String())
	})
}

// TestS3StoreInParts: the contract holds for multipart uploads where the server
// honours conditions on Complete, and elsewhere by writing objects whole.
func TestS3StoreInParts(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	alone := []fakes3.Profile{fakes3.Strict(), fakes3.RGW20(), fakes3.MinIO(), fakes3.Versity()}
	shared := s3test.Profiles()
	// Thousands of requests each. RGW16 and RGW18 are between Linode and RGW20.
	for _, profile := range alone[:depth.N(1, 4, 4)] {
		t.Run(profile.Name, func(t *testing.T) { storeInParts(t, profile, false) })
	}
	for _, profile := range shared[:depth.N(1, 5, 7)] {
		t.Run(profile.Name+" shared", func(t *testing.T) { storeInParts(t, profile, true) })
	}
}

// storeInParts runs the suite on one store, which proves once that its server
// lets several Writers share a key.
func storeInParts(t *testing.T, profile fakes3.Profile, shared bool) {
	t.Parallel()
	opts := s3store.Options{Shared: shared}
	store, _ := s3test.NewSmallParts(profile, opts)
	large, _ := s3test.NewPartsFrom(100*s3test.MinPart, profile, opts)
	storetest.Run(t, func(t *testing.T) rotatelog.Store {
		if strings.Contains(t.Name(), "a_large_object") && !depth.Full() {
			return large // a hundred parts show what ten thousand do
		}
		return store
	})
}

// TestS3AppendIsCopiedByTheServer: the server copies, what is new is sent, and nothing is read.
func TestS3AppendIsCopiedByTheServer(t *testing.T) {
	old := strings.Repeat("0123456789", 100)
	for _, profile := range s3test.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			store, srv := s3test.NewSmallParts(profile, s3store.Options{})
			s3test.Write(t, store, "a b+c", "", nil, rotatelog.Data([]byte(old)))
			srv.Reset()
			v := s3test.Stat(t, store, "a b+c").Version
			s3test.Write(t, store, "a b+c", v, map[string]string{"name": "value"}, rotatelog.Copy(0, 900), rotatelog.Data([]byte("new")))
			s3test.WantContent(t, store, "a b+c", old[:900]+"new")
			if meta := s3test.Stat(t, store, "a b+c").Meta; len(meta) != 1 || meta["name"] != "value" {
				t.Errorf("metadata %v", meta)
			}
			st := srv.Stats()
			if st.Requests["UploadPartCopy"] != 3 || st.Requests["UploadPart"] != 1 || st.Copied != 900 || st.Received > 1000 {
				t.Errorf("%v, %d bytes copied, %d received", st.Requests, st.Copied, st.Received)
			}
			if open := srv.Uploads(s3test.Bucket); len(open) != 0 {
				t.Errorf("left open: %v", open)
			}
		})
	}
}

// TestS3AppendSendsTheWholeObjectWhereItMust: where the server cannot copy, or ignores the conditions that
// a shared key needs, an object is put together in a file and sent.
func TestS3AppendSendsTheWholeObjectWhereItMust(t *testing.T) {
	noCopy := fakes3.Linode()
	noCopy.NoCopyPart = true
	for name, tt := range map[string]struct {
		profile fakes3.Profile
		shared  bool
	}{
		"no copying":              {noCopy, false},
		"shared without Complete": {fakes3.Linode(), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, srv := s3test.NewSmallParts(tt.profile, s3store.Options{Shared: tt.shared, TempDir: dir})
			old := strings.Repeat("0123456789", 100)
			s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(old)))
			for range 4 { // copying is given up after three times
				srv.Reset()
				o := s3test.Stat(t, store, "key")
				s3test.Write(t, store, "key", o.Version, nil, rotatelog.Copy(0, o.Size), rotatelog.Data([]byte("new")))
				old += "new"
				s3test.WantContent(t, store, "key", old)
			}
			if st := srv.Stats(); st.Requests["PutObject"] != 1 || st.Requests["CreateMultipartUpload"] != 0 {
				t.Errorf("the last time: %v", st.Requests)
			}
			if open := srv.Uploads(s3test.Bucket); len(open) != 0 {
				t.Errorf("left open: %v", open)
			}
			wantEmptyDir(t, dir)

			bad := s3test.Must(s3store.New(s3test.InProcess(s3test.NewClient("http://s3.test"), srv), s3test.Bucket,
				s3test.SmallParts(s3store.Options{Shared: tt.shared, TempDir: dir + "/missing"}, s3test.MinPart)))
			o := s3test.Stat(t, bad, "key")
			err := bad.Write(t.Context(), "key", o.Version, []rotatelog.Part{rotatelog.Copy(0, o.Size)}, nil)
			if err == nil || !strings.Contains(err.Error(), "set s3store.Options.TempDir") {
				t.Errorf("without a directory for it: %v", err)
			}
		})
	}
}

// TestS3AnotherWriterDuringAnAppend: another writer comes between the look and the last request.
func TestS3AnotherWriterDuringAnAppend(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.RGW20(), fakes3.MinIO(), fakes3.Versity()}[:depth.N(1, 4, 4)] {
		for _, op := range []string{"CreateMultipartUpload", "UploadPartCopy", "UploadPart", "CompleteMultipartUpload"} {
			for _, other := range []string{"other", strings.Repeat("x", 500)} {
				t.Run(fmt.Sprint(profile.Name, op, len(other)), func(t *testing.T) {
					store, srv := s3test.NewSmallParts(profile, s3store.Options{Shared: true})
					s3test.Write(t, store, "key", "", nil, rotatelog.Data(bytes.Repeat([]byte("o"), 400)))
					v := s3test.Stat(t, store, "key").Version
					first := srv.Stats().Requests[op] + 1
					srv.Fault = func(o fakes3.Op) fakes3.Fault {
						if o.Name == op && o.N == first {
							srv.PutObject(s3test.Bucket, "key", []byte(other), nil)
						}
						return fakes3.Fault{}
					}
					err := store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("mine"))}, nil)
					if !errors.Is(err, rotatelog.ErrConflict) {
						t.Errorf("%v, want ErrConflict", err)
					}
					s3test.WantContent(t, store, "key", other)
					if open := srv.Uploads(s3test.Bucket); len(open) != 0 {
						t.Errorf("left open: %v", open)
					}
				})
			}
		}
	}
}

// partFaults are what may become of a request of a multipart upload.
var partFaults = map[string]fakes3.Fault{
	"lost reply":            {Drop: true, After: true},
	"lost request":          {Drop: true},
	"412 after success":     {Reply: fakes3.Error{Status: 412}, After: true},
	"412":                   {Reply: fakes3.Error{Status: 412}},
	"409":                   {Reply: fakes3.Error{Status: 409}},
	"409 after success":     {Reply: fakes3.Error{Status: 409}, After: true},
	"200 and nothing":       {Lost: true},
	"500":                   {Reply: fakes3.Error{Status: 500, Code: "UnknownError"}},
	"500 after success":     {Reply: fakes3.Error{Status: 500}, After: true},
	"403 after success":     {Reply: fakes3.Error{Status: 403}, After: true},
	"404":                   {Reply: fakes3.Error{Status: 404}},
	"400":                   {Reply: fakes3.Error{Status: 400, Code: "InvalidPart"}},
	"400 after success":     {Reply: fakes3.Error{Status: 400, Code: "InvalidPart"}, After: true},
	"503":                   {Reply: fakes3.Error{Status: 503}},
	"stalled":               {Delay: time.Hour},
	"stalled after success": {Delay: time.Hour, After: true},
	"applied later":         {Later: true, Reply: fakes3.Error{Status: 503}},
	"slow":                  {Linger: true},
	"slow, no reply":        {Linger: true, Drop: true, After: true},
	"slow, 412":             {Linger: true, Reply: fakes3.Error{Status: 412}, After: true},
	"slow, 500":             {Linger: true, Reply: fakes3.Error{Status: 500}, After: true},
	"cut short":             {Cut: true, CutAt: 100},
}

var partRequests = []string{"CreateMultipartUpload", "UploadPartCopy", "UploadPart", "CompleteMultipartUpload"}

// TestS3PartsExactlyOnce: whatever a server answers to a request of a multipart
// upload, and to those that fix that, each batch is in the object once,
// nothing is destroyed, and nothing stays behind.
func TestS3PartsExactlyOnce(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Linode(), fakes3.RGW20(), fakes3.Strict(), fakes3.MinIO(), fakes3.Versity()} {
		for name, fault := range partFaults {
			for _, op := range partRequests {
				for _, restart := range []bool{false, true} {
					if !partFaultTried(profile, op, restart) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%s/restart %v", profile.Name, op, name, restart), func(t *testing.T) {
						t.Parallel()
						inPartsBubble(t, profile, func(t *testing.T, b *bench, srv *fakes3.Server) {
							srv.Fault = func(o fakes3.Op) fakes3.Fault {
								if o.Name == op && o.N <= 2 {
									return fault
								}
								return fakes3.Fault{}
							}
							exactlyOnceInParts(t, b, srv, restart)
							wantNoUploads(t, srv, fault.Linger || fault.Lost)
						})
					})
				}
			}
		}
	}
}

// partFaultTried reports whether a fault of that request is tried with that server.
func partFaultTried(profile fakes3.Profile, op string, restart bool) bool {
	linode, complete := profile.Name == fakes3.Linode().Name, op == "CompleteMultipartUpload"
	switch {
	case depth.Short():
		return linode && complete && restart
	case linode:
		return true
	}
	return complete && (restart || depth.Full()) // in the other requests they do not differ from Linode
}

// exactlyOnceInParts uploads some batches, in some of whose uploads the Writer is
// killed at a random moment, and looks for each once.
func exactlyOnceInParts(t *testing.T, b *bench, srv *fakes3.Server, restart bool) {
	b.open()
	for i := range 4 {
		b.append(ten...)
		if restart && i > 0 {
			b.Seal(t.Context())
			time.Sleep(time.Duration(i) * 20 * time.Second) // in which much may have failed
			b.die()
			b.open()
		}
		err := b.Flush(t.Context())
		for range 2 { // somebody is mending what permanent error
			if errors.Is(err, rotatelog.ErrPermanent) {
				err = b.Flush(t.Context())
			}
		}
		if err != nil {
			t.Fatalf("flush: %v", err)
		}
		srv.Release()
	}
	d := s3Day(t, srv, dayA)
	if d.Metadata.Uploads != 4 || d.Metadata.Fetches != 40 || d.Metadata.Matches != 4*55 {
		t.Errorf("%+v\n%s", d.Metadata, b.log)
	}
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d are still pending: %q", n, b.pending())
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	srv.Fault = nil
	time.Sleep(49 * time.Hour) // after which leftovers are swept
	b.open()
	b.append(1)
	b.flush()
	time.Sleep(time.Minute) // closing is nothing that Flush waits for
	if data, _, _ := srv.Object(s3test.Bucket, dayA); !metadataFirst(data) {
		t.Errorf("not closed:\n%s", data)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// wantNoUploads wants no uploads to be left, except those with parts where the
// server lied about completing them, since aborting those is not safe.
func wantNoUploads(t *testing.T, srv *fakes3.Server, lied bool) {
	t.Helper()
	for _, u := range srv.Uploads(s3test.Bucket) {
		if u.Parts == 0 || !lied {
			t.Errorf("left open: %+v", u)
		}
	}
}

// TestLateCompleteTakesNothingBack: a Complete that arrives when its sender is dead, and the next
// process has continued, takes nothing back. The server honours no condition.
func TestLateCompleteTakesNothingBack(t *testing.T) {
	inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		b.append(ten...)
		b.flush()
		var late atomic.Bool
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name != "CompleteMultipartUpload" || late.Swap(true) {
				return fakes3.Fault{}
			}
			return fakes3.Fault{Later: true, Delay: time.Hour}
		}
		b.append(ten...)
		b.Seal(t.Context())
		time.Sleep(time.Second)
		if !late.Load() || len(b.notes()) != 1 {
			t.Fatalf("late %v, notes %q", late.Load(), b.notes())
		}
		b.cutPower()
		b.open()
		b.append(ten...)
		b.flush()
		srv.Release()
		if d := s3Day(t, srv, dayA); d.Metadata.Uploads != 3 {
			t.Errorf("%+v", d.Metadata)
		}
		if notes := b.notes(); len(notes) != 0 {
			t.Errorf("notes %q", notes)
		}
		wantNoUploads(t, srv, false)
	})
}

// cutPower leaves only what was synced.
func (b *bench) cutPower() {
	b.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
	b.Close()
	b.onDisk(nil)
	b.setDisk(b.disk.Crash(func(int) int { return 0 }))
}

// failNote makes an operation on the nth note of an upload from now on fail.
func (b *bench) failNote(kind string, nth int, failed *atomic.Int32) {
	var mu sync.Mutex
	seen, renamed := 0, false
	b.onDisk(func(op crashfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		ofNote := strings.Contains(op.Name, "/intents/") || op.Kind == "SyncDir" && renamed
		renamed = op.Kind == "Rename" && ofNote
		if op.Kind != kind || failed.Load() > 0 || !ofNote {
			return nil
		}
		if seen++; seen <= nth {
			return nil
		}
		failed.Add(1)
		return syscall.EIO
	})
}

// notes returns the files of intents with a note that is not settled.
func (b *bench) notes() (names []string) {
	for name, content := range b.disk.Tree() {
		if strings.Contains(name, "/intents/") && strings.Contains(content, `"note"`) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestNothingIsWrittenUntilAnUploadIsSettled: as long as an upload's outcome is not
// known, nothing else is written to the key, and Flush says why. Other days
// continue.
func TestNothingIsWrittenUntilAnUploadIsSettled(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		b.append(ten...)
		b.flush()
		srv.Reset()
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name == "CompleteMultipartUpload" && o.Key == dayA {
				return fakes3.Fault{Reply: fakes3.Error{Status: 500}}
			}
			return fakes3.Fault{}
		}
		b.append(1)
		if err := b.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		b.append(2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := b.Flush(ctx)
		if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Op != "settle" || e.Key != dayA {
			t.Errorf("flush: %v", err)
		}
		if n := srv.Stats().Requests; n["CreateMultipartUpload"] != 1 || n["CompleteMultipartUpload"] < 3 || n["AbortMultipartUpload"] != 0 {
			t.Errorf("%v", n)
		}
		time.Sleep(24 * time.Hour) // another day
		b.append(3)
		b.Seal(t.Context())
		time.Sleep(time.Minute)
		if d := s3Day(t, srv, strings.ReplaceAll(dayA, "1999-12-31", "2000-01-01")); d.Metadata.Fetches != 1 {
			t.Errorf("the next day: %+v", d.Metadata)
		}
		synctest.Wait() // until no request is under way
		srv.Fault = nil
		b.flush()
		if d := s3Day(t, srv, dayA); d.Metadata.Fetches != 12 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

// TestUploadWithALostPartIsGivenUp: the server falsely says that it has a part. An
// upload that it cannot complete is given up at once. But if a process was killed
// while it sent Complete, that may still be running, so the key waits, and says so.
// No person has to help.
func TestUploadWithALostPartIsGivenUp(t *testing.T) {
	for _, c := range []struct {
		part    string // the request whose part is lost
		begun   bool
		profile fakes3.Profile
	}{
		{"UploadPart", false, fakes3.NoConditions()},
		{"UploadPart", true, fakes3.Linode()},
		{"UploadPartCopy", true, fakes3.Linode()},
	} {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,begun=%t,killed=%t", c.part, c.begun, killed), func(t *testing.T) {
				inPartsBubble(t, c.profile, func(t *testing.T, b *bench, srv *fakes3.Server) {
					b.open()
					if c.begun {
						b.append(ten...)
						b.flush()
					}
					var lost, completed atomic.Bool
					srv.Fault = func(o fakes3.Op) fakes3.Fault {
						switch {
						case o.Name == c.part && !lost.Swap(true):
							return fakes3.Fault{Lost: true}
						case o.Name == "CompleteMultipartUpload" && killed && !completed.Swap(true):
							return fakes3.Fault{Reply: fakes3.Error{Status: 500}}
						}
						return fakes3.Fault{}
					}
					start := time.Now()
					b.append(1)
					b.Seal(t.Context())
					time.Sleep(10 * time.Second)
					if strings.Contains(b.log.String(), "permanent error") {
						t.Errorf("log:\n%s", b.log)
					}
					if killed {
						b.die()
						b.open()
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
						defer cancel()
						if err := b.Drain(ctx); err == nil || errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "nothing is written to the key until 2000-01-01T00:15:") {
							t.Errorf("drain: %v", err)
						}
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					if err := b.Flush(ctx); err != nil {
						t.Fatal(err)
					}
					want := time.Minute
					if killed {
						want = 16 * time.Minute
					}
					if took := time.Since(start); took > want || !lost.Load() {
						t.Errorf("a part was lost: %t; it took %v", lost.Load(), took)
					}
					if d := s3Day(t, srv, dayA); d.Metadata.Fetches%10 != 1 || len(d.Uploads) != d.Metadata.Uploads {
						t.Errorf("%+v", d.Metadata)
					}
					wantNoUploads(t, srv, false)
				})
			})
		}
	}
}

// TestNoCompleteWithoutADurableNote: without a durable note no Complete is sent, and
// nothing stays behind.
func TestNoCompleteWithoutADurableNote(t *testing.T) {
	for _, kind := range []string{"OpenFile", "WriteAt", "Sync", "Rename", "SyncDir"} {
		for nth := range 2 {
			t.Run(fmt.Sprint(kind, nth), func(t *testing.T) {
				inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
					b.open()
					b.append(ten...)
					b.flush()
					var failed atomic.Int32
					b.failNote(kind, nth, &failed)
					completes := srv.Stats().Requests["CompleteMultipartUpload"]
					b.append(ten...)
					b.Seal(t.Context())
					time.Sleep(50 * time.Millisecond)
					if n := srv.Stats().Requests["CompleteMultipartUpload"] - completes; failed.Load() == 0 || n != 0 {
						t.Errorf("failed %d times, %d were completed", failed.Load(), n)
					}
					b.onDisk(nil)
					b.flush()
					if d := s3Day(t, srv, dayA); d.Metadata.Uploads != 2 {
						t.Errorf("%+v", d.Metadata)
					}
					wantNoUploads(t, srv, false)
				})
			})
		}
	}
}

// TestFourCopiesAtATime: that many copies are under way at once, if there are so many.
func TestFourCopiesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
		old := strings.Repeat("0123456789", 6*3*s3test.MinPart/10)
		s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(old)))
		var begun []time.Duration
		var mu sync.Mutex
		start := time.Now()
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name != "UploadPartCopy" {
				return fakes3.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			begun = append(begun, time.Since(start).Truncate(time.Second))
			return fakes3.Fault{Delay: time.Second}
		}
		s3test.Write(t, store, "key", s3test.Stat(t, store, "key").Version, nil, rotatelog.Copy(0, int64(len(old))), rotatelog.Data([]byte("+")))
		if want := []time.Duration{0, 0, 0, 0, time.Second, time.Second}; !slices.Equal(begun, want) {
			t.Errorf("copies began after %v, want %v", begun, want)
		}
	})
}

// TestRefusalsInARow: a condition that held and was refused now and then is still
// sent.
func TestRefusalsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(fakes3.RGW20(), s3store.Options{})
		refuse := false
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name == "CompleteMultipartUpload" && refuse {
				refuse = false
				return fakes3.Fault{Reply: fakes3.Error{Status: http.StatusPreconditionFailed}}
			}
			return fakes3.Fault{}
		}
		old := strings.Repeat("o", 400)
		s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(old)))
		first := s3test.Stat(t, store, "key").Version
		grow := func(v rotatelog.Version) error {
			return store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte(rand.Text()))}, nil)
		}
		for i := range 5 {
			refuse = i%2 == 0
			if err := grow(s3test.Stat(t, store, "key").Version); err != nil {
				t.Fatal(err)
			}
		}
		if err := grow(first); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("over a version that has gone: %v, want ErrConflict", err)
		}
	})
}

// TestSweepRemovesOnlyWhatIsAbandoned: it removes uploads to exactly this key that
// are older than a day by the server's clock and named by no note, except the one
// that made the object.
func TestSweepRemovesOnlyWhatIsAbandoned(t *testing.T) {
	for _, profile := range []fakes3.Profile{fakes3.Linode(), fakes3.MinIO()} {
		t.Run(profile.Name, func(t *testing.T) { sweeps(t, profile) })
	}
}

func sweeps(t *testing.T, profile fakes3.Profile) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(profile, s3store.Options{})
		s3test.Prove(t, store, srv)
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			switch {
			case o.Name == "CreateMultipartUpload" && strings.HasPrefix(o.Key, "lost"):
				return fakes3.Fault{Drop: true, After: true}
			case o.Name == "UploadPart" && (o.Key == "parts" || o.Key == "kept"):
				return fakes3.Fault{Reply: fakes3.Error{Status: 400}}
			case o.Name == "AbortMultipartUpload":
				return fakes3.Fault{Reply: fakes3.Error{Status: 403}}
			case o.Name == "CompleteMultipartUpload" && o.Key == "slow":
				return fakes3.Fault{Linger: true}
			}
			return fakes3.Fault{}
		}
		notes := map[string]*s3test.Intents{}
		for _, key := range []string{"kept", "lost", "lost/other", "parts", "slow"} {
			notes[key] = &s3test.Intents{}
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, key, bytes.Repeat([]byte("o"), 400), nil))
			store.WriteIntent(t.Context(), key, v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil, notes[key].Save)
		}
		srv.Fault = nil
		kept := notes["kept"].Last()
		sweep := func(want ...string) {
			t.Helper()
			for _, key := range []string{"kept", "lost", "parts", "slow"} {
				if err := store.Sweep(t.Context(), key, []string{kept}); err != nil {
					t.Error(err)
				}
			}
			s3test.WantOpen(t, srv, want...)
		}
		time.Sleep(23 * time.Hour)
		sweep("kept", "lost", "lost/other", "parts", "slow")
		time.Sleep(2 * time.Hour)
		sweep("kept", "lost/other", "slow")
		s3test.WantContent(t, store, "slow", strings.Repeat("o", 400)+"+")
		if err := store.Resolve(t.Context(), kept, notes["kept"].Save); err != nil {
			t.Error(err)
		}
		s3test.WantOpen(t, srv, "lost/other", "slow")
		if err := store.Sweep(t.Context(), "lost", []string{"no note"}); err == nil {
			t.Error("a note that does not parse is taken for one of nothing")
		}
	})
}

// TestSweepByTheServersClock: this machine's may be wrong by days.
func TestSweepByTheServersClock(t *testing.T) {
	for _, ahead := range []time.Duration{-72 * time.Hour, 72 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			now := func() time.Time { return time.Now().Add(-ahead) }
			srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart, Now: now})
			store := s3test.NewStore(client, s3test.SmallParts(s3store.Options{}, s3test.MinPart))
			srv.PutObject(s3test.Bucket, "key", nil, nil)
			s3test.Stat(t, store, "key") // from whose answer the SDK learns the time
			_, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(s3test.Bucket), Key: aws.String("key")})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []int{1, 0} {
				if err := store.Sweep(t.Context(), "key", nil); err != nil {
					t.Error(err)
				}
				if n := len(srv.Uploads(s3test.Bucket)); n != want {
					t.Errorf("ahead by %v: %d uploads are open, want %d", ahead, n, want)
				}
				time.Sleep(25 * time.Hour)
			}
		})
	}
}

// TestSweepOfASharedKey removes nothing: any upload may be another Writer's.
func TestSweepOfASharedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		store := s3test.NewStore(client, s3store.Options{Shared: true})
		_, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(s3test.Bucket), Key: aws.String("key")})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		if err := store.Sweep(t.Context(), "key", nil); err != nil || len(srv.Uploads(s3test.Bucket)) != 1 {
			t.Errorf("%v, open: %v", err, srv.Uploads(s3test.Bucket))
		}
	})
}

// TestReplayedDaysAreSwept: the leftovers of any day that is written to are removed, each
// once a day, whatever processes there are.
func TestReplayedDaysAreSwept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart})
		b.cfg.Store = s3test.NewStore(client, s3test.SmallParts(s3store.Options{}, s3test.MinPart))
		b.large()
		replayed(&b.cfg)
		dates := []string{"1998-03-01", "1998-03-02"}
		keyOf := func(date string) string { return strings.ReplaceAll(dayA, today, date) }
		for _, date := range dates {
			key := keyOf(date)
			if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(s3test.Bucket), Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(25 * time.Hour)
		upload := func(date string) {
			t.Helper()
			if _, err := b.Append(t.Context(), madeOn(date)); err != nil {
				t.Fatal(err)
			}
			b.flush()
			time.Sleep(time.Second)
		}
		b.open()
		upload(dates[0])
		s3test.WantOpen(t, srv, keyOf(dates[1]))
		b.reopen()
		upload(dates[1])
		s3test.WantOpen(t, srv)
		lists := srv.Stats().Requests["ListMultipartUploads"]
		for range 3 {
			upload(dates[0])
			b.reopen()
			upload(dates[1])
		}
		if n := srv.Stats().Requests["ListMultipartUploads"]; n != lists {
			t.Errorf("%d more lists on the same day", n-lists)
		}
	})
}

// TestFailingSweepIsTriedOnceADay: a server that does not answer is asked once a day, whatever
// processes there are, and holds up a Drain for seconds.
func TestFailingSweepIsTriedOnceADay(t *testing.T) {
	inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name == "ListMultipartUploads" {
				return fakes3.Fault{Delay: time.Hour}
			}
			return fakes3.Fault{}
		}
		b.open()
		var waited time.Duration
		for range 5 {
			begun := time.Now()
			b.append(ten...)
			b.flush()
			waited += time.Since(begun)
			time.Sleep(time.Minute) // longer than a sweep may take
			b.reopen()
		}
		if waited > 30*time.Second {
			t.Errorf("flushing took %v", waited)
		}
		if n := strings.Count(b.log.String(), "could not be looked for"); n != 1 {
			t.Errorf("reported %d times:\n%s", n, b.log)
		}
	})
}

// TestWriterSweepsOnceADay: once a day, and not at each upload.
func TestWriterSweepsOnceADay(t *testing.T) {
	inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		for range 5 {
			b.append(ten...)
			b.flush()
			b.reopen()
		}
		if n := srv.Stats().Requests["ListMultipartUploads"]; n != 3 {
			t.Errorf("on the first day %d lists, want 3", n)
		}
		time.Sleep(24 * time.Hour)
		b.append(1)
		b.flush()
		if n := srv.Stats().Requests["ListMultipartUploads"]; n != 6 {
			t.Errorf("on both days %d lists, want 6", n)
		}
	})
}

// TestAppendCostsTheBatch: the requests and bytes of an upload do not depend on the
// size of a large day.
func TestAppendCostsTheBatch(t *testing.T) {
	inPartsBubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		b.append(ten...)
		b.flush()
		b.append(ten...)
		b.flush()
		srv.Reset()
		b.append(ten...)
		b.flush()
		first := srv.Stats()
		for range 40 {
			b.append(ten...)
			b.flush()
		}
		srv.Reset()
		b.append(ten...)
		b.flush()
		last := srv.Stats()
		copies := int64(last.Requests["UploadPartCopy"]) // each is a request, and has an ETag
		if last.Received > first.Received+100*copies || last.Sent > first.Sent+250*copies {
			t.Errorf("%d bytes were sent and %d read, and later %d and %d", first.Received, first.Sent, last.Received, last.Sent)
		}
		data, _, _ := srv.Object(s3test.Bucket, dayA)
		most := 6 + len(data)/(3*s3test.MinPart)
		if last.Total() > most || last.Requests["GetObject"] > 2 { // which ask for the version
			t.Errorf("%v, want at most %d", last.Requests, most)
		}
		if last.Copied < int64(len(data))*9/10 {
			t.Errorf("%d bytes were copied, of %d", last.Copied, len(data))
		}
	})
}

func wantEmptyDir(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%s holds %v, %v", dir, entries, err)
	}
}
