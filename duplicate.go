package rotatelog

import (
	"context"
	"errors"
	"io/fs"

	"example.com/rotatelog/internal/vfs"
)

// A fetch is a duplicate if one of its identity is on disk. That is asked by who has the
// append semaphore, once the array is fit to be appended to, so that nothing comes in
// between. The index only says where to look; what is found there decides. And a
// duplicate is acknowledged only when the one that is stored is as durable as if it were
// appended now.

// storedAt is where a fetch is.
type storedAt struct {
	day      Day
	number   int
	position int // in its batch, from 1
}

// findDuplicates finds out which requests of a group are to be written. Of several with
// one identity that is the first, and the others wait for what becomes of it.
func (w *Writer) findDuplicates(g *group) {
	g.fresh = g.requests
	if w.index == nil || g.err != nil {
		return
	}
	w.followSeals()
	g.fresh = nil
	first := map[string]*request{}
	for _, r := range g.requests {
		if r.err = w.number(r, w.spool.progress.First+g.before+len(g.fresh)); r.err != nil {
			continue
		}
		if r.identity != "" {
			if r.twin = first[r.identity]; r.twin != nil {
				continue
			}
			if r.duplicate, r.err = w.findSurely(r.identity); r.duplicate != nil || r.err != nil {
				continue
			}
			first[r.identity] = r
		}
		g.fresh = append(g.fresh, r)
	}
}

// settleDuplicates makes the receipts of a group's duplicates, once its records are
// written and the array is synced, and tells the index what was written.
func (w *Writer) settleDuplicates(g group) {
	if w.index == nil {
		return
	}
	w.index.wrote(w.spool.progress.Order, g.written)
	duplicates := 0
	for _, r := range g.requests {
		switch at, twin := r.duplicate, r.twin; {
		case at != nil && g.err == nil:
			r.receipt = Receipt{Day: at.day, Number: at.number, Position: at.position}
		case twin != nil && twin.receipt.Number > 0:
			r.receipt = twin.receipt
		case twin != nil:
			r.err = twin.err
			continue
		default:
			continue
		}
		r.receipt.BatchSize, r.receipt.Matches, r.receipt.Duplicate = w.spool.max, r.matches, true
		duplicates++
	}
	if duplicates == 0 {
		return
	}
	w.stats.update(func(s *Stats) { s.Duplicates += duplicates })
	w.state.record(func(_ *WriterState, today *DayCounts) { today.Duplicates += duplicates })
}

// findSurely returns where a fetch of that identity is, or nil if there is none. It reads
// what the index does not know yet only for a fetch that is not found in what it knows.
func (w *Writer) findSurely(identity string) (*storedAt, error) {
	at, err := w.find(identity)
	if at != nil || err != nil || w.index.isComplete() {
		return at, err
	}
	if err := w.index.complete(); err != nil {
		return nil, err
	}
	return w.find(identity)
}

// find returns where a fetch of that identity is, as far as the index knows, or nil.
func (w *Writer) find(identity string) (*storedAt, error) {
	hash := hashOf(identity)
	for i, fetch := range w.spool.array.records {
		if w.index.filling.records[i].hash != hash {
			continue
		}
		if id, err := w.cfg.callIdentity(fetch); err == nil && id == identity {
			p := w.spool.progress
			return &storedAt{p.Day, p.First + i, i + 1}, nil
		}
	}
	for _, id := range w.index.holders(hash) {
		if at, err := w.findInBatch(id, identity); at != nil || err != nil {
			return at, err
		}
	}
	return nil, nil
}

// errFound ends the reading of a batch.
var errFound = errors.New("found")

// findInBatch returns where a fetch of that identity is in the batch of that id, or nil if
// it is not there, or the batch is gone.
func (w *Writer) findInBatch(id, identity string) (*storedAt, error) {
	x := w.index
	n := 0
	b, err := x.at(batch{id: id}, func(b batch) error {
		n = 0
		_, err := x.spool.load(b, true, func(fetch []byte, _, _ int64) error {
			n++
			if is, err := w.cfg.callIdentity(fetch); err == nil && is == identity {
				return errFound
			}
			return nil
		})
		return err
	})
	if err == nil {
		x.doubt(b)
		return nil, nil
	}
	if !errors.Is(err, errFound) {
		x.turn <- struct{}{}
		defer func() { <-x.turn }()
		return nil, x.cannotRead(b, err)
	}
	if b.sequence == 0 { // otherwise its day's object was seen to hold it
		if err := w.secure(b); err != nil {
			return nil, newError("sync", w.cfg.path(w.spool.batchPath(b)), err)
		}
	}
	return &storedAt{b.day, b.first + n - 1, n}, nil
}

// secure makes sure that a power cut takes no batch that waits. Of one that an earlier
// Writer sealed it is not known whether its name could be synced, and a later sync may
// succeed without covering what an earlier one failed to. So it is written once more, as
// the seal would have been. If it has been confirmed meanwhile, its day's worker finds
// that again.
func (w *Writer) secure(b batch) error {
	s := w.spool
	if w.index.isSecure(b.id) {
		return s.syncPending()
	}
	content, err := s.readFile(s.batchPath(b))
	if errors.Is(err, fs.ErrNotExist) { // it was confirmed
		return nil
	}
	if err == nil {
		err = s.remove(s.array.spare)
	}
	if err == nil {
		err = vfs.WriteNew(s.fs, s.array.spare, content)
	}
	if err == nil {
		err = withoutModes(s.fs.Chmod(s.array.spare, fileMode))
	}
	if err == nil {
		err = s.renameAsBatch(s.array.spare, b)
	}
	if err != nil {
		return errors.Join(err, s.remove(s.array.spare))
	}
	if err := s.syncPending(); err != nil {
		return err
	}
	w.index.setSecure(b.id)
	return nil
}

// awaitIndex waits until it is known in which batches a fetch of the request's identity
// may be. It does not wait for the others.
func (w *Writer) awaitIndex(ctx context.Context, r *request) error {
	x := w.index
	if x == nil || r.pieces == nil && r.identity == "" {
		return nil
	}
	if r.pieces == nil && len(x.holders(hashOf(r.identity))) > 0 {
		return nil
	}
	select {
	case <-x.built:
		return nil
	case <-w.closed:
		return fs.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// openIndex loads the index, and begins to read the batches that it does not know. The
// caller is Open.
func (w *Writer) openIndex() {
	w.index = newIdentityIndex(&w.cfg, w.spool)
	w.index.load(w.spool)
	w.index.start()
}

// followSeals tells the index what was sealed, and the spool what the index found. The
// caller has the append semaphore.
func (w *Writer) followSeals() {
	if w.index == nil {
		return
	}
	w.index.follow(w.spool)
	for _, r := range w.index.takeOdd() {
		w.spool.report(r)
	}
}

// closeIndex saves what the next Writer would have to find out again. It reports what was
// found, and whether that is anything.
func (w *Writer) closeIndex() bool {
	if w.index == nil {
		return false
	}
	w.index.close(w.spool)
	found := w.index.takeOdd()
	w.announceRepaired(found)
	return len(found) > 0
}
