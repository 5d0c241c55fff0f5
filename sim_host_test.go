package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/storetest"
)

// host is a machine with a disk and a clock, on which one process appends while
// others may still be uploading. Its methods are called by one goroutine, unless
// they say otherwise.
type host struct {
	*world
	id     int
	cfg    rotatelog.Config // of all its processes
	disk   *crashfs.FS
	clock  *steppedClock
	moved  bool // it has written below another Prefix
	stalls bool // operations of the disk take seconds now and then

	proc     *process   // that appends; nil: none
	draining []*process // that have ended appending, oldest first
	ended    []*process // whose abandoned writes may still come

	// world.mu guards these.
	away         bool    // the store cannot be reached
	storeTrouble float64 // how likely a call of the store goes wrong
	diskTrouble  float64
	inject       func(crashfs.Op) error // decides over each operation of the disk
	ops, cut     int                    // operations of the disk; at which one power is cut, 0: none
	down         bool                   // power was cut
	healed       bool                   // the local file must parse
	ids          int
	sealed       map[place]bool
}

// place is a fetch's number on its day.
type place struct {
	day    rotatelog.Day
	number int
}

// addHost adds a host whose clock shows now.
func (w *world) addHost(cfg rotatelog.Config, now time.Time) *host {
	h := &host{world: w, id: len(w.hosts) + 1, cfg: cfg, sealed: map[place]bool{},
		clock: &steppedClock{off: time.Until(now)}}
	h.useDisk(crashfs.New())
	w.hosts = append(w.hosts, h)
	return h
}

// useDisk puts a disk under the processes to come.
func (h *host) useDisk(disk *crashfs.FS) {
	disk.Now = h.clock.Now
	disk.Before = h.diskFault
	h.disk = disk
}

func (h *host) note(format string, args ...any) {
	h.world.note(fmt.Sprintf("host %d: ", h.id)+format, args...)
}

func (h *host) today() rotatelog.Day { return rotatelog.DayOf(h.clock.Now(), h.zone) }

// newID numbers the batches; it may be called by any goroutine.
func (h *host) newID() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids++
	return fmt.Sprintf("H%dID%06d", h.id, h.ids)
}

// recordSealed may be called by any goroutine.
func (h *host) recordSealed(s rotatelog.Sealed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := s.First; n <= s.Last; n++ {
		h.sealed[place{s.Day, n}] = true
	}
}

// newProcess returns a process that has not begun, and the configuration of its Writer.
func (h *host) newProcess() (*process, rotatelog.Config) {
	p := &process{host: h}
	h.mu.Lock()
	h.world.procs++
	p.id = h.world.procs
	p.label = fmt.Sprint("process ", p.id, " ")
	h.mu.Unlock()
	p.store.Store, p.store.Fault, p.store.Clock = h.mem, p.storeFault, p
	if h.blind {
		p.store.Store = blindStore{h.mem}
	}
	if h.noted {
		p.store.Store = notedStore{h.mem, h.t}
	}
	cfg := h.cfg
	if cfg.Identity != nil && p.id/4%3 == 1 {
		cfg.Identity = alsoNumberOf
	}
	cfg.Store, cfg.Clock, cfg.Hooks.Sealed = processStore{p}, p, h.recordSealed
	cfg.Hooks.Uploaded = h.recordUploaded
	cfg.Hooks.Changed = func(c rotatelog.Changed) { h.t.Errorf("nobody else changed %s: %q", c.Key, c.Differences) }
	cfg.Logger = slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("process", p.id)
	return p, rotatelog.OnDisk(rotatelog.WithoutChance(cfg), processFS{h.disk, p, ""}, h.newID)
}

// open starts a process that appends. It returns false if the process died, or the
// disk failed.
func (h *host) open() bool {
	p, cfg := h.newProcess()
	w, err := rotatelog.Open(context.Background(), cfg)
	if err != nil {
		h.note("open: %v", err)
		return false
	}
	p.w, h.proc = w, p
	p.pause("opened")
	return true
}

