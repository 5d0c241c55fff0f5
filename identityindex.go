package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"

	"example.com/rotatelog/internal/vfs"
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
	built chan struct{} // closed when the goroutine has ended
	stop  context.CancelFunc

	file identitiesLog // owned by who has the turn

	// Of the batch being filled. Owned by who has the append semaphore.
	filling struct {
		order   int
		records []filledRecord
	}

	mu      sync.Mutex // guards what follows; held for no I/O
	batches map[string]indexedBatch
	found   map[identityHash]int // how many fetches of the batches have it
	unread  []batch              // the next at the end
	probes  []probe
	checked int // how many batches there were when last it was seen which are gone
}

// filledRecord is what is known of a record of the array.
type filledRecord struct {
	hash  identityHash
	saved bool // the file has it
}

func newIdentityIndex(cfg *Config, s *spool) *identityIndex {
	return &identityIndex{cfg: cfg, spool: s.usedBy("identities"), turn: make(chan struct{}, 1), built: make(chan struct{}),
		batches: map[string]indexedBatch{}, found: map[identityHash]int{}}
}

// load takes what the file says of the batches that are there, and of the array.
func (x *identityIndex) load(s *spool) error {
	cached := x.loadFile()
	names, err := s.names()
	if err != nil {
		return err
	}
	for _, b := range slices.Backward(names) {
		if _, known := x.batches[b.id]; known {
			continue
		}
		if i, ok := cached.batches[b.id]; ok && x.isUnchanged(b, i.size) {
			x.add(b.id, i)
		} else {
			x.unread = append(x.unread, b)
		}
	}
	slices.Reverse(x.unread) // the last sealed are read first: they are the likeliest to come again
	x.checked = len(names)
	x.file.tidy(len(x.batches) + len(s.array.records) + len(x.probes))
	x.filling.order = s.progress.Order
	for _, record := range s.array.records {
		hash, saved := cached.records[sumOf(record)]
		if !saved {
			hash = x.cfg.storedHash(record)
		}
		x.filling.records = append(x.filling.records, filledRecord{hash, saved})
	}
	return nil
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

// isUnchanged reports whether a batch has the size that it had when it was read. One that
// was compressed since, or moved just now, is still known by its id.
func (x *identityIndex) isUnchanged(b batch, size int64) bool {
	name := x.spool.batchPath(b)
	if path.Ext(name) != ".json" {
		return true
	}
	info, err := x.spool.fs.Stat(name)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size == size
}

// start reads the unread batches in a goroutine.
func (x *identityIndex) start() {
	ctx, cancel := context.WithCancel(context.Background())
	x.stop = cancel
	if len(x.unread) == 0 {
		close(x.built)
		return
	}
	go x.build(ctx)
}

func (x *identityIndex) build(ctx context.Context) {
	defer close(x.built)
	for ctx.Err() == nil {
		if more, err := x.readNext(); err != nil || !more { // who appends tries again
			return
		}
	}
}

// complete reads what is still unread. The caller has the append semaphore.
func (x *identityIndex) complete() error {
	for {
		if more, err := x.readNext(); err != nil || !more {
			return err
		}
	}
}

// readNext reads an unread batch, and reports whether there was one.
func (x *identityIndex) readNext() (more bool, err error) {
	if x.isComplete() {
		return false, nil
	}
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	b, any := x.nextUnread()
	if !any {
		return false, nil
	}
	var i indexedBatch
	var probes []probe
	now, err := x.read(b, func(fetch []byte) error {
		hash := x.cfg.storedHash(fetch)
		i.hashes = append(i.hashes, hash)
		if p, ok := newProbe(fetch, hash); ok && len(probes) < keptProbes {
			probes = append(probes, p)
		}
		return nil
	})
	if err != nil {
		return false, newError("read", x.cfg.path(x.spool.batchPath(now)), unreadable(err))
	}
	if info, err := x.spool.fs.Stat(x.spool.batchPath(now)); err == nil {
		i.size = info.Size
	}
	x.finishUnread(b, i)
	x.saveBatch(b.id, i, probes)
	return true, nil
}

// isComplete reports whether an identity that is not in the index is in no batch.
func (x *identityIndex) isComplete() bool {
	_, any := x.nextUnread()
	return !any
}

func (x *identityIndex) nextUnread() (batch, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.unread) == 0 {
		return batch{}, false
	}
	return x.unread[len(x.unread)-1], true
}

