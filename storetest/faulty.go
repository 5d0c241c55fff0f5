package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/stream"
)

// Faulty is a Store that adds the faults of networks and servers to another
// Store. The function Fault sees every call, and says what goes wrong with it:
//
//	Fault{}                      nothing: the call and its answer pass through
//	Fault{Err: e, Skip: true}    the request is lost
//	Fault{Err: e}                the reply is lost: a write is still applied
//	Fault{Skip: true}            the reply lies: a write is reported as applied, but is not
//	Fault{Err: e, Later: true}   an abandoned request: the write is applied at [Faulty.Release]
//	Fault{Err: e, Yield: 100}    a reader breaks off after 100 bytes
//	Fault{Delay: time.Minute}    the request is slow
//	Fault{DropMeta: true}        metadata is lost
//	Fault{Absent: true}          a stat says that there is no object
//	Fault{Stale: 2}              a stat describes the version of two versions ago
//
// A test of exactly-once should try each write with Skip and without, since the
// caller gets the same answer. A Faulty is safe for concurrent use; its fields
// must not change once it is in use.
type Faulty struct {
	Store rotatelog.Store // the Store that does the work

	// Fault says what goes wrong with a call; nil means nothing ever does. It runs
	// for one call at a time, in the order of Op.N, so it may count. It may use
	// Store, to let another writer in just before, but not the Faulty.
	Fault func(Op) Fault

	// Clock measures Fault.Delay; nil means the system's clock.
	Clock rotatelog.Clock

	mu    sync.Mutex
	calls int // mu guards it
	held  []heldWrite
	seen  map[string][]sighting // of each key, the latest last
}

// Op is a call of one of the methods of a Faulty.
type Op struct {
	Name string // "stat", "read" or "write"; around an IntentWriter also "settle" or "sweep"; around a Prover "prove"
	Key  string // "" for a "settle"
	Text string // the note that a "settle" is about
	N    int    // counts the calls of this Faulty, from 1
}

// Fault is what goes wrong with a call. The zero Fault is no fault.
type Fault struct {
	// Err is the answer. Nil means the answer of the Store, or nil if the
	// Store is not called.
	Err error
	// Skip keeps a write from the Store. A stat or read with an Err never gets
	// there, and one without is not changed by it.
	Skip bool
	// Later keeps a write from the Store until Release.
	Later bool
	// Yield is how many bytes a reader gives before it fails with Err. If it is 0,
	// Read itself fails.
	Yield int64
	// Delay comes before everything else. If ctx ends meanwhile, its error is the
	// answer, and the Store is not called.
	Delay time.Duration
	// Absent makes a stat say that there is no object.
	Absent bool
	// Stale makes a stat describe the version of that many versions ago, at most
	// four. If stats of this Faulty have seen fewer versions, it is the oldest.
	Stale int
	// DropMeta makes a write, or the answer of a stat, leave the metadata out.
	DropMeta bool
}

type heldWrite struct {
	key   string
	old   rotatelog.Version
	parts []rotatelog.Part
	meta  map[string]string
}

// Stat implements [rotatelog.Store].
func (f *Faulty) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	fault, err := f.next(ctx, Op{Name: "stat", Key: key})
	if err != nil {
		return rotatelog.Object{}, err
	}
	if fault.Err != nil {
		return rotatelog.Object{}, fault.Err
	}
	if fault.Absent {
		return rotatelog.Object{}, errNotThere
	}
	o, err := f.Store.Stat(ctx, key)
	if o, err = f.sight(key, o, err, fault.Stale); err != nil {
		return rotatelog.Object{}, err
	}
	if fault.DropMeta {
		o.Meta = nil
	}
	return o, err
}

// sighting is what a stat found: an object, or that there was none.
type sighting struct {
	object rotatelog.Object
	err    error
}

const maxSightings = 5 // the current version included

var errNotThere = fmt.Errorf("there is no such object: %w", fs.ErrNotExist)

// sight remembers what a stat found, and returns what a stat found that many
// versions ago.
func (f *Faulty) sight(key string, o rotatelog.Object, err error, stale int) (rotatelog.Object, error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string][]sighting{}
	}
	seen := f.seen[key]
	if n := len(seen); n == 0 || seen[n-1].object.Version != o.Version {
		seen = append(seen, sighting{o, err})
		seen = slices.Clone(seen[max(0, len(seen)-maxSightings):])
		f.seen[key] = seen
	}
	then := seen[max(0, len(seen)-1-stale)]
	then.object.Meta = maps.Clone(then.object.Meta)
	return then.object, then.err
}

// Read implements [rotatelog.Store].
func (f *Faulty) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	fault, err := f.next(ctx, Op{Name: "read", Key: key})
	if err != nil {
		return nil, err
	}
	if fault.Err != nil && fault.Yield == 0 {
		return nil, fault.Err
	}
	r, err := f.Store.Read(ctx, key, v, off, n)
	if err != nil || fault.Err == nil {
		return r, err
	}
	return &brokenReader{r, fault.Yield, fault.Err}, nil
}

// Write implements [rotatelog.Store].
func (f *Faulty) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return f.write(ctx, key, old, parts, meta, func(meta map[string]string) error {
		return f.Store.Write(ctx, key, old, parts, meta)
	})
}

