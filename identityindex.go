package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
)

// identitiesFile is where the index is kept from one Writer to the next.
const identitiesFile = "identities"

// An identityIndex says in which batches a fetch of an identity may be. Whoever has the
// append lock is the only one to add batches, so what it knows at Open and what it seals
// is all there is; others only move and remove them. That an identity is not in the index
// is to be trusted once no batch is unread; that it is, is a reason to look.
type identityIndex struct {
	cfg   *Config
	spool *spool        // as the goroutine that builds it sees it
	turn  chan struct{} // holds a value while somebody reads a batch, or the file is written
	built chan struct{} // closed when the goroutine has read what was unread, or could not
	ended chan struct{} // closed when the goroutine has ended
	stop  context.CancelFunc

	// Owned by who has the turn.
	file   identitiesLog
	failed map[string]readFailures // of batches that are there

	// Of the batch being filled. Owned by who has the append semaphore.
	filling struct {
		order   int
		records []filledRecord
	}

	mu      sync.Mutex // guards what follows; held for no I/O
	batches map[string]indexedBatch
	found   map[identityHash]int // how many fetches of the batches have it
	unread  []batch              // the next at the end
	odd     []Repaired           // to be reported

	doubtful []batch // whose sizes the goroutine has to compare; owned by it
	probes   []probe
	checked  int // how many batches there were when last it was seen which are gone
}

// filledRecord is what is known of a record of the array.
type filledRecord struct {
	hash  identityHash
	saved bool // the file has it
}

func newIdentityIndex(cfg *Config, s *spool) *identityIndex {
	return &identityIndex{cfg: cfg, spool: s.usedBy("identities"), turn: make(chan struct{}, 1), built: make(chan struct{}), ended: make(chan struct{}),
		failed: map[string]readFailures{}, batches: map[string]indexedBatch{}, found: map[identityHash]int{}}
}

// load takes what the file says of the batches that recovery has found, and of the array.
// The last sealed are read first: they are the likeliest to come again.
func (x *identityIndex) load(s *spool) {
	cached := x.loadFile()
	for _, b := range s.recovered {
		f, failed := cached.failed[b.id]
		if failed {
			x.failed[b.id] = f
		}
		i, known := cached.batches[b.id]
		switch {
		case b.sequence > 0 && f.isLeftOut():
		case known:
			x.add(b.id, i)
			x.doubtful = append(x.doubtful, b)
		default:
			x.unread = append(x.unread, b)
		}
	}
	x.checked = len(s.recovered)
	x.file.tidy(len(x.batches) + len(s.array.records) + len(x.probes) + enoughFailures*len(x.failed))
	x.filling.order = s.progress.Order
	for _, record := range s.array.records {
		hash, saved := cached.records[sumOf(record)]
		if !saved {
			hash = x.cfg.storedHash(record)
		}
		x.filling.records = append(x.filling.records, filledRecord{hash, saved})
	}
}

// loadFile reads the file. It returns nothing if that is of another function.
func (x *identityIndex) loadFile() identityLines {
	content, err := x.spool.readFile(x.spool.path(identitiesFile))
	if err != nil {
		content = nil
	}
	cached := parseIdentities(content)
	if !cached.isOf(x.cfg) {
		return identityLines{}
	}
	x.file = identitiesLog{whole: !cached.damaged, lines: cached.lines, end: cached.end}
	x.probes = cached.probes
	return cached
}

// start begins a goroutine that reads the unread batches.
func (x *identityIndex) start() {
	ctx, cancel := context.WithCancel(context.Background())
	x.stop = cancel
	if len(x.unread) == 0 {
		close(x.built)
	}
	go x.build(ctx)
}

func (x *identityIndex) build(ctx context.Context) {
	defer close(x.ended)
	if !x.isBuilt() {
		x.readAll(ctx) // after an error who appends tries again
		close(x.built)
	}
	x.compareAll(ctx)
}

// comparedAtOnce is how many batches each Writer compares, the last sealed ones, which
// somebody may have opened. A process that lives for one fetch does not pay for the others.
const comparedAtOnce = 16

