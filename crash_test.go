package rotatelog_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

// workload is a small history of one host, which continues as well as it can when
// the disk fails, and does nothing any more once power was cut.
type workload struct {
	name string
	cfg  rotatelog.Config
	run  func(h *host)
}

// stride is the distance between the disk operations at which something happens in a
// workload, and first is the first of them, which differs between histories. In an
// ordinary run the distance is usual, so that mutations are noticed in this
// workload, or large if usual is 0.
func (wl workload) stride(history, usual int) (first, stride int) {
	stride = depth.N(101, cmp.Or(usual, 67), 1)
	return 1 + 7*history%stride, stride
}

func workloads() []workload {
	three := rotatelog.LargeFrom(rotatelog.Config{MaxFetches: 3}, 500)
	with := func(change func(*rotatelog.Config)) rotatelog.Config {
		cfg := three
		change(&cfg)
		return cfg
	}
	return []workload{
		{"two seals", three, func(h *host) {
			h.up()
			h.appendN(7)
			time.Sleep(time.Second)
		}},
		{"batches at once", three, func(h *host) {
			h.up()
			h.atOnce(4, 3)
			time.Sleep(time.Second)
		}},
		{"flush, zstd", with(func(c *rotatelog.Config) { c.Compression = rotatelog.Zstd }), func(h *host) {
			h.up()
			for range 2 {
				h.appendN(2)
				h.flush(time.Second)
			}
		}},
		{"restart", three, func(h *host) {
			h.up()
			h.appendN(2)
			h.kill()
			h.up()
			h.appendN(3)
			h.stop()
			h.up()
			h.appendN(1)
			time.Sleep(time.Second)
		}},
		{"midnight, in parts", three, inParts(func(h *host) {
			h.up()
			h.appendN(2)
			h.flush(time.Second)
			time.Sleep(2 * time.Minute)
			h.appendN(2)
		})},
		{"keep one, in parts", with(func(c *rotatelog.Config) { c.MaxFetches, c.KeepUploaded, c.KeepFor = 1, -1, -1 }), inParts(func(h *host) {
			for range 2 { // the second has the last body from the spool
				h.up()
				h.appendN(1)
				h.flush(time.Second)
				h.stop()
			}
		})},
		{"midnight, gzip", with(func(c *rotatelog.Config) { c.Compression = rotatelog.Gzip }), func(h *host) {
			h.up()
			h.appendN(2)
			time.Sleep(2 * time.Minute)
			h.appendN(2)
		}},
		{"clock set", three, func(h *host) {
			h.up()
			for _, step := range []time.Duration{0, time.Hour, -time.Hour} {
				h.clock.step(step)
				h.appendN(2)
			}
			time.Sleep(time.Second)
		}},
		{"editor", three, func(h *host) {
			h.up()
			h.appendN(2)
			h.reformat()
			h.appendN(2)
			time.Sleep(time.Second)
		}},
		{"full disk", rotatelog.WithReserve(three, 64), inParts(func(h *host) {
			h.up()
			h.appendN(4)
			h.fill()
			h.appendN(1)
			h.flush(time.Second)
			h.kill()
			h.up()
			h.fill()
			h.appendN(1)
			h.makeRoom()
			h.appendN(1)
			time.Sleep(time.Second)
		})},
		{"SyncSeal", with(func(c *rotatelog.Config) { c.Sync = rotatelog.SyncSeal }), func(h *host) {
			h.up()
			h.appendN(5)
			h.stop()
			h.up()
			h.appendN(2)
			time.Sleep(time.Second)
		}},
		{"one process per fetch", three, func(h *host) {
			for range 4 {
				h.up()
				h.appendN(1)
				h.handOver()
				if len(h.draining) > 1 {
					time.Sleep(time.Second)
					h.end(h.draining[0])
				}
			}
		}},
		{"keep two", with(func(c *rotatelog.Config) { c.MaxFetches, c.KeepUploaded, c.KeepFor = 1, 2, -1 }), uploadThree},
		{"keep one", with(func(c *rotatelog.Config) { c.MaxFetches, c.KeepUploaded, c.KeepFor = 1, -1, -1 }), uploadThree},
		{"compress", with(func(c *rotatelog.Config) { c.MaxFetches, c.KeepUploaded = 1, -1 }), func(h *host) {
			h.up()
			for range 2 { // the first is compressed once the second is confirmed
				h.appendN(1)
				h.flush(time.Second)
			}
			time.Sleep(time.Minute)
		}},
		{"keep one, one process per fetch", with(func(c *rotatelog.Config) { c.MaxFetches, c.KeepUploaded, c.KeepFor = 1, -1, -1 }), func(h *host) {
			for range 3 {
				h.up()
				h.appendN(1)
				h.handOver()
				for len(h.draining) > 1 {
					h.end(h.draining[0])
				}
				h.flush(200 * time.Millisecond)
			}
		}},
		{"redeliveries", with(func(c *rotatelog.Config) { c.Identity = numberOf; keepAll(c) }), redeliveries},
	}
}

