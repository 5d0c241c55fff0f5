package rotatelog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
)

var (
	simSeed    = flag.Uint64("sim.seed", 0, "run only this seed of the simulation")
	simSeeds   = flag.Int("sim.seeds", 0, "how many seeds of the simulation to run; 0: as many as the depth of the tests asks for")
	simSteps   = flag.Int("sim.steps", 60, "how many steps each seed takes")
	simMoves   = flag.Bool("sim.moves", false, "let hosts move to another Prefix and back in the simulation")
	simRepeats = flag.Int("sim.repeats", 0, "how many seeds of the simulation to run twice; 0: as many as the depth of the tests asks for")
)

// usualSeeds is how many seeds of the simulation an ordinary run tries. The
// mutations that it has to notice are noticed by these.
const usualSeeds = 60

// TestSimulation plays histories made from a seed, on one to three hosts that
// write to one key: appends, flushes, processes that hand over to the next, kill
// -9, power cuts, failing disks and stores, editors, midnights and clock steps.
// After every step everything is read and judged.
//
// ROTATELOG_SIM_SEEDS=20000 makes a long run of it.
func TestSimulation(t *testing.T) {
	first, n := uint64(1), seedsOr(*simSeeds, depth.N(20, usualSeeds, 150))
	if s := os.Getenv("ROTATELOG_SIM_SEEDS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("ROTATELOG_SIM_SEEDS: %v", err)
		}
	}
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, false, false) })
		})
	}
}

// seedsOr returns what a flag says, or n if that is 0.
func seedsOr(flag, n int) int {
	if flag != 0 {
		return flag
	}
	return n
}

// TestSimulationRepeats: the same seed gives the same history, log and objects.
func TestSimulationRepeats(t *testing.T) {
	t.Parallel()
	n := seedsOr(*simRepeats, depth.N(2, 5, 8))
	for seed := uint64(1); seed <= uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var runs [2]string
			for i := range runs {
				synctest.Test(t, func(t *testing.T) {
					s := simulate(t, seed, false, seed%2 == 0)
					runs[i] = strings.Join(s.history, "\n") + s.log.String()
					for _, key := range s.mem.Keys() {
						runs[i] += string(s.mem.Bytes(key))
					}
				})
			}
			if runs[0] != runs[1] {
				t.Errorf("it does not repeat:\n%s", cmp.Diff(strings.Split(runs[0], "\n"), strings.Split(runs[1], "\n")))
			}
		})
	}
}

// sim is a world, and the dice that decide what happens in it.
type sim struct {
	*world
	rng   *rand.Rand
	packs *rand.Rand // for compressions, apart from what the histories are made of
	again *rand.Rand // for what is delivered again, apart from both
}

func simulate(t *testing.T, seed uint64, onS3, once bool) *sim {
	s := newSim(t, seed, once)
	if onS3 {
		s.mem = s.newBucketObjects(s.blind, len(s.hosts) > 1)
		s.blind = false // then the server is
		s.onWire = true
	}
	test := "TestSimulation$"
	if onS3 {
		test = "TestSimulationS3"
	}
	if once {
		test = "TestSimulationOfRedeliveries"
	}
	defer s.printHistoryOnFailure(fmt.Sprintf("go test -run '%s' -sim.seed %d -sim.steps %d .", test, seed, *simSteps))
	defer func() { // without power nothing is left running
		for _, h := range s.hosts {
			h.cutPower()
			h.reap()
		}
	}()
	for _, h := range s.hosts {
		h.revive(s.rng.IntN)
	}
	for range *simSteps {
		h := s.hosts[s.rng.IntN(len(s.hosts))]
		s.step(h)
		if s.once {
			s.redeliver(h)
		}
		for _, h := range s.hosts {
			h.revive(s.rng.IntN)
		}
		synctest.Wait()
		s.reviveAll()
		s.judge()
	}
	if s.once {
		s.redeliverAll()
	}
	s.finish(s.rng.IntN)
	return s
}