// compareAll compares the batches that the file knows.
func (x *identityIndex) compareAll(ctx context.Context) {
	left := comparedAtOnce
	for _, b := range slices.Backward(x.doubtful) {
		if left--; left == -1 && x.cfg.Clock.Sleep(ctx, lookDelay) != nil || ctx.Err() != nil {
			return
		}
		x.compare(b)
	}
}

func (x *identityIndex) isBuilt() bool {
	select {
	case <-x.built:
		return true
	default:
		return false
	}
}

// compare has a batch read again if its file has not the size that the index says. Only
// somebody else can have changed it, so nobody waits for this. One that was compressed or
// moved since is known by its id.
func (x *identityIndex) compare(b batch) {
	name := x.spool.batchPath(b)
	if path.Ext(name) != ".json" {
		return
	}
	info, err := x.spool.fs.Stat(name)
	if err != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.batches[b.id]; ok && i.size != info.Size {
		x.unread = append(x.unread, b)
	}
}

// doubt has a batch read again that does not have a fetch which it should have: it was
// damaged since it was indexed, which is to be reported, or the hash is of another fetch.
func (x *identityIndex) doubt(b batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, known := x.batches[b.id]
	unread := slices.ContainsFunc(x.unread, func(u batch) bool { return u.id == b.id })
	if known && !unread && !b.day.IsZero() { // otherwise it is gone
		x.unread = append(x.unread, b)
	}
}

// complete reads what is still unread. The caller has the append semaphore.
func (x *identityIndex) complete() error { return x.readAll(context.Background()) }

// readAll reads the unread batches, each once, and returns the first error if some are
// still unread then.
func (x *identityIndex) readAll(ctx context.Context) error {
	var first error
	for tried := map[string]bool{}; ctx.Err() == nil && !x.isComplete(); {
		more, err := x.readNext(tried)
		if first == nil {
			first = err
		}
		if !more {
			return first
		}
	}
	return nil
}

// readNext reads an unread batch that was not tried, and reports whether there was one.
func (x *identityIndex) readNext(tried map[string]bool) (more bool, err error) {
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	b, any := x.nextUnread(tried)
	if !any {
		return false, nil
	}
	tried[b.id] = true
	i, probes, now, err := x.scan(b)
	if err != nil {
		return true, x.cannotRead(now, err)
	}
	x.finishUnread(b, i)
	x.forgetFailures(b.id)
	x.saveBatch(b.id, i, probes)
	return true, nil
}

// scan reads a batch, wherever it is by now, and returns under which name it was. A batch
// that is gone, and a file that is damaged, has no fetches.
func (x *identityIndex) scan(b batch) (i indexedBatch, probes []probe, now batch, err error) {
	there := false
	now, err = x.at(b, func(b batch) error {
		i.hashes, probes = nil, nil
		err := x.spool.scanBatch(b, func(fetch []byte) {
			hash := x.cfg.storedHash(fetch)
			i.hashes = append(i.hashes, hash)
			if p, ok := newProbe(fetch, hash); ok && len(probes) < keptProbes {
				probes = append(probes, p)
			}
		})
		if errors.Is(err, errDamagedBatch) {
			i.hashes, probes, err = nil, nil, nil
		}
		there = err == nil
		return err
	})
	if there {
		x.missFetches(now, len(i.hashes))
	}
	if info, err := x.spool.fs.Stat(x.spool.batchPath(now)); err == nil {
		i.size = info.Size
	}
	return i, probes, now, err
}

// isComplete reports whether an identity that is not in the index is in no batch.
func (x *identityIndex) isComplete() bool {
	_, any := x.nextUnread(nil)
	return !any
}

// nextUnread returns the next unread batch that was not tried.
func (x *identityIndex) nextUnread(tried map[string]bool) (batch, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range slices.Backward(x.unread) {
		if !tried[b.id] {
			return b, true
		}
	}
	return batch{}, false
}

func (x *identityIndex) finishUnread(b batch, i indexedBatch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unread = withoutID(x.unread, b.id)
	x.addLocked(b.id, i)
}

// maxMoves is how often a batch may be moved while it is being opened.
const maxMoves = 100