func (x *identityIndex) finishUnread(b batch, i indexedBatch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unread = slices.DeleteFunc(x.unread, func(other batch) bool { return other.id == b.id })
	x.addLocked(b.id, i)
}

// maxMoves is how often a batch may be moved while it is being opened.
const maxMoves = 100

// read calls each for the fetches of a batch, wherever that is by now, and returns under
// which name it was. A batch that is gone has none.
func (x *identityIndex) read(b batch, each func(fetch []byte) error) (batch, error) {
	s := x.spool
	for range maxMoves {
		if !b.day.IsZero() {
			_, err := s.load(b, true, func(fetch []byte, _, _ int64) error { return each(fetch) })
			if !errors.Is(err, fs.ErrNotExist) {
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
	if info, err := x.spool.fs.Stat(x.spool.batchPath(b)); err == nil {
		i.size = info.Size
	} else if now, err := x.read(b, func([]byte) error { return errFound }); errors.Is(err, errFound) {
		if info, err := x.spool.fs.Stat(x.spool.batchPath(now)); err == nil {
			i.size = info.Size
		}
	}
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
	x.file.tidy(len(x.batches))
}

// saveBatch adds a batch to the file, and fetches to try the function on. The caller has
// the turn.
func (x *identityIndex) saveBatch(id string, i indexedBatch, probes []probe) {
	text := appendBatchLine(nil, id, i)
	n := 1
	for _, p := range probes {
		if len(x.probes) < keptProbes {
			x.probes = append(x.probes, p)
			text = appendProbeLine(text, p)
			n++
		}
	}
	x.save(text, n)
}

// save adds lines to the file, or writes all of it if that has to be.
func (x *identityIndex) save(lines []byte, n int) {
	name := x.spool.path(identitiesFile)
	if x.file.whole && x.file.append(x.spool.fs, name, lines, n) == nil {
		return
	}
	text := appendLine(nil, identitiesTitle+x.cfg.identityName())
	n = 1
	for _, p := range x.probes {
		text = appendProbeLine(text, p)
		n++
	}
	x.mu.Lock()
	for id, i := range x.batches {
		text = appendBatchLine(text, id, i)
		n++
	}
	x.mu.Unlock()
	x.file.replace(x.spool, name, text, n)
}

// close ends the goroutine, and saves what is known of the array, which its next Writer
// would have to read. The caller has the append semaphore.
func (x *identityIndex) close(s *spool) {
	x.stop()
	<-x.built
	x.follow(s)
	if s.sealing != nil {
		return
	}
	x.turn <- struct{}{} // for good
	if !x.file.whole {
		x.save(nil, 0)
	}
	var lines []byte
	n := 0
	for i, record := range s.array.records {
		r := x.filling.records[i]
		if !r.saved {
			lines = appendRecordLine(lines, sumOf(record), r.hash)
			n++
		}
		if p, ok := newProbe(record, r.hash); ok && len(x.probes) < keptProbes {
			x.probes = append(x.probes, p)
			lines = appendProbeLine(lines, p)
			n++
		}
	}
	if n > 0 && x.file.whole {
		x.file.append(x.spool.fs, x.spool.path(identitiesFile), lines, n)
	}
}

// identitiesLog is how the file was left.
type identitiesLog struct {
	whole bool  // it can be added to
	lines int   // how many it has
	end   int64 // where the next begins
}

// tidy has the file written anew if most of its lines are of no use any more.
func (l *identitiesLog) tidy(useful int) {
	if l.lines > 2*useful+200 {
		l.whole = false
	}
}

// append adds lines. A power cut may take them.
func (l *identitiesLog) append(fsys vfs.FS, name string, lines []byte, n int) error {
	f, err := fsys.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(lines, l.end)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		l.whole = false
		return err
	}
	l.end += int64(len(lines))
	l.lines += n
	return nil
}

// replace puts a new file in place of the old one. If that fails, it is tried again with
// the next line.
func (l *identitiesLog) replace(s *spool, name string, text []byte, n int) {
	*l = identitiesLog{}
	err := vfs.WriteUnsynced(s.fs, name+".new", text)
	if err == nil {
		err = s.fs.Rename(name+".new", name)
	}
	if err != nil {
		s.remove(name + ".new") // what it took is wanted for fetches
		return
	}
	*l = identitiesLog{true, n, int64(len(text))}
}