// revive buries dead processes, and makes sure that a process appends again. choose
// says what is left of the disk if power was cut.
func (h *host) revive(choose func(int) int) {
	const attempts = 3 // with a disk that fails
	for n := 1; ; n++ {
		if h.isDown() {
			h.powerBack(choose)
		}
		h.reap()
		if h.proc != nil {
			return
		}
		trouble := h.diskTrouble
		if n > attempts {
			h.setTrouble(h.storeTrouble, 0)
		}
		ok := h.open()
		h.setTrouble(h.storeTrouble, trouble)
		if !ok && n > attempts && !h.isDown() {
			h.t.Fatal("a disk without faults cannot be opened")
		}
	}
}

func (h *host) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// processes returns all running processes.
func (h *host) processes() []*process {
	all := append([]*process{}, h.draining...)
	if h.proc != nil {
		all = append(all, h.proc)
	}
	return all
}

// reap buries the processes that were killed.
func (h *host) reap() {
	for _, p := range h.processes() {
		if p.isDead() {
			h.end(p)
		}
	}
}

// end closes a process, dead or alive.
func (h *host) end(p *process) {
	err := p.w.Close()
	if err != nil && !p.isDead() && !h.faulty() && !p.excused {
		h.t.Errorf("close: %v", err)
	}
	if h.proc == p {
		h.proc = nil
	}
	var rest []*process
	for _, d := range h.draining {
		if d != p {
			rest = append(rest, d)
		}
	}
	h.draining = rest
	h.ended = append(h.ended, p)
}

// powerBack is what is found when power is back.
func (h *host) powerBack(choose func(int) int) {
	for _, p := range h.processes() {
		p.kill()
	}
	h.reap()
	h.useDisk(h.disk.Crash(choose))
	h.mu.Lock()
	h.down, h.cut, h.healed = false, 0, false
	h.mu.Unlock()
	h.forgetUnsealed()
}

// forgetUnsealed takes back what SyncSeal does not promise: fetches of the
// unfinished batch that a power cut took.
func (h *host) forgetUnsealed() {
	if h.cfg.Sync != rotatelog.SyncSeal {
		return
	}
	local, stored := h.local(), h.stored()
	for n, f := range h.acked() {
		if f.host == h && !h.sealed[place{f.receipt.Day, f.receipt.Number}] && !local[n] && stored[n] == 0 {
			h.returned(n, rotatelog.Receipt{}, nil)
		}
	}
}

// cutPower cuts power at once.
func (h *host) cutPower() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = true
}

// faulty reports whether operations of the disk may fail.
func (h *host) faulty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.diskTrouble > 0 || h.inject != nil
}

func (h *host) setTrouble(store, disk float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.storeTrouble, h.diskTrouble = store, disk
	h.healed = h.healed && disk == 0
}

// operations returns how many operations the disk has had.
func (h *host) operations() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ops
}

// stateFiles is in the names of the files in which a process says how it is doing.
const stateFiles = "/state."

// ofState reports whether an operation is of such a file.
func ofState(op crashfs.Op) bool {
	return strings.Contains(op.Name, stateFiles) || strings.Contains(op.To, stateFiles)
}

// diskFault decides how a disk operation fails, if it does.
func (h *host) diskFault(op crashfs.Op) error {
	h.mu.Lock()
	if !ofState(op) { // to cut power there is as good as at the next operation
		if h.ops++; h.ops == h.cut {
			h.down = true
		}
	}
	down, inject, trouble := h.down, h.inject, h.diskTrouble
	h.mu.Unlock()
	if down {
		return crashfs.ErrPowerCut
	}
	if inject != nil {
		err := inject(op)
		if errors.Is(err, crashfs.ErrPowerCut) {
			h.cutPower()
		}
		return err
	}
	if trouble == 0 {
		return nil
	}
	if h.once { // a full disk takes what is kept, and with it what a source could deliver again
		if h.draw("disk", strconv.Itoa(h.id), op.Kind, op.Name).Float64() < trouble {
			return syscall.EIO
		}
		return nil
	}
	rng := h.draw("disk", strconv.Itoa(h.id), op.Kind, op.Name)
	if rng.Float64() >= trouble {
		return nil
	}
	switch rng.IntN(3) {
	case 0:
		return syscall.EIO
	case 1:
		return crashfs.ShortWrite{N: rng.IntN(40), Err: syscall.ENOSPC}
	default:
		return syscall.ENOSPC
	}
}

