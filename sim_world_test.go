package rotatelog_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// world is a store, the hosts that write to it, and what is known of both. The
// simulation and the crash tests play in it, and one oracle judges them.
//
// It is made so that a seed gives the same history each time: each operation of
// a disk, each call of the store and each waking takes some virtual nanoseconds,
// drawn from the seed, and at any instant one goroutine wakes. Others that it sets
// going may run beside it, but not for long: how long each sleeps does not depend
// on who comes first.
type world struct {
	t     *testing.T
	seed  uint64
	start time.Time
	zone  *time.Location
	log   lockedBuffer

	mem    objects
	blind  bool // the store honours no condition
	noted  bool // the store makes a Writer keep notes of what it writes
	onWire bool // requests go wrong, and not the calls of the store that write
	calm   bool // spools never fill
	once   bool // sources deliver fetches again
	hosts  []*host

	mu      sync.Mutex // guards what follows, and the hosts
	history []string
	due     map[time.Duration]*wakers
	procs   int
	fetches []*submission // the first has the number 1
	before  map[string]lastJudged
	uploads int  // that were confirmed
	late    bool // a request is kept for later
	lateAt  int  // how many uploads there were when the oldest of them was sent
}

// objects is a store whose content the test can read directly.
type objects interface {
	rotatelog.Store
	Keys() []string
	Bytes(key string) []byte
}

// submission is a fetch that was given to Append.
type submission struct {
	host    *host
	days    [2]rotatelog.Day  // on which Append was called, and returned
	receipt rotatelog.Receipt // zero: not acknowledged
	anyDay  bool              // it was delivered on more days than those
}

func (s *submission) acked() bool { return s.receipt.Number > 0 }

func newWorld(t *testing.T, seed uint64) *world {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, seed: seed, start: time.Now(), zone: zone, mem: storetest.NewMem(),
		due: map[time.Duration]*wakers{}, before: map[string]lastJudged{}}
}

// draw returns random numbers for an event of a kind that happens now. They are made
// from the seed, the kind and the instant, so that a change to one event leaves
// those of other kinds alone, and goroutines that run at one instant do not
// depend on which of them draws first.
func (w *world) draw(kind ...string) *rand.Rand {
	h := fnv.New64a()
	for _, k := range kind {
		io.WriteString(h, k)
	}
	var now [8]byte
	binary.LittleEndian.PutUint64(now[:], uint64(time.Since(w.start)))
	h.Write(now[:])
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// wakers are those that are to wake at an instant.
type wakers struct {
	n     int
	names []string // of those whose name is known
}

// sleep sleeps for d, or a little longer, unless ctx ends.
func (w *world) sleep(ctx context.Context, name string, d time.Duration) error {
	return w.sleepAs(ctx, func() string { return name }, d)
}

// sleepAs is sleep for who has the name that name returns: of those that would
// wake at one instant only the first by name does, and the others sleep on. All
// wake at even nanoseconds; the odd ones are for deadlines. Names are asked for
// only where several would wake, since it takes time to find them.
func (w *world) sleepAs(ctx context.Context, name func() string, d time.Duration) error {
	for known := ""; ; d = 1 {
		now := time.Since(w.start)
		at := (now + d + 1) &^ 1
		w.lieDown(at, known)
		wait(ctx, at-now)
		if time.Since(w.start) < at {
			w.getUp(at, known)
			return context.Cause(ctx)
		}
		if w.mayWake(at, known) {
			return nil
		}
		if known == "" {
			known = name()
		}
	}
}

// wait waits for d, unless ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if ctx.Done() == nil {
		time.Sleep(d)
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (w *world) lieDown(at time.Duration, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.due[at]
	if due == nil {
		due = &wakers{}
		w.due[at] = due
	}
	due.n++
	if name != "" {
		due.names = append(due.names, name)
	}
}

// getUp undoes lieDown, before the instant.
func (w *world) getUp(at time.Duration, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.due[at]
	due.n--
	if i := slices.Index(due.names, name); i >= 0 {
		due.names = slices.Delete(due.names, i, i+1)
	}
}

// mayWake reports whether the one of that name, "" if it is not known, is the first
// of those due at an instant that has come. All of them are known by then: they
// lay down before it.
func (w *world) mayWake(at time.Duration, name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.due[at]
	switch {
	case due.n == 1:
		delete(w.due, at)
		return true
	case len(due.names) < due.n:
		return false
	}
	slices.Sort(due.names)
	if due.names[0] == due.names[1] {
		w.t.Errorf("two goroutines have the name %q at %v, so the seed does not repeat", name, at)
	}
	return due.names[0] == name
}

// within returns a context that ends after d, at an instant when no goroutine wakes.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d|1)
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, fmt.Sprintf("%15v  ", time.Since(w.start))+fmt.Sprintf(format, args...))
}