// reviveAll revives the hosts until none has died meanwhile.
func (s *sim) reviveAll() {
	for again := true; again; {
		again = false
		for _, h := range s.hosts {
			if h.proc == nil || h.proc.isDead() {
				again = true
				h.revive(s.rng.IntN)
			}
		}
	}
}

func newSim(t *testing.T, seed uint64, once bool) *sim {
	s := &sim{newWorld(t, seed), rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))}
	s.once = once
	// Begin in the evening before a day of 24, 23 or 25 hours.
	eve := []time.Time{
		time.Date(2025, 7, 10, 21, 0, 0, 0, s.zone),
		time.Date(2025, 3, 8, 22, 0, 0, 0, s.zone),
		time.Date(2025, 11, 1, 22, 0, 0, 0, s.zone),
	}[s.rng.IntN(3)]
	hosts := []int{1, 1, 1, 2, 2, 3}[s.rng.IntN(6)]
	s.blind = hosts == 1 && s.rng.IntN(2) == 0
	usual := s.compression()
	for range hosts {
		h := s.addHost(s.config(), eve)
		if h.cfg.Compression = usual; s.packs.IntN(4) == 0 {
			h.cfg.Compression = s.compression() // another key than that of the others
		}
		if s.once {
			h.cfg.Identity = numberOf
			keepAll(&h.cfg)
		}
		h.stalls = s.rng.IntN(3) == 0
		h.disk.AnyOrder, h.disk.RetrySyncDir, h.disk.Cuts = s.rng.IntN(2) == 0, s.rng.IntN(2) == 0, 1+s.rng.IntN(3)
		s.note("host %d: %+v", h.id, h.cfg)
	}
	s.note("blind %v", s.blind)
	return s
}

func (s *sim) config() rotatelog.Config {
	cfg := rotatelog.Config{
		MaxFetches:   []int{1, 3, 3, 3, 10}[s.rng.IntN(5)],
		KeepUploaded: []int{0, 0, 1, 2, -1}[s.rng.IntN(5)],
		KeepFor:      []time.Duration{-1, -1, 0, time.Hour}[s.rng.IntN(4)],
		KeepBytes:    []int64{0, 0, 0, 5000}[s.rng.IntN(4)],
		Verbatim:     s.rng.IntN(3) == 0,
	}
	if s.rng.IntN(4) == 0 {
		cfg.Sync = rotatelog.SyncSeal
	}
	if s.rng.IntN(4) == 0 {
		cfg.MaxPendingBytes = 2000
	}
	if n := s.rng.IntN(5); n > 0 { // for most, so that days become large
		cfg = rotatelog.LargeFrom(cfg, []int64{1, 600, 1500, 4000}[n-1])
	}
	return cfg
}

// compression returns that of a configuration. It is not drawn from rng, of which
// the histories are made.
func (s *sim) compression() rotatelog.Compression {
	return []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip, rotatelog.Zstd}[s.packs.IntN(4)]
}

func (s *sim) step(h *host) {
	if *simMoves && s.packs.IntN(12) == 0 {
		h.moveTo([]string{home, elsewhere}[s.packs.IntN(2)])
		h.revive(s.rng.IntN)
	}
	if s.packs.IntN(12) == 0 {
		s.rebuild(h)
		h.revive(s.rng.IntN)
	}
	switch n := s.rng.IntN(100); {
	case n < 34:
		s.appends(h, 1+s.rng.IntN(3), 1+s.rng.IntN(4))
	case n < 37:
		s.impatient(h)
	case n < 44:
		h.flush(time.Duration(s.rng.IntN(20)) * time.Second)
	case n < 49:
		h.stop()
		if s.packs.IntN(3) == 0 {
			h.cfg.Compression = s.compression() // which counts from the next day on
		}
		h.note("reopen, compression %v", h.cfg.Compression)
	case n < 56:
		h.note("hand over")
		h.handOver()
	case n < 59:
		if len(h.draining) > 0 {
			h.note("the oldest ends")
			h.end(h.draining[0])
		}
	case n < 65:
		s.kill(h)
	case n < 72:
		s.cut(h)
	case n < 78:
		s.editor(h)
	case n < 82:
		s.sleep(time.Duration(s.rng.IntN(120)) * time.Second)
	case n < 87:
		for _, h := range s.hosts { // who waits for the publish lock looks often
			for len(h.draining) > 0 {
				h.end(h.draining[0])
			}
		}
		s.sleep(time.Duration(s.rng.IntN(7200)) * time.Second)
	case n < 89:
		d := time.Duration(s.rng.IntN(7200)-3600) * time.Second
		h.note("clock step %v", d)
		h.clock.step(d)
	case n < 94:
		s.trouble(h, []float64{0, 0.1, 0.5, 1}[s.rng.IntN(4)], h.diskTrouble)
	case n < 97:
		s.trouble(h, h.storeTrouble, []float64{0, 0, 0.02, 0.2}[s.rng.IntN(4)])
	default:
		s.lateCome()
	}
}

