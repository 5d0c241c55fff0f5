package rotatelog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
)

// keepAll keeps all batches of a history, most of them compressed.
func keepAll(cfg *rotatelog.Config) {
	cfg.KeepUploaded, cfg.KeepFor, cfg.KeepBytes = 2, 100*365*24*time.Hour, -1
}

// numberOf is the Identity of the fetches of a simulation: their number.
func numberOf(fetch []byte) (string, error) {
	var f storedFetch
	err := json.Unmarshal(fetch, &f)
	return strconv.Itoa(f.number()), err
}

// alsoNumberOf is another Identity, of which what numberOf has left in the spool says nothing.
func alsoNumberOf(fetch []byte) (string, error) {
	number, err := numberOf(fetch)
	return "fetch " + number, err
}

// TestSimulationOfRedeliveries is TestSimulation where sources deliver what was not
// acknowledged again, and much of the rest too, several at once, through crashes, power
// cuts, failing disks, midnights and another Identity. Each fetch is stored once.
func TestSimulationOfRedeliveries(t *testing.T) {
	first, n := uint64(1), seedsOr(*simSeeds, depth.N(10, 20, 120))
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, false, true) })
		})
	}
}

// redeliver delivers some of a host's fetches again.
func (s *sim) redeliver(h *host) {
	h.revive(s.rng.IntN)
	mine := h.submitted()
	if len(mine) == 0 || s.again.IntN(2) == 0 {
		return
	}
	goroutines := make([][]int, 1+s.again.IntN(3))
	for i := range goroutines {
		for range 1 + s.again.IntN(3) {
			n := mine[len(mine)-1-s.again.IntN(min(len(mine), 12))]
			if s.again.IntN(3) == 0 {
				n = mine[s.again.IntN(len(mine))]
			}
			goroutines[i] = append(goroutines[i], n)
		}
	}
	h.note("deliver again %v", goroutines)
	h.redeliver(goroutines)
}

// redeliverAll delivers all fetches again.
func (s *sim) redeliverAll() {
	for _, h := range s.hosts {
		h.setTrouble(h.storeTrouble, 0)
		h.revive(s.rng.IntN)
		h.redeliver([][]int{h.submitted()})
	}
	s.reviveAll()
}

// redeliver delivers fetches of the host again, in several goroutines.
func (h *host) redeliver(goroutines [][]int) {
	if len(goroutines) > 1 {
		h.awaitIndex()
	}
	var all sync.WaitGroup
	for i, numbers := range goroutines {
		all.Go(func() {
			for _, n := range numbers {
				p := h.proc
				if p == nil {
					return
				}
				p.pause(fmt.Sprint("append ", i))
				h.deliver(context.Background(), p, i, n)
			}
		})
	}
	all.Wait()
}

// submitted returns the numbers of the host's fetches.
func (h *host) submitted() (numbers []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, f := range h.fetches {
		if f.host == h {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// receipt returns that of a fetch as far as it was acknowledged by now.
func (h *host) receipt(n int) rotatelog.Receipt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fetches[n-1].receipt
}

// judgeReceipt wants a fetch that was acknowledged before it was delivered again to be the
// duplicate of what was.
func (h *host) judgeReceipt(n int, before, r rotatelog.Receipt, err error) {
	if err == nil && before.Number > 0 && (!r.Duplicate || r.Day != before.Day || r.Number != before.Number) {
		h.t.Errorf("host %d: fetch %d was #%d of %v, and now got %+v", h.id, n, before.Number, before.Day, r)
	}
}

// TestDuplicatesOnManyDays: what is delivered again after midnight belongs to the day on
// which it came first.
func TestDuplicatesOnManyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, true)
		defer s.printHistoryOnFailure("this test")
		h := s.hosts[0]
		h.revive(s.rng.IntN)
		for range 3 {
			h.appendN(4)
			s.sleep(24 * 3600e9)
			h.redeliver([][]int{h.submitted(), slices.Clone(h.submitted())})
			s.judge()
		}
		for _, h := range s.hosts {
			h.revive(s.rng.IntN)
		}
		s.finish(s.rng.IntN)
	})
}