// storeFault decides how a call of the store fails, if it does.
func (p *process) storeFault(op storetest.Op) storetest.Fault {
	rng := p.draw(fmt.Sprint("store", p.host.id, op.Name, op.Key, keyOfNote(op.Text)))
	f := storetest.Fault{Delay: 1 + time.Duration(rng.Int64N(int64(50*time.Millisecond)))}
	unavailable := errors.New([]string{"500 InternalError", "503 SlowDown", "connection reset"}[rng.IntN(3)])
	p.mu.Lock()
	dead, away, trouble := p.dead || p.down, p.away, p.storeTrouble
	p.mu.Unlock()
	switch {
	case dead || away:
		f.Err, f.Skip = unavailable, true
		return f
	case rng.Float64() >= trouble:
		return f
	case op.Name == "stat":
		p.statFault(rng, &f, unavailable)
		return f
	case op.Name == "read":
		f.Err, f.Yield = unavailable, rng.Int64N(300)
		return f
	}
	if p.onWire {
		return f
	}
	conflict := fmt.Errorf("%d: %w", []int{409, 412}[rng.IntN(2)], rotatelog.ErrConflict)
	switch rng.IntN(9) {
	case 0: // refused
		f.Err, f.Skip = unavailable, true
	case 1: // applied, the reply lost
		f.Err = unavailable
	case 2: // applied, and the retry of a front end answered
		f.Err = conflict
	case 3: // refused, and said so
		f.Err, f.Skip = conflict, true
	case 4: // a lost race answered with success
		f.Skip = true
	case 5: // applied much later, or never
		f.Err = unavailable
		if f.Later = !p.blind; f.Later {
			p.recordLate()
		}
	case 6: // so late that the Writer has given up, or nearly
		f.Delay += time.Duration(rng.IntN(90)) * time.Second
	case 7: // someone is not allowed to, for now
		f.Err, f.Skip = fmt.Errorf("403 AccessDenied: %w", rotatelog.ErrPermanent), true
	default:
		f.DropMeta = true
	}
	return f
}

// statFault decides what becomes of a look at an object. That an object is not there,
// or is an old one, may be false only where a write has a condition: a store without
// must be believed.
func (p *process) statFault(rng *rand.Rand, f *storetest.Fault, unavailable error) {
	switch n := rng.IntN(9); {
	case n < 3:
		f.DropMeta = true
	case n == 3 && !p.blind && !p.onWire:
		f.Absent = true
	case n == 4 && !p.blind && !p.onWire:
		f.Stale = 1 + rng.IntN(3)
	default:
		f.Err = unavailable
	}
}

// append appends a fetch. It may be called by several goroutines, each with a
// number of its own.
func (h *host) append(ctx context.Context, goroutine int) {
	p := h.proc
	if p == nil {
		return
	}
	p.pause(fmt.Sprint("append ", goroutine))
	h.deliver(ctx, p, goroutine, h.submit(h))
}