// at calls do for a batch under the name that it has by now, and returns that. Its error is
// that of do, unless the batch was moved meanwhile. A batch that is gone is no error.
func (x *identityIndex) at(b batch, do func(b batch) error) (batch, error) {
	s := x.spool
	for range maxMoves {
		if !b.day.IsZero() {
			if err := persistently(b, do); !errors.Is(err, fs.ErrNotExist) {
				return b, err
			}
		}
		names, err := s.names()
		if err != nil {
			return b, err
		}
		i := slices.IndexFunc(names, func(now batch) bool { return now.id == b.id })
		if i < 0 {
			return b, nil
		}
		b = names[i]
	}
	return b, fmt.Errorf("it was moved %d times while it was opened", maxMoves)
}

func (x *identityIndex) add(id string, i indexedBatch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.addLocked(id, i)
}

func (x *identityIndex) addLocked(id string, i indexedBatch) {
	x.removeLocked(id)
	x.batches[id] = i
	for _, h := range i.hashes {
		if h != noIdentity {
			x.found[h]++
		}
	}
}

func (x *identityIndex) removeLocked(id string) {
	for _, h := range x.batches[id].hashes {
		if x.found[h]--; x.found[h] <= 0 {
			delete(x.found, h)
		}
	}
	delete(x.batches, id)
}

// holders returns the ids of the batches that may hold a fetch with that hash.
func (x *identityIndex) holders(hash identityHash) (ids []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.found[hash] == 0 {
		return nil
	}
	for id, i := range x.batches {
		if slices.Contains(i.hashes, hash) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (x *identityIndex) isSecure(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.batches[id].secure
}

func (x *identityIndex) setSecure(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.batches[id]; ok {
		i.secure = true
		x.batches[id] = i
	}
}

// wrote records what was written to the batch of that order.
func (x *identityIndex) wrote(order int, written []*request) {
	if order != x.filling.order {
		return
	}
	for _, r := range written {
		x.filling.records = append(x.filling.records, filledRecord{hash: hashOf(r.identity)})
	}
}

// follow takes note of what was sealed, and of what the array holds since. The caller has
// the append semaphore.
func (x *identityIndex) follow(s *spool) {
	for _, b := range s.sealed {
		if b.order >= x.filling.order {
			x.sealed(b.batch)
			x.filling.order, x.filling.records = b.order+1, nil
		}
	}
	if s.sealing != nil { // it is not known yet how that ends
		return
	}
	if s.progress.Order != x.filling.order {
		x.filling.order, x.filling.records = s.progress.Order, nil
	}
	n := len(x.filling.records)
	for _, record := range s.array.records[min(n, len(s.array.records)):] {
		x.filling.records = append(x.filling.records, filledRecord{hash: x.cfg.storedHash(record)})
	}
	x.filling.records = x.filling.records[:len(s.array.records)]
}

// sealed takes note of a batch. If what was written is not just what is known to be, it is
// read.
func (x *identityIndex) sealed(b batch) {
	if b.order != x.filling.order || b.fetches() != len(x.filling.records) {
		x.mu.Lock()
		x.unread = append(x.unread, b)
		x.mu.Unlock()
		return
	}
	i := indexedBatch{secure: true}
	for _, r := range x.filling.records {
		i.hashes = append(i.hashes, r.hash)
	}
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	x.at(b, func(b batch) error {
		info, err := x.spool.fs.Stat(x.spool.batchPath(b))
		if err == nil {
			i.size = info.Size
		}
		return err
	})
	x.add(b.id, i)
	x.saveBatch(b.id, i, nil)
	x.forgetGone()
}

// forgetGone forgets the batches that are gone, if they may be as many as the others. The
// caller has the turn.
func (x *identityIndex) forgetGone() {
	x.mu.Lock()
	known := len(x.batches)
	x.mu.Unlock()
	if known < 2*x.checked+64 {
		return
	}
	names, err := x.spool.names()
	if err != nil {
		return
	}
	there := map[string]bool{}
	for _, b := range names {
		there[b.id] = true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.checked = len(names)
	for id := range x.batches {
		if !there[id] {
			x.removeLocked(id)
		}
	}
	maps.DeleteFunc(x.failed, func(id string, _ readFailures) bool { return !there[id] })
	x.file.tidy(len(x.batches) + enoughFailures*len(x.failed))
}