// lateCome lets late requests come, half of the time only once there were many
// uploads since.
func (s *sim) lateCome() {
	if late, uploads := s.isLate(); late && (uploads >= lateUploads || s.packs.IntN(2) == 0) {
		s.release()
	}
}

func (s *sim) trouble(h *host, store, disk float64) {
	h.note("trouble: store %v, disk %v", store, disk)
	h.setTrouble(store, disk)
}

func (s *sim) sleep(d time.Duration) {
	s.note("sleep %v", d)
	s.world.sleep(context.Background(), "step", d)
}

// appends appends n fetches from each of several goroutines.
func (s *sim) appends(h *host, goroutines, n int) {
	h.note("append %d × %d", goroutines, n)
	h.atOnce(goroutines, n)
}

// impatient appends with a context that soon ends.
func (s *sim) impatient(h *host) {
	d := time.Duration(s.rng.IntN(500)) * time.Microsecond
	h.note("append within %v", d)
	ctx, cancel := within(d)
	defer cancel()
	h.append(ctx, 0)
}

// kill kills one process, or all, now or soon.
func (s *sim) kill(h *host) {
	all, after := h.processes(), s.rng.IntN(40)
	if s.rng.IntN(2) == 0 {
		i := s.rng.IntN(len(all))
		all = all[i : i+1]
	}
	h.note("kill %d after %d operations", len(all), after)
	for _, p := range all {
		p.mu.Lock()
		p.doom, p.dead = after, after == 0
		p.mu.Unlock()
	}
}

// cut cuts power now or soon.
func (s *sim) cut(h *host) {
	after := s.rng.IntN(60)
	h.note("power cut after %d operations", after)
	if after == 0 {
		h.cutPower()
		return
	}
	h.mu.Lock()
	h.cut = h.ops + after
	h.mu.Unlock()
}

// editor changes the local file behind the Writer's back; the next append
// notices. Until then what was in it is in memory only, so no harm may come.
func (s *sim) editor(h *host) {
	trouble := h.diskTrouble
	h.setTrouble(h.storeTrouble, 0)
	h.mu.Lock()
	h.cut = 0
	h.proc.doom = 0
	h.mu.Unlock()
	h.appendN(1) // the file is as the Writer wants it
	content, err := h.disk.ReadFile(arrayName)
	if err != nil {
		s.t.Fatal(err)
	}
	switch s.rng.IntN(6) {
	case 0:
		h.note("editor empties")
		err = h.disk.WriteFile(arrayName, nil, 0o600)
	case 1:
		h.note("editor replaces")
		err = h.disk.ReplaceFile(arrayName, []byte("hello"), 0o644)
	case 2:
		h.note("editor deletes")
		err = h.disk.Remove(arrayName)
	case 3:
		h.note("editor reformats")
		var out bytes.Buffer
		json.Compact(&out, content)
		err = h.disk.WriteFile(arrayName, out.Bytes(), 0o600)
	case 4:
		h.note("editor saves the same in a new file")
		err = h.disk.ReplaceFile(arrayName, content, 0o644)
	default:
		h.note("editor truncates")
		err = h.disk.WriteFile(arrayName, content[:s.rng.IntN(len(content))], 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	h.mu.Lock()
	h.healed = false
	h.mu.Unlock()
	h.appendN(1)
	h.setTrouble(h.storeTrouble, trouble)
}