// deliver gives a fetch to the Writer of a process, perhaps once more.
func (h *host) deliver(ctx context.Context, p *process, goroutine, n int) {
	before := h.receipt(n)
	var r rotatelog.Receipt
	var err error
	if n%5 == 0 {
		r, err = p.w.AppendFetch(ctx, rotatelog.Fetch{Data: record(n), ID: "aBc123XyZ456", TotalMatches: int64(n % 7)})
	} else {
		r, err = p.w.Append(ctx, record(n))
	}
	p.pause(fmt.Sprint("appended ", goroutine))
	h.judgeReceipt(n, before, r, err)
	h.returned(n, r, err)
	switch {
	case err == nil:
		h.mu.Lock()
		h.healed = h.diskTrouble == 0 && h.inject == nil
		h.mu.Unlock()
	case p.isDead(), h.faulty(), ctx.Err() != nil && errors.Is(err, ctx.Err()):
	case h.isFull(err):
	case errors.Is(err, rotatelog.ErrSpoolFull) && h.cfg.MaxPendingBytes > 0:
	default:
		h.t.Errorf("host %d: append: %v", h.id, err)
	}
}

// appendN appends n fetches.
func (h *host) appendN(n int) {
	for range n {
		h.append(context.Background(), 0)
	}
}

// atOnce appends n fetches from each of several goroutines. While the disk works for
// one, others arrive, and some groups fill a whole batch.
func (h *host) atOnce(goroutines, n int) {
	h.awaitIndex()
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			for range n {
				h.append(context.Background(), i)
			}
		})
	}
	all.Wait()
}

// awaitIndex waits until the process knows the identities of its batches. Of several that
// wait for that, any might go on first, and a history would not repeat.
func (h *host) awaitIndex() {
	if p := h.proc; p != nil {
		rotatelog.AwaitIndex(p.w)
	}
}

// record returns a fetch that contains its number, of varying length.
func record(n int) []byte {
	return fmt.Appendf(nil, `{"n":%d, "pad":"%s","FETCH_FOOTER":{"total_matches":%d}}`, n, strings.Repeat("é", n%50), n%7)
}

// flush flushes for at most that long.
func (h *host) flush(d time.Duration) {
	p := h.proc
	if p == nil {
		return
	}
	ctx, cancel := within(d)
	defer cancel()
	h.note("flush %v: %v", d, p.w.Flush(ctx))
	p.pause("flushed")
}

// stop ends the process that appends.
func (h *host) stop() {
	if h.proc != nil {
		h.end(h.proc)
	}
}

// The Prefixes between which a host moves; home is the usual one.
const (
	home      = ""
	elsewhere = "elsewhere/"
)

// moveTo ends all processes; those to come write below another Prefix.
func (h *host) moveTo(prefix string) {
	h.note("moves to %q", prefix)
	for _, p := range h.processes() {
		h.end(p)
	}
	h.cfg.Prefix, h.moved = prefix, true
}

// comeHome ends the moves of a host. It goes home first, for batches that wait
// elsewhere because they may be at home. Then everything must be uploaded, and days
// begun in either place are closed.
func (h *host) comeHome(choose func(int) int) {
	h.moveTo(home)
	h.revive(choose)
	h.appendN(1)
	h.flush(time.Hour) // which may say that something waits for the other place
	for _, prefix := range []string{elsewhere, home} {
		h.moveTo(prefix)
		h.revive(choose)
		h.upload(h)
		h.sleep(context.Background(), "move", closingTime)
	}
}

// handOver lets the next process append, while this one continues to upload.
func (h *host) handOver() {
	p := h.proc
	if p == nil {
		return
	}
	if err := p.w.CloseAppend(); err != nil {
		p.excused = true // Close will say the same again
		if !p.isDead() && !h.faulty() {
			h.t.Errorf("close: %v", err)
		}
	}
	p.pause("handed over")
	h.draining, h.proc = append(h.draining, p), nil
	h.open()
}

// release lets the abandoned writes of all processes, dead or alive, arrive.
func (h *host) release() {
	for _, p := range append(h.ended, h.processes()...) {
		for _, err := range p.store.Release(context.Background()) {
			h.note("a write of process %d comes late: %v", p.id, err)
		}
	}
	h.ended = nil
}