// redeliveries has a source deliver each fetch several times. At most one batch is
// confirmed, since a full disk would take others, and then they are stored again.
func redeliveries(h *host) {
	again := func() { h.redeliver([][]int{h.submitted(), h.submitted()}) }
	h.up()
	h.appendN(2)
	again()
	h.appendN(1)
	again()
	time.Sleep(time.Second)
	h.kill()
	h.up()
	again()
	h.appendN(1)
	h.stop()
	h.up()
	again()
}

// inParts runs a workload on a store whose writes take several requests.
func inParts(run func(*host)) func(*host) {
	return func(h *host) {
		h.noted = true
		run(h)
	}
}

func uploadThree(h *host) {
	h.up()
	for range 3 {
		h.appendN(1)
		h.flush(time.Second)
	}
}

// up opens a process if none appends, and tries again if a fault prevents it.
func (h *host) up() {
	for range 10 {
		if h.proc != nil || h.isDown() {
			return
		}
		h.open()
	}
	h.t.Error("the Writer cannot be opened")
}

// reformat saves the local file without indentation, as an editor may.
func (h *host) reformat() {
	content, err := h.disk.ReadFile(arrayName)
	if err != nil || h.isDown() {
		return
	}
	var out bytes.Buffer
	if json.Compact(&out, content) == nil {
		h.disk.WriteFile(arrayName, out.Bytes(), 0o600)
	}
}

// fill lets another program take all the room on the disk.
func (h *host) fill() {
	used := 1
	for _, content := range h.disk.Tree() {
		used += len(content)
	}
	h.disk.SetCapacity(int64(used))
}

func (h *host) makeRoom() { h.disk.SetCapacity(0) }

// isFull reports whether err is that of a disk that fill has filled.
func (h *host) isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) && h.disk.Limited()
}

// kill is kill -9 of all processes.
func (h *host) kill() {
	for _, p := range h.processes() {
		p.kill()
	}
	h.reap()
}

// play runs a workload on a new host. arrange says what goes wrong.
func play(t *testing.T, wl workload, away bool, arrange func(h *host)) *host {
	w := newWorld(t, 1)
	h := w.addHost(wl.cfg, time.Date(2025, 7, 10, 23, 59, 0, 0, w.zone))
	h.away = away
	arrange(h)
	wl.run(h)
	return h
}

// bury ends everything that runs on a host without power.
func (h *host) bury() {
	h.cutPower()
	h.reap()
}

// future returns a world like h's in which h's disk is another. It is without
// faults.
func (h *host) future(disk *crashfs.FS) *host {
	w := h.fork()
	w.calm = true
	f := w.addHost(h.cfg, h.clock.Now())
	f.useDisk(disk)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, old := range h.fetches {
		fetch := *old
		fetch.host = f
		w.fetches = append(w.fetches, &fetch)
	}
	f.ids, f.sealed = h.ids, maps.Clone(h.sealed)
	return f
}

// wantHealthy opens the Writer. It wants everything to be right, now and after the next
// fetch, and everything to be in the store after a flush.
func (h *host) wantHealthy() {
	h.forgetUnsealed()
	h.revive(crashfs.KeepNothing)
	synctest.Wait()
	h.judge()
	h.makeRoom()
	if h.cfg.Identity != nil {
		h.redeliver([][]int{h.submitted()})
	}
	h.appendN(1)
	h.judge()
	h.finish(crashfs.KeepNothing)
}

// state distinguishes what is left on a disk, which of it was promised, and the
// store. Of inode numbers only which are the same counts, and what processes say of
// themselves is news, which nothing relies on.
func (h *host) state(disk *crashfs.FS) string {
	var b strings.Builder
	tree := disk.Tree()
	inodes := map[uint64]int{}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if strings.Contains(name, stateFiles) {
			continue
		}
		info, err := disk.Stat(strings.TrimSuffix(name, "/"))
		if err != nil {
			h.t.Fatal(err)
		}
		if _, ok := inodes[info.ID.Ino]; !ok {
			inodes[info.ID.Ino] = len(inodes)
		}
		fmt.Fprintf(&b, "%s %d %q\n", name, inodes[info.ID.Ino], tree[name])
	}
	acked := h.acked()
	for _, n := range slices.Sorted(maps.Keys(acked)) {
		fmt.Fprintln(&b, n, acked[n].receipt)
	}
	for _, key := range h.mem.Keys() {
		fmt.Fprintf(&b, "%s", h.mem.Bytes(key))
	}
	return b.String()
}

