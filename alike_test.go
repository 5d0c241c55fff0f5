package rotatelog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

// alike is a history in which one batch holds the same fetches as the next. An
// interrupted seal must not be taken for the second, nor the second for an
// interrupted seal.
type alike struct {
	max   int  // fetches a batch
	links bool // whether the disk has hard links
	away  bool // whether the store cannot be reached
	once  bool // whether each process appends one fetch
}

// leftovers are what may be left of a disk, the harshest first.
func leftovers() []func(*crashfs.FS) *crashfs.FS {
	return []func(*crashfs.FS) *crashfs.FS{
		func(d *crashfs.FS) *crashfs.FS { return d.Crash(crashfs.KeepNothing) },
		(*crashfs.FS).Kill,
		func(d *crashfs.FS) *crashfs.FS { return d.Crash(crashfs.KeepAll) },
		func(d *crashfs.FS) *crashfs.FS { return d.Crash(rand.New(rand.NewPCG(1, 0)).IntN) },
		func(d *crashfs.FS) *crashfs.FS {
			d.AnyOrder = true
			defer func() { d.AnyOrder = false }()
			return d.Crash(rand.New(rand.NewPCG(2, 0)).IntN)
		},
	}
}

// TestCrashWithEqualBatches cuts power, or kills, at the k-th operation of the disk, for
// k = 1, 2, … until a run has no cut, and then at each change that recovery
// makes.
func TestCrashWithEqualBatches(t *testing.T) {
	for _, a := range []alike{
		{max: 1, links: true, away: true}, {max: 2, links: true},
		{max: 1, away: true}, {max: 2},
		{max: 1, links: true, away: true, once: true},
	} {
		t.Run(fmt.Sprintf("%+v", a), func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			for i, left := range leftovers() {
				for k := int64(1); ; k += int64(depth.N(101, 7, 1)) {
					cut, isNew := a.crash(t, k, 0, seen, left)
					for j := int64(1); cut && isNew && i < 2 && !depth.Short(); j++ {
						if again, _ := a.crash(t, k, j, seen, left); !again {
							break
						}
					}
					if !cut || t.Failed() {
						break
					}
				}
			}
		})
	}
}

// alikeRun is one run of an alike history.
type alikeRun struct {
	*bench
	alike
	acked, given [2]int // fetches of each kind
}

// crash cuts power at operation k, and at change j of the recovery unless that is 0.
// It reports whether there were that many, and whether the resulting disk is a new
// one.
func (a alike) crash(t *testing.T, k, j int64, seen map[string]bool, left func(*crashfs.FS) *crashfs.FS) (cut, fresh bool) {
	inBubble(t, func(t *testing.T, b *bench) {
		r := &alikeRun{bench: b, alike: a}
		b.cfg.MaxFetches = a.max
		if a.away {
			b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		}
		cut = r.untilCut(k, false, 0, 0)
		r.restart(left)
		if j > 0 {
			cut = r.untilCut(j, true, 1)
			r.restart(left)
		}
		if fresh = isNew(seen, fmt.Sprint(b.disk.Tree(), r.acked, r.given, string(b.mem.Bytes(dayA)))); !fresh {
			return
		}
		b.onStore(nil)
		r.untilCut(0, false, 1)
		b.flush()
		for kind, n := range r.stored() {
			if n < r.acked[kind] || n > r.given[kind] {
				t.Errorf("cut at %d and %d: of the fetches alike %v were given, %v acknowledged, and %v are stored\n%s",
					k, j, r.given, r.acked, r.stored(), b.log)
				break
			}
		}
	})
	return cut, fresh
}

// untilCut opens the Writer and appends a batch of each of kinds, until power is
// cut at the k-th operation, or change.
func (r *alikeRun) untilCut(k int64, changes bool, kinds ...int) bool {
	var ops atomic.Int64
	r.onDisk(func(op crashfs.Op) error {
		if op.Mutates || !changes {
			ops.Add(1)
		}
		if k > 0 && ops.Load() >= k {
			return crashfs.ErrPowerCut
		}
		if op.Kind == "Link" && !r.links {
			return syscall.EPERM
		}
		return nil
	})
	if !r.opened() {
		return true
	}
	for i, kind := range kinds {
		for n := range r.max {
			if r.once && i+n > 0 && !r.opened() {
				return true
			}
			r.given[kind]++
			if _, err := r.Append(r.t.Context(), counted(kind)); err != nil {
				return true
			}
			r.acked[kind]++
		}
	}
	return k > 0 && ops.Load() >= k
}

// opened ends the Writer, if there is one, and opens another. ok is false if power was cut.
func (r *alikeRun) opened() bool {
	if r.Writer != nil {
		r.Close()
	}
	w, err := rotatelog.Open(r.t.Context(), rotatelog.OnDisk(r.cfg, r.disk, r.newID))
	if err == nil {
		r.Writer = w
	}
	return err == nil
}

// restart ends the Writer, and continues from what is left of its disk.
func (r *alikeRun) restart(left func(*crashfs.FS) *crashfs.FS) {
	disk := left(r.disk)
	r.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
	if r.Writer != nil {
		r.Close()
	}
	r.setDisk(disk)
}

func (r *alikeRun) stored() (found [2]int) {
	for _, u := range r.day(dayA).Uploads {
		for _, f := range u.Data {
			for kind := range found {
				if string(f) == string(counted(kind)) {
					found[kind]++
				}
			}
		}
	}
	return found
}
