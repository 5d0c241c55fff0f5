package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// TestVerifyOfAServerThatIsNotWell: what a server does wrong is not taken for something
// wrong with the day. It is read again, or there is an error.
func TestVerifyOfAServerThatIsNotWell(t *testing.T) {
	for name, fault := range map[string]fakes3.Fault{
		"503":                 {Reply: fakes3.Error{Status: 503, Code: "SlowDown"}},
		"dropped":             {Drop: true},
		"cut":                 {Cut: true, CutAt: 500},
		"stalled":             {Delay: time.Hour},
		"trickles":            {Trickle: 100, Pause: time.Second},
		"absent":              {Absent: true},
		"no ETag":             {NoETag: true},
		"half an hour of 503": {Reply: fakes3.Error{Status: 503, Code: "SlowDown"}, Delay: time.Minute},
	} {
		for _, p := range []fakes3.Profile{fakes3.RGW16(), fakes3.Versity()} {
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				inBucket(t, p, 0, func(t *testing.T, b *bucket) {
					b.write(10)
					var struck atomic.Int32
					last := int32(3)
					if strings.HasPrefix(name, "half") {
						last = 1000
					}
					b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
						if op.Key == b.key() && struck.Add(1) <= last {
							return fault
						}
						return fakes3.Fault{}
					}
					r, err := archive.VerifyDay(t.Context(), b.archive(), day, archive.VerifyOptions{})
					if err == nil && (codes(r) != "" || r.Totals.Fetches != 10) || err == nil && last > 3 {
						t.Errorf("%v, %+v, %v", r.Findings, r.Totals, err)
					}
					if struck.Load() == 0 {
						t.Error("no fault has struck")
					}
				})
			})
		}
	}
}

// TestVerifyWhileTheDayIsReplaced: the Writer appends while the day is read. Also a server
// that mixes two versions shows nothing wrong.
func TestVerifyWhileTheDayIsReplaced(t *testing.T) {
	for name, fault := range map[string]fakes3.Fault{"": {}, "torn": {Torn: true, Delay: 10 * time.Second}, "short": {Short: 40}} {
		for _, op := range []string{"GetObject", "HeadObject"} {
			for _, p := range servers() {
				t.Run(p.Name+"/"+op+"/"+name, func(t *testing.T) {
					t.Parallel()
					inBucket(t, p, 0, func(t *testing.T, b *bucket) {
						b.write(10)
						wr, err := rotatelog.Open(t.Context(), b.cfg)
						if err != nil {
							t.Fatal(err)
						}
						defer wr.Close()
						b.replaceAt(op, 1, fault, func() {
							b.appendNow(wr)
							if err := wr.Flush(t.Context()); err != nil {
								t.Error(err)
							}
						})
						r, err := archive.VerifyDay(t.Context(), b.archive(), day, archive.VerifyOptions{Count: footer})
						if err != nil || codes(r) != "" || r.Totals.Fetches < 10 {
							t.Errorf("%v, %+v, %v", r.Findings, r.Totals, err)
						}
					})
				})
			}
		}
	}
}

// TestVerifyOfAMixtureThatEndsInABrace: without the metadata beside an object nothing says
// how its text ends, so that only the findings show that two versions were mixed.
func TestVerifyOfAMixtureThatEndsInABrace(t *testing.T) {
	for nth := int32(1); nth < 4; nth++ {
		inBucket(t, fakes3.Versity(), 0, func(t *testing.T, b *bucket) {
			b.write(10)
			was := b.object()
			is := strings.Replace(was, `"total_matches_today":`, `"total_matches_today":9999`, 1) // as long as what ends it
			b.srv.PutObject(s3test.Bucket, b.key(), []byte(was), nil)
			b.replaceAt("GetObject", nth, fakes3.Fault{Torn: true, Delay: 2 * time.Second}, func() {
				b.srv.PutObject(s3test.Bucket, b.key(), []byte(is), nil)
			})
			if r, replaced := b.verify(), b.object() == is; replaced && codes(r) != "total_matches" || !replaced && codes(r) != "" {
				t.Errorf("read %d: %v", nth, r.Findings)
			}
		})
	}
}

// TestVerifyOfADayThatIsReplacedEachTime ends with an error.
func TestVerifyOfADayThatIsReplacedEachTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		a := w.archive()
		a.Store = restless{w}
		if r, err := archive.VerifyDay(t.Context(), a, day, archive.VerifyOptions{}); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%v, %v", r, err)
		}
	})
}

// restless is a store whose object is replaced after each look at it.
type restless struct{ *world }

func (r restless) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := r.mem.Stat(ctx, key)
	if err == nil {
		r.edit(key, func(s string) string { return s })
	}
	return o, err
}

func (r restless) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	return r.mem.Read(ctx, key, v, off, n)
}

func (r restless) Write(context.Context, string, rotatelog.Version, []rotatelog.Part, map[string]string) error {
	return errors.ErrUnsupported
}