// afterCut returns the disks that a power cut, or a kill, may leave.
func (h *host) afterCut(random int) []*crashfs.FS {
	disks := []*crashfs.FS{h.disk.Crash(crashfs.KeepNothing), h.disk.Crash(crashfs.KeepAll)}
	rng := rand.New(rand.NewPCG(uint64(h.operations()), 0))
	for i := range random {
		h.disk.AnyOrder = i%2 == 0
		disks = append(disks, h.disk.Crash(rng.IntN))
	}
	h.disk.AnyOrder = false
	return disks
}

// TestCrash cuts power at the k-th operation of the disk, for k = 1, 2, … until
// a run has no cut, and continues from several of the disks that this may leave;
// and from those it cuts power again at each operation of the recovery.
func TestCrash(t *testing.T) {
	usual := map[string]int{"two seals": 5, "batches at once": 5, "compress": 5}
	for i, wl := range workloads() {
		for j, away := range []bool{false, true} {
			first, stride := wl.stride(2*i+j, usual[wl.name])
			t.Run(fmt.Sprintf("%s/away=%v", wl.name, away), func(t *testing.T) {
				t.Parallel()
				seen := map[string]bool{}
				for k := first; ; k += stride {
					synctest.Test(t, func(t *testing.T) {
						h := play(t, wl, away, func(h *host) { h.cut = k })
						defer h.printHistoryOnFailure(fmt.Sprintf("go test -run '%s' .; power was cut at operation %d", t.Name(), k))
						if !h.isDown() {
							h.finish(crashfs.KeepNothing)
							return
						}
						h.bury()
						crashAll(h, k, seen)
					})
					if t.Failed() {
						return
					}
					if !seen["cut"] {
						t.Logf("at most %d operations, %d different disks", k-1, len(seen))
						return
					}
					delete(seen, "cut")
				}
			})
		}
	}
}

// crashAll continues from the disks that a power cut at the k-th operation may have
// left, as far as they were not seen yet.
func crashAll(h *host, k int, seen map[string]bool) {
	seen["cut"] = true
	for i, disk := range append(h.afterCut(depth.N(2, 2, 4)), h.disk.Kill()) {
		if !isNew(seen, h.state(disk)) {
			continue
		}
		again := disk.Kill() // a copy
		h.future(disk).play(fmt.Sprint("disk ", i), (*host).wantHealthy)
		if i > 0 || depth.Short() { // one crash is enough
			continue
		}
		stride := depth.N(1, 7, 1)
		for j := 1 + k%stride; h.crashAgain(again, j, seen); j += stride {
		}
	}
}

func isNew(seen map[string]bool, state string) bool {
	if seen[state] {
		return false
	}
	seen[state] = true
	return true
}

// play runs f, and prints the history if that fails.
func (h *host) play(what string, f func(*host)) {
	h.note("%s", what)
	defer h.printHistoryOnFailure("the command below")
	defer h.bury()
	f(h)
}

// crashAgain cuts power at the j-th operation of the recovery that may change
// anything. It returns false if there are fewer.
func (h *host) crashAgain(disk *crashfs.FS, j int, seen map[string]bool) (cut bool) {
	f := h.future(disk.Kill())
	f.play(fmt.Sprintf("power cut again at change %d", j), func(f *host) {
		f.forgetUnsealed()
		left := j
		f.inject = func(op crashfs.Op) error {
			if op.Mutates {
				left--
			}
			if left == 0 {
				return crashfs.ErrPowerCut
			}
			return nil
		}
		f.open()
		f.appendN(1)
		cut = f.isDown()
		if !cut {
			return
		}
		f.bury()
		for i, disk := range f.afterCut(1) {
			if isNew(seen, f.state(disk)) {
				f.future(disk).play(fmt.Sprint("disk ", i), (*host).wantHealthy)
			}
		}
	})
	return cut
}

