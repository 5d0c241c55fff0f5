package archive_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// deliver has a Writer append fetches as a source has them, and returns how many of them
// were there already. A minute passes for each.
func (w *world) deliver(wr *rotatelog.Writer, numbers ...int) (duplicates int) {
	w.t.Helper()
	for _, n := range numbers {
		r, err := wr.Append(w.t.Context(), fmt.Appendf(nil, `{"FETCH_HEADER":{"random_fetch_id":"ID%d"},"RAW_API_DATA":{"n":%d},"FETCH_FOOTER":{"total_matches":1}}`, n, n))
		if err != nil {
			w.t.Fatalf("fetch %d: %v", n, err)
		}
		if r.Duplicate {
			duplicates++
		}
		time.Sleep(time.Minute)
	}
	return duplicates
}

func (w *world) flush(wr *rotatelog.Writer) {
	w.t.Helper()
	if err := wr.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// TestRedeliveryAroundARestore: the object is deleted. What is delivered again, before it is
// restored or after that, is there, and is stored once.
func TestRedeliveryAroundARestore(t *testing.T) {
	for _, before := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.cfg.Identity, w.cfg.KeepUploaded = rotatelog.HeaderIdentity, 2
			wr := w.open()
			defer wr.Close()
			w.deliver(wr, 1, 2, 3, 4, 5, 6, 7, 8)
			w.flush(wr)
			time.Sleep(10 * time.Minute) // some are compressed
			w.mem.Delete(w.key())
			if before {
				if n := w.deliver(wr, 2, 5, 8); n != 3 {
					t.Errorf("%d of 3 are there", n)
				}
			}
			w.apply()
			if n := w.deliver(wr, 1, 4, 7, 9); n != 3 {
				t.Errorf("%d of 3 are there", n)
			}
			w.flush(wr)
			w.wantOnce(9)
		})
	}
}

// TestRedeliveryAfterATakeover: a new directory knows nothing of what the lost machine has
// stored. What is delivered again to it is stored again, but what only waited on the old
// disk is put back without that.
func TestRedeliveryAfterATakeover(t *testing.T) {
	for name, c := range map[string]struct {
		waits []int // in the spool of the lost machine
		again []int // delivered to the new one
		more  []int // which uploads them, or not
		sent  bool
	}{
		"the unfinished batch":     {[]int{5}, []int{5}, []int{6}, true},
		"a batch that waits":       {[]int{5, 6}, []int{6}, []int{7}, true},
		"all of a batch":           {[]int{5, 6}, []int{5, 6}, []int{7}, true},
		"several":                  {[]int{5, 6, 7, 8, 9}, []int{6, 8, 9}, []int{10}, true},
		"what is not uploaded yet": {[]int{5, 6, 7}, []int{6, 7}, []int{8}, false},
		"nothing":                  {[]int{5, 6, 7}, nil, []int{8, 9}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.Identity = rotatelog.HeaderIdentity
				wr := w.open()
				w.deliver(wr, 1, 2, 3, 4)
				w.flush(wr)
				wr.Close()
				lost := w.cfg
				lost.Store = &storetest.Faulty{Store: w.mem, Fault: func(storetest.Op) storetest.Fault {
					return storetest.Fault{Err: errors.New("away"), Skip: true}
				}}
				old, err := rotatelog.Open(t.Context(), lost)
				if err != nil {
					t.Fatal(err)
				}
				w.deliver(old, c.waits...)
				old.Close()
				source := archive.SpoolSource("the old disk", w.reader())

				w.cfg.Dir = t.TempDir()
				wr = w.open()
				defer wr.Close()
				if n := w.deliver(wr, append(c.again, c.more...)...); n > 0 {
					t.Errorf("%d were there", n)
				}
				if c.sent {
					w.flush(wr)
				}
				w.apply(source)
				w.flush(wr)
				w.apply(source)
				w.wantOnce(c.more[len(c.more)-1])
			})
		})
	}
}
