package archive_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
)

// restoreOrWait restores the day, after a quarter of an hour if a write is in doubt until
// then.
func (b *bucket) restoreOrWait() {
	b.t.Helper()
	if _, err := b.restore(b.t.Context()); err == nil {
		return
	}
	time.Sleep(16 * time.Minute)
	if _, err := b.restore(b.t.Context()); err != nil {
		b.t.Fatalf("restore: %v", err)
	}
}

// TestRestoreWhileAnIntentStands: the Writer was killed at each request of an upload, and
// the object is hurt before or after that. The restored day is not taken back by what the
// Writer had begun, and its batch is uploaded once.
func TestRestoreWhileAnIntentStands(t *testing.T) {
	depth.SkipInShort(t)
	profiles, names := drilled()
	all := drills()
	for _, p := range profiles {
		for size, minPart := range sizes {
			for _, name := range names {
				t.Run(fmt.Sprintf("%s/%s/%s", p.Name, size, name), func(t *testing.T) {
					t.Parallel()
					for n, more := 1, true; more; n += depth.N(7, 5, 2) {
						for _, after := range []bool{false, true} {
							for _, late := range []bool{false, true} {
								inBucket(t, p, minPart, func(t *testing.T, b *bucket) {
									b.write(10)
									if !late {
										b.hurt(all[name])
									}
									more = b.killedAt(n, after, func(ctx context.Context) { b.killedWrite(ctx, 2) })
									if late {
										b.hurt(all[name])
									}
									b.restoreOrWait()
									b.write(1)
									time.Sleep(20 * time.Minute) // what was begun ends
									b.restoreOrWait()
									b.write(1)
									b.wantWhole(14)
								})
							}
						}
					}
				})
			}
		}
	}
}

// TestRestoreWhileTheWriterWrites: the day is hurt and restored at each request of a Writer
// that is uploading to it. The two wait for each other.
func TestRestoreWhileTheWriterWrites(t *testing.T) {
	for _, p := range servers() {
		for size, minPart := range sizes {
			t.Run(p.Name+"/"+size, func(t *testing.T) {
				t.Parallel()
				for n := int32(1); n <= 12; n += int32(depth.N(5, 3, 1)) {
					inBucket(t, p, minPart, func(t *testing.T, b *bucket) {
						b.write(10)
						var requests atomic.Int32
						done := make(chan error, 1)
						b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
							if op.Key == b.key() && requests.Add(1) == n {
								b.hurt(hurts["flipped"].edit)
								go func() {
									_, err := b.restore(b.t.Context())
									done <- err
								}()
							}
							return fakes3.Fault{}
						}
						b.tryToWrite(2)
						if requests.Load() < n {
							return
						}
						b.srv.Fault = nil
						if err := <-done; err != nil {
							b.restoreOrWait()
						}
						b.restoreOrWait()
						b.write(2)
						b.wantWhole(14)
					})
				}
			})
		}
	}
}

// TestRestoreKeepsSequences: the Writer finds by them what it has uploaded. The day is
// restored, without uploads that nothing has any more, while the reply to its next upload is
// lost.
func TestRestoreKeepsSequences(t *testing.T) {
	inBucket(t, fakes3.RGW16(), sizes["in parts"], func(t *testing.T, b *bucket) {
		b.cfg.KeepUploaded, b.cfg.KeepFor = 2, -1
		b.cfg.MaxFetches = 1
		b.write(30)
		b.killedAt(3, true, func(ctx context.Context) { b.killedWrite(ctx, 1) })
		b.hurt(func(s string) string { return replace(`"n":3,`, `"n":9,`)(s) })
		b.restoreOrWait()
		b.write(20)
		r := b.verify()
		got := fetches(b.t, b.object())
		if codes(r) != "sequence_gap" || len(got) != 50 || r.Totals.Uploads != 50 {
			t.Errorf("%v, %d fetches", r.Findings, len(got))
		}
	})
}