// TestCrashAfterFault lets the k-th operation of the disk fail, for k = 1, 2, …
// until a run has no fault. The Writer must recover without help, and all that it
// acknowledged must survive a power cut later.
func TestCrashAfterFault(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	usual := map[string]int{"restart": 3}
	faults := map[string]struct {
		err   error
		n     int  // operations in a row
		retry bool // the next SyncDir also makes durable what a failed one did not
	}{
		"EIO":          {syscall.EIO, 1, false},
		"ENOSPC":       {crashfs.ShortWrite{N: 5, Err: syscall.ENOSPC}, 1, false}, // a write is short
		"EIO for long": {syscall.EIO, 6, true},
	}
	for i, wl := range workloads() {
		for j, name := range slices.Sorted(maps.Keys(faults)) {
			fault := faults[name]
			first, stride := wl.stride(3*i+j, usual[wl.name])
			t.Run(wl.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				seen := map[string]bool{}
				for k, done := first, false; !done && !t.Failed(); k += stride {
					synctest.Test(t, func(t *testing.T) {
						h := play(t, wl, k%2 == 0, func(h *host) {
							h.disk.RetrySyncDir = fault.retry
							h.inject = func(op crashfs.Op) error {
								if op.N >= k && op.N < k+fault.n {
									return fault.err
								}
								return nil
							}
						})
						defer h.printHistoryOnFailure(fmt.Sprintf("go test -run '%s' .; operation %d failed", t.Name(), k))
						done = h.operations() < k
						h.bury()
						for i, disk := range append(h.afterCut(1), h.disk.Kill()) {
							if isNew(seen, h.state(disk)) {
								h.future(disk).play(fmt.Sprint("disk ", i), (*host).wantHealthy)
							}
						}
					})
				}
			})
		}
	}
}

// TestCrashBetweenUploadAndSeal: while one process is between two steps of a
// seal, another uploads the batch. If the first is then killed, or power is cut,
// the batch is still in the array, and must not be sealed again.
func TestCrashBetweenUploadAndSeal(t *testing.T) {
	for _, at := range []sealStep{
		{"Rename", arrayName, true}, {"SyncDir", ".", true}, {"Rename", "all_api.spool/batch.json", false},
	} {
		for _, keep := range []int{1, -1} {
			for cut := range uint64(20) { // 0: killed
				t.Run(fmt.Sprintf("%+v/keep=%d/%d", at, keep, cut), func(t *testing.T) {
					inBubble(t, func(t *testing.T, b *bench) { crashBetweenUploadAndSeal(b, at, keep, cut) })
				})
			}
		}
	}
}

// sealStep is an operation of a seal, on a disk with hard links or without.
type sealStep struct {
	kind, name string
	links      bool
}

func crashBetweenUploadAndSeal(b *bench, at sealStep, keep int, cut uint64) {
	b.cfg.MaxFetches, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, keep, -1
	links := func(op crashfs.Op) error {
		if op.Kind == "Link" && strings.Contains(op.To, "pending") && !at.links {
			return syscall.EPERM
		}
		return nil
	}
	b.onDisk(links)
	b.open()
	b.append(1)
	b.flush()
	other := b.Writer
	if err := other.CloseAppend(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
	var left *crashfs.FS
	b.onDisk(func(op crashfs.Op) error {
		if op.Kind != at.kind || op.Name != at.name && op.To != at.name {
			return links(op)
		}
		time.Sleep(time.Minute)
		if left = b.disk.Kill(); cut > 0 {
			left = b.disk.Crash(rand.New(rand.NewPCG(cut, 0)).IntN)
		}
		return crashfs.ErrPowerCut
	})
	b.append(2)
	b.Close()
	other.Close()
	b.onDisk(nil)
	b.setDisk(left)
	b.open()
	if r := b.append(3)[0]; r.Number != 3 {
		b.t.Errorf("next: %+v", r)
	}
	b.flush()
	if m := b.day(dayA).Metadata; m.Uploads != 3 || m.Matches != 6 {
		b.t.Errorf("%+v", m)
	}
}

// TestCrashBetweenUploadAndSync: another process uploads a batch whose name in
// pending/ the sealing process has not yet made durable. A power cut must not
// take the name, or the batch would be sealed and uploaded again.
func TestCrashBetweenUploadAndSync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		other := b.Writer
		if err := other.CloseAppend(); err != nil {
			t.Fatal(err)
		}
		b.open()
		var left *crashfs.FS
		var once atomic.Bool
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "SyncDir" && op.Name == "all_api.spool/pending" && once.CompareAndSwap(false, true) {
				time.Sleep(time.Minute)
				left = b.disk.Crash(crashfs.KeepNothing)
			}
			return nil
		})
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name != "write" && b.mem.Bytes(dayA) != nil { // so that it is not confirmed
				return storetest.Fault{Err: errors.New("away"), Skip: true}
			}
			return storetest.Fault{}
		})
		b.append(1)
		if b.mem.Bytes(dayA) == nil {
			t.Fatal("the other process should have uploaded the batch")
		}
		b.Close()
		other.Close()
		b.onDisk(nil)
		b.onStore(nil)
		b.setDisk(left)
		b.open()
		b.append(2)
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 2 || m.Matches != 3 {
			t.Errorf("%+v", m)
		}
	})
}