func (f *Faulty) write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, apply func(meta map[string]string) error) error {
	fault, err := f.next(ctx, Op{Name: "write", Key: key})
	if err != nil {
		return err
	}
	if fault.DropMeta {
		meta = nil
	}
	switch {
	case fault.Later:
		if err := f.hold(ctx, key, old, parts, meta); err != nil {
			return err
		}
	case !fault.Skip:
		err = apply(meta)
	}
	if fault.Err != nil {
		return fault.Err
	}
	return err
}

// A Faulty is a [rotatelog.IntentWriter] so that it can wrap one. Around any other
// Store these methods do nothing, or what Write does.

// WriteIntent implements [rotatelog.IntentWriter]. It is a "write", too.
func (f *Faulty) WriteIntent(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string, note func(string) error) error {
	return f.write(ctx, key, old, parts, meta, func(meta map[string]string) error {
		if m, ok := f.Store.(rotatelog.IntentWriter); ok {
			return m.WriteIntent(ctx, key, old, parts, meta, note)
		}
		return f.Store.Write(ctx, key, old, parts, meta)
	})
}

// Resolve implements [rotatelog.IntentWriter].
func (f *Faulty) Resolve(ctx context.Context, text string, note func(string) error) error {
	return f.call(ctx, Op{Name: "settle", Text: text}, func(m rotatelog.IntentWriter) error { return m.Resolve(ctx, text, note) })
}

// Sweep implements [rotatelog.IntentWriter].
func (f *Faulty) Sweep(ctx context.Context, key string, keep []string) error {
	return f.call(ctx, Op{Name: "sweep", Key: key}, func(m rotatelog.IntentWriter) error { return m.Sweep(ctx, key, keep) })
}

// MinCopy implements [rotatelog.IntentWriter].
func (f *Faulty) MinCopy() int64 {
	if m, ok := f.Store.(rotatelog.IntentWriter); ok {
		return m.MinCopy()
	}
	return 0
}

// Prove implements [rotatelog.Prover]. Around a Store that is not a Prover it
// returns known.
func (f *Faulty) Prove(ctx context.Context, key, known string) (string, error) {
	p, ok := f.Store.(rotatelog.Prover)
	if !ok {
		return known, nil
	}
	fault, err := f.next(ctx, Op{Name: "prove", Key: key})
	if err != nil {
		return "", err
	}
	if fault.Err != nil {
		return "", fault.Err
	}
	return p.Prove(ctx, key, known)
}

// Location implements [rotatelog.Located]. It is "" if the Store is not Located.
func (f *Faulty) Location() string {
	if l, ok := f.Store.(rotatelog.Located); ok {
		return l.Location()
	}
	return ""
}

// Warning implements [rotatelog.Warner]. It is "" if the Store is not a Warner.
func (f *Faulty) Warning() string {
	if w, ok := f.Store.(rotatelog.Warner); ok {
		return w.Warning()
	}
	return ""
}

// SingleWriter implements [rotatelog.SingleWriter].
func (f *Faulty) SingleWriter() bool {
	e, ok := f.Store.(rotatelog.SingleWriter)
	return ok && e.SingleWriter()
}

// call shows a call to Fault, and makes it if the Store is an IntentWriter.
func (f *Faulty) call(ctx context.Context, op Op, do func(rotatelog.IntentWriter) error) error {
	m, ok := f.Store.(rotatelog.IntentWriter)
	if !ok {
		return nil
	}
	fault, err := f.next(ctx, op)
	if err != nil {
		return err
	}
	if !fault.Skip {
		err = do(m)
	}
	if fault.Err != nil {
		return fault.Err
	}
	return err
}

// Held returns how many writes wait for Release.
func (f *Faulty) Held() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held)
}

// Release lets the writes that Later held back reach the Store, in the order in
// which they were made and without further faults, and returns the Store's
// answer to each.
func (f *Faulty) Release(ctx context.Context) []error {
	f.mu.Lock()
	held := f.held
	f.held = nil
	f.mu.Unlock()

	var errs []error
	for _, w := range held {
		errs = append(errs, f.Store.Write(ctx, w.key, w.old, w.parts, w.meta))
	}
	return errs
}

// next asks Fault about a call, and delays it.
func (f *Faulty) next(ctx context.Context, op Op) (Fault, error) {
	fault := f.decide(op)
	if fault.Delay <= 0 {
		return fault, nil
	}
	if f.Clock != nil {
		return fault, f.Clock.Sleep(ctx, fault.Delay)
	}
	select {
	case <-time.After(fault.Delay):
		return fault, nil
	case <-ctx.Done():
		return fault, context.Cause(ctx)
	}
}

func (f *Faulty) decide(op Op) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.Fault == nil {
		return Fault{}
	}
	op.N = f.calls
	return f.Fault(op)
}

// hold keeps copies, and what streams yield: the caller may use its parts and meta
// again at once.
func (f *Faulty) hold(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	parts, err := stream.Inline(ctx, parts)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if p.Data != nil {
			parts[i] = rotatelog.Data(slices.Clone(p.Data))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, heldWrite{key, old, parts, maps.Clone(meta)})
	return nil
}

// brokenReader gives left more bytes, and then err.
type brokenReader struct {
	io.ReadCloser
	left int64
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, r.err
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}