// TestVerifyIsCancelled in the middle, at once.
func TestVerifyIsCancelled(t *testing.T) {
	inBucket(t, fakes3.RGW16(), 0, func(t *testing.T, b *bucket) {
		b.write(10)
		ctx, cancel := context.WithCancel(t.Context())
		b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			time.AfterFunc(time.Second, cancel)
			return fakes3.Fault{Trickle: 100, Pause: time.Second}
		}
		begin := time.Now()
		if _, err := archive.VerifyDay(ctx, b.archive(), day, archive.VerifyOptions{}); !errors.Is(err, context.Canceled) || time.Since(begin) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestVerifyOfWritersThatShareADay: what contention leaves is good.
func TestVerifyOfWritersThatShareADay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var all []*rotatelog.Writer
		for range 4 {
			cfg := w.cfg
			cfg.Dir = t.TempDir()
			wr, err := rotatelog.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer wr.Close()
			all = append(all, wr)
		}
		for range 5 {
			for _, wr := range all {
				w.append(wr)
			}
		}
		for _, wr := range all {
			if err := wr.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if r := w.verify(archive.VerifyOptions{Count: footer}); codes(r) != "" || r.Totals.Fetches != 20 {
			t.Errorf("%v, %+v", r.Findings, r.Totals)
		}
	})
}

// TestDaysOfOtherLengths: the nights on which the clock is changed.
func TestDaysOfOtherLengths(t *testing.T) {
	for _, night := range []rotatelog.Day{{Year: 2025, Month: time.November, Date: 2}, {Year: 2026, Month: time.March, Date: 8}} {
		t.Run(night.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				time.Sleep(time.Until(night.Start(w.zone)))
				hours := int(night.Next().Start(w.zone).Sub(night.Start(w.zone)).Hours())
				wr := w.open()
				defer wr.Close()
				for range 4 * hours {
					w.append(wr)
					time.Sleep(14 * time.Minute)
				}
				if err := wr.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					r, err := archive.VerifyDay(t.Context(), w.archive(), night, archive.VerifyOptions{Count: footer})
					if err != nil || codes(r) != "" || r.Totals.Fetches != 4*hours || notes(r, archive.Order) {
						t.Errorf("%v, %+v, %v", r.Findings, r.Totals, err)
					}
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

func notes(r archive.Report, code archive.Code) bool {
	for _, f := range r.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}

// TestOtherThingsUnderAKey: each is an error of the day, and none of Verify.
func TestOtherThingsUnderAKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Compression = rotatelog.Gzip
		w.write(4)
		gzip := w.mem.Bytes(w.key())
		w.mem.Delete(w.key())
		deep := `{"daily_metadata":{"date":"2025-07-10","total_uploads":1,"total_matches_today":0,"first_upload":"07/10/2025 12:00:00 PM EDT","last_upload":"07/10/2025 12:00:00 PM EDT","total_fetches_today":1},` + "\n" +
			`"uploads":[` + "\n" + `{"upload_sequence":1,"upload_timestamp":"07/10/2025 12:00:00 PM EDT","matches_in_upload":0,"fetches_in_upload":1,"upload_id":"ABCDEFGH","fetch_data":[` + "\n" +
			strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001) + "]}\n]}\n"
		for _, test := range []struct {
			pack rotatelog.Compression
			text []byte
		}{
			{rotatelog.Uncompressed, gzip}, {rotatelog.Zstd, gzip}, {rotatelog.Gzip, gzip[:len(gzip)-3]}, {rotatelog.Gzip, append(gzip[:len(gzip):len(gzip)], gzip...)},
			{rotatelog.Zstd, nil}, {rotatelog.Gzip, []byte("<html>")}, {rotatelog.Uncompressed, []byte(deep)},
			{rotatelog.Uncompressed, []byte(strings.Repeat("[", 1<<20))}, {rotatelog.Uncompressed, []byte("\xef\xbb\xbf{}")}, {rotatelog.Uncompressed, []byte("null")},
		} {
			key := w.archive().Key(day, test.pack)
			w.mem.Put(key, test.text, nil)
			if r := w.verify(archive.VerifyOptions{}); r.Worst() != archive.Error {
				t.Errorf("%s, %.60q: %v", key, test.text, r.Findings)
			}
			w.mem.Delete(key)
		}
	})
}

// TestVerifyInBoundedMemory: a day of 30 MB takes little more than one of 3 MB.
func TestVerifyInBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes much")
	}
	peak := func(fetches int) (most uint64) {
		inWorld(t, func(t *testing.T, w *world) {
			w.cfg.MaxFetches = 10
			wr := w.open()
			text := strings.Repeat("x", 100<<10)
			for n := range fetches {
				if _, err := wr.Append(t.Context(), fmt.Appendf(nil, `{"n":%d,"text":%q}`, n, text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(wr.Flush(t.Context()), wr.Close()); err != nil { // it would compress batches meanwhile
				t.Fatal(err)
			}
			runtime.GC()
			runtime.GC() // what a sync.Pool keeps goes with the second one
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			var mu sync.Mutex
			opts := archive.VerifyOptions{Count: func([]byte) (int64, error) {
				mu.Lock()
				defer mu.Unlock()
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
				return 0, nil
			}}
			if r := w.verify(opts); codes(r) != "" || r.Totals.Fetches != fetches {
				t.Errorf("%v", r.Findings)
			}
		})
		return most
	}
	small, large := peak(30), peak(300)
	if large > small+2<<20 {
		t.Errorf("a day of 3 MB takes %d bytes, and one of 30 MB %d", small, large)
	}
}
