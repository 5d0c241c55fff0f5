package archive_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/s3test"
)

// takeOver plans to take the day over with the directory of the world, and does it.
func (b *bucket) takeOver(ctx context.Context, abort bool) (*archive.Takeover, error) {
	m, err := rotatelog.OpenMaintenance(ctx, b.cfg)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	plan, err := archive.PlanTakeover(ctx, m, b.archive(), day)
	if err != nil {
		return nil, err
	}
	plan.AbortOpen = abort
	return plan, plan.Apply(ctx)
}

// onEachServer runs a test for each server, with days written whole and in parts.
func onEachServer(t *testing.T, test func(t *testing.T, b *bucket)) {
	for _, p := range servers() {
		for size, minPart := range sizes {
			t.Run(p.Name+"/"+size, func(t *testing.T) {
				t.Parallel()
				inBucket(t, p, minPart, test)
			})
		}
	}
}

// TestLostMachineComesBack with batches that nobody has: it is refused, and they come in
// from its disk.
func TestLostMachineComesBack(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.write(11)
		lost := b.cfg
		b.killedAt(1, false, func(ctx context.Context) { b.killedWrite(ctx, 3) }) // 12 to 14 are only on its disk
		b.cfg.Dir = t.TempDir()
		plan, err := b.takeOver(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if want := "after fetch 11, the last in upload 6, which was sealed at 07/10/2025 12:11:00 PM EDT"; !strings.Contains(plan.Lost(), want) {
			t.Errorf("lost: %s", plan.Lost())
		}
		b.write(4)
		mine := b.cfg
		b.cfg = lost
		if err := b.tryToWrite(1); !errors.Is(err, rotatelog.ErrPermanent) {
			t.Errorf("the lost machine: %v", err)
		}
		b.cfg = mine
		spool, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: lost.Dir, Location: b.zone})
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		for range 2 {
			if _, err := b.restore(t.Context(), archive.SpoolSource("the old disk", spool)); err != nil {
				t.Fatal(err)
			}
			b.wantWhole(19)
		}
		b.write(1)
		b.wantWhole(20)
	})
}

// TestTwoNewMachines take the day over at the same time.
func TestTwoNewMachines(t *testing.T) {
	onEachServer(t, func(t *testing.T, b *bucket) {
		b.write(10)
		b.twoTakeOverAtOnce(t)
	})
}

// twoTakeOverAtOnce has two machines take the day over, the second when the first is about
// to write: one succeeds, and the other gets an error, or is refused with its first upload
// where a server ignores conditions.
func (b *bucket) twoTakeOverAtOnce(t *testing.T) {
	had := b.verify().Totals.Fetches
	dirs := []string{t.TempDir(), t.TempDir()}
	var errs [2]error
	b.cfg.Dir = dirs[0]
	alive := b.cfg.Store
	begun := false
	b.cfg.Store = b.store(func(next http.RoundTripper) http.RoundTripper {
		return s3test.RoundTripper(func(req *http.Request) (*http.Response, error) {
			writes := req.Method == http.MethodPut || req.Method == http.MethodPost
			if writes && strings.HasSuffix(req.URL.Path, b.key()) && !begun { // the first of its writes to the day
				begun = true
				first := b.cfg
				b.cfg.Dir, b.cfg.Store = dirs[1], alive
				_, errs[1] = b.takeOver(t.Context(), false)
				b.cfg = first
			}
			return next.RoundTrip(req)
		})
	})
	_, errs[0] = b.takeOver(t.Context(), false)
	b.cfg.Store = alive
	if !begun || errs[1] != nil {
		t.Fatalf("%v, %v", begun, errs[1])
	}
	won := 0
	for i, dir := range dirs {
		b.cfg.Dir = dir
		err := b.tryToWrite(1)
		switch {
		case err == nil:
			won++
		case !errors.Is(err, rotatelog.ErrPermanent):
			t.Errorf("%v", err)
		}
		if errs[i] != nil && !errors.Is(errs[i], rotatelog.ErrConflict) {
			t.Errorf("machine %d: %v", i, errs[i])
		}
		if err == nil && errs[i] != nil {
			t.Errorf("machine %d got %v, and owns the day", i, errs[i])
		}
	}
	if errs[0] == nil && errs[1] == nil {
		t.Errorf("both machines believe that the day is theirs")
	}
	if won != 1 {
		t.Errorf("%d machines own the day: %v", won, errs)
	}
	if r := b.verify(); codes(r) != "" || r.Totals.Fetches != had+1 {
		t.Errorf("%v, %+v", r.Findings, r.Totals)
	}
}

// TestTakeoverKilled: the machine that takes over is killed at each of its requests, and
// takes over with the next try.
func TestTakeoverKilled(t *testing.T) {
	profiles, _ := drilled()
	for _, p := range profiles {
		for size, minPart := range sizes {
			t.Run(p.Name+"/"+size, func(t *testing.T) {
				t.Parallel()
				for n, more := 1, true; more; n += depth.N(15, 5, 1) {
					for _, after := range []bool{false, true} {
						inBucket(t, p, minPart, func(t *testing.T, b *bucket) {
							b.write(11)
							b.cfg.Dir = t.TempDir()
							more = b.killedAt(n, after, func(ctx context.Context) { b.takeOver(ctx, false) })
							b.wantWhole(11)
							if _, err := b.takeOver(t.Context(), false); err != nil {
								time.Sleep(16 * time.Minute)
								if _, err := b.takeOver(t.Context(), true); err != nil {
									t.Fatalf("killed at %d: %v", n, err)
								}
							}
							b.write(2)
							b.wantWhole(13)
						})
					}
				}
			})
		}
	}
}

// TestTakeoverOfAnUploadUnderWay: the lost machine was killed at each request of an
// upload. The takeover refuses while something of that may take effect.
func TestTakeoverOfAnUploadUnderWay(t *testing.T) {
	profiles, _ := drilled()
	for _, p := range profiles {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			for n, more := 1, true; more; n += depth.N(5, 2, 1) {
				for _, after := range []bool{false, true} {
					inBucket(t, p, sizes["in parts"], func(t *testing.T, b *bucket) {
						b.write(10)
						more = b.killedAt(n, after, func(ctx context.Context) { b.killedWrite(ctx, 2) })
						open := len(b.srv.Uploads(s3test.Bucket)) > 0
						b.cfg.Dir = t.TempDir()
						_, err := b.takeOver(t.Context(), false)
						if open {
							if err == nil || !strings.Contains(err.Error(), "not finished") {
								t.Errorf("killed at %d: %v", n, err)
							}
							if _, err = b.takeOver(t.Context(), true); err == nil || !strings.Contains(err.Error(), "may still take effect") {
								t.Errorf("killed at %d: young: %v", n, err)
							}
							time.Sleep(15 * time.Minute)
							_, err = b.takeOver(t.Context(), true)
						}
						if err != nil {
							t.Fatalf("killed at %d: %v", n, err)
						}
						s3test.WantOpen(t, b.srv)
						b.write(2)
						if r := b.verify(); codes(r) != "" && codes(r) != "gap" || r.Totals.Fetches != 12 && r.Totals.Fetches != 14 {
							t.Errorf("killed at %d: %v, %+v", n, r.Findings, r.Totals)
						}
					})
				}
			}
		})
	}
}

// killedWrite has a Writer append n fetches and upload them, until it is killed.
func (b *bucket) killedWrite(ctx context.Context, n int) {
	wr, err := rotatelog.Open(b.t.Context(), b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	defer wr.Close()
	for range n {
		b.append(wr)
	}
	wr.Flush(ctx)
}