// recordUploaded may be called by any goroutine.
func (w *world) recordUploaded(rotatelog.Uploaded) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uploads++
}

// recordLate says that a request is kept for later.
func (w *world) recordLate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.late {
		w.late, w.lateAt = true, w.uploads
	}
}

// lateUploads is how many uploads a late request should be kept for: more than the
// spool keeps, and more than a write carries.
const lateUploads = 11

// isLate reports whether a request is kept for later, and for how many uploads.
func (w *world) isLate() (ok bool, uploads int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late, w.uploads - w.lateAt
}

// release lets the requests that were kept for later be executed: those that the
// network has, and the abandoned writes of all processes, dead or alive.
func (w *world) release() {
	if bucket, ok := w.mem.(bucketObjects); ok {
		w.note("late requests come: %v", bucket.server.Release())
	}
	for _, h := range w.hosts {
		h.release()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = false
}

// submit makes the next fetch.
func (w *world) submit(h *host) (n int) {
	day := h.today()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches = append(w.fetches, &submission{host: h, days: [2]rotatelog.Day{day, day}})
	return len(w.fetches)
}

// returned records the outcome of a fetch.
func (w *world) returned(n int, r rotatelog.Receipt, err error) {
	f := w.fetch(n)
	day := f.host.today()
	w.mu.Lock()
	defer w.mu.Unlock()
	f.anyDay = f.anyDay || f.days[1] != f.days[0] && f.days[1] != day
	f.days[1] = day
	if err == nil {
		f.receipt = r
	}
}

// fetch returns what is known of a fetch, nil if there is none of that number.
func (w *world) fetch(n int) *submission {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n < 1 || n > len(w.fetches) {
		return nil
	}
	return w.fetches[n-1]
}

// acked returns the fetches that were acknowledged, by their numbers.
func (w *world) acked() map[int]submission {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[int]submission{}
	for i, f := range w.fetches {
		if f.acked() {
			found[i+1] = *f
		}
	}
	return found
}

// fork returns a world like w, without hosts: one of its futures.
func (w *world) fork() *world {
	mem := storetest.NewMem()
	c := &world{t: w.t, seed: w.seed, start: w.start, zone: w.zone, mem: mem, blind: w.blind, noted: w.noted, once: w.once,
		due: map[time.Duration]*wakers{}, before: map[string]lastJudged{}}
	for _, key := range w.mem.Keys() {
		obj, err := w.mem.Stat(context.Background(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		mem.Put(key, w.mem.Bytes(key), obj.Meta)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.history = append(c.history, w.history...)
	for key, seen := range w.before {
		c.before[key] = lastJudged{entries: seen.entries} // to be judged again
	}
	return c
}

// printHistoryOnFailure prints the history if the test failed.
func (w *world) printHistoryOnFailure(repeat string) {
	if !w.t.Failed() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Logf("history:\n%s", strings.Join(w.history, "\n"))
	w.t.Logf("log:\n%s", w.log.String())
	w.t.Logf("repeat with: %s", repeat)
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// steppedClock is the bubble's clock, off by some hours that can change.
type steppedClock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *steppedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off).Round(0)
}

func (c *steppedClock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *steppedClock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}