// TestCrashBetweenCopyAndProgress: without hard links only batch.json shows that
// the array has begun again, so the next fetch must wait until it does, also where
// a power cut took the mark of a Writer that was killed.
func TestCrashBetweenCopyAndProgress(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		withoutLinks := func(then error) func(op crashfs.Op) error {
			return func(op crashfs.Op) error {
				switch {
				case op.Kind == "Link":
					return syscall.EPERM
				case op.Kind == "Rename" && op.To == "all_api.spool/batch.json":
					return then
				}
				return nil
			}
		}
		b.cfg.MaxFetches = 2
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.onDisk(withoutLinks(nil))
		b.open()
		b.append(1, 2)
		b.onDisk(withoutLinks(crashfs.ErrPowerCut))
		b.append(3, 4)
		b.die()
		if err := b.disk.Remove("all_api.spool/unclean"); err != nil {
			t.Fatal(err)
		}
		b.onDisk(withoutLinks(nil))
		b.open()
		b.append(5)
		b.die()
		b.open()
		b.onStore(nil)
		b.flush()
		if m := b.day(dayA).Metadata; m.Uploads != 3 || m.Fetches != 5 || m.Matches != 15 {
			t.Errorf("%+v", m)
		}
	})
}

// TestCrashAfterUnsyncedDirectory: no fetch may be kept in a directory whose name
// could not be made durable.
func TestCrashAfterUnsyncedDirectory(t *testing.T) {
	for k := int64(1); k <= 4; k++ {
		inBubble(t, func(t *testing.T, b *bench) {
			var syncs atomic.Int64
			b.onDisk(func(op crashfs.Op) error {
				if op.Kind == "SyncDir" && syncs.Add(1) == k {
					return syscall.EIO
				}
				return nil
			})
			if _, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID)); !errors.Is(err, syscall.EIO) {
				t.Fatalf("directory %d: %v", k, err)
			}
			b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
			b.open()
			b.append(ten...)
			left := b.disk.Crash(crashfs.KeepNothing)
			b.onDisk(func(crashfs.Op) error { return crashfs.ErrPowerCut })
			b.Close()
			b.onDisk(nil)
			b.onStore(nil)
			b.setDisk(left)
			b.open()
			b.append(1)
			b.flush()
			if m := b.day(dayA).Metadata; m.Fetches != 11 {
				t.Errorf("directory %d: %+v", k, m)
			}
		})
	}
}

// TestCrashAfterKill kills the first process of a day at each operation of its
// first append, or lets the disk fail it and the process end. The next process
// finds what is in the cache, and must not take it for durable: power is cut
// after its append, and nothing is left that was not synced.
func TestCrashAfterKill(t *testing.T) {
	ends := map[string]func(b *bench){
		"killed": (*bench).die,
		"closed": func(b *bench) { b.onDisk(nil); b.Close() },
	}
	for name, end := range ends {
		for k, done := int64(1), false; !done; k++ {
			inBubble(t, func(t *testing.T, b *bench) {
				b.open()
				b.append(1)
				b.Close()
				time.Sleep(24 * time.Hour)
				var ops atomic.Int64
				b.onDisk(func(op crashfs.Op) error {
					if n := ops.Add(1); n == k || n > k && name == "killed" {
						return syscall.EIO
					}
					return nil
				})
				if w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID)); err == nil {
					b.Writer = w
					w.Append(t.Context(), counted(2))
				}
				done = ops.Load() < k
				end(b)
				b.open()
				r := b.append(3)[0]
				left := b.disk.Crash(crashfs.KeepNothing)
				b.die()
				b.setDisk(left)
				b.open()
				b.flush()
				if d := b.day("all_api_rotating_logs/all_api_json_log_" + r.Day.String() + ".json"); d.Metadata.Matches < 3 {
					t.Errorf("%s at operation %d: %v has %+v", name, k, r.Day, d.Metadata)
				}
			})
		}
	}
}

// TestNewSpoolHasNothingToRepair: a Writer that appended nothing leaves nothing
// to report.
func TestNewSpoolHasNothingToRepair(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.reopen()
		if n := b.Stats().Repaired; n != 0 || strings.Contains(b.log.String(), "repaired") {
			t.Errorf("%d repairs:\n%s", n, b.log)
		}
	})
}
