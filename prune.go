package rotatelog

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// Confirmed batches are deleted when there are more than have to be kept, and when the
// disk is full. A batch that is gone from the day's object may be the last copy of its
// fetches, so only batches that were seen there are deleted.

// minUploaded is how many confirmed batches stay when the disk is full.
const minUploaded = 1

// prunable holds the ids of the confirmed batches that this process has seen in their
// day's object since somebody else changed it.
type prunable struct {
	mu    sync.Mutex // guards what follows; held for no I/O
	seen  map[string]dayKey
	tight bool           // the disk is full
	looks bool           // another process may append by now, and tightFile says whether it is
	held  [dayLocks]bool // the locks of days that this process has

	sizes map[string]int64 // of files in uploaded/, by name

	moving chan struct{} // holds a value while a file in uploaded/ gets another name or form
}

func newPrunable() *prunable { return &prunable{moving: make(chan struct{}, 1)} }

// allowPrune records that batches were seen in their day's object.
func (s *spool) allowPrune(batches ...batch) {
	s.prunable.mu.Lock()
	defer s.prunable.mu.Unlock()
	if s.prunable.seen == nil {
		s.prunable.seen = map[string]dayKey{}
	}
	for _, b := range batches {
		s.prunable.seen[b.id] = b.dayKey()
	}
}

// forbidPrune records that a day's object is not known any more.
func (s *spool) forbidPrune(day dayKey) {
	s.prunable.mu.Lock()
	defer s.prunable.mu.Unlock()
	maps.DeleteFunc(s.prunable.seen, func(_ string, of dayKey) bool { return of == day })
}

// mayPrune reports whether b was seen in its day's object.
func (s *spool) mayPrune(b batch) bool {
	s.prunable.mu.Lock()
	defer s.prunable.mu.Unlock()
	_, ok := s.prunable.seen[b.id]
	return ok
}

// prune deletes confirmed batches. It spares the last keep, those that were not seen in
// their day's object, those of a day that another program works on, and the last one of
// a day that is not closed yet. It does not wait for this program's work on a day, which
// may hang in the store: what was seen is enough. What is being compressed goes first.
func (s *spool) prune(keep int) error {
	if err := s.dropCompressing(); err != nil {
		return err
	}
	overdue, err := s.overdue(keep)
	if err != nil {
		return err
	}
	for _, b := range overdue {
		if !s.mayPrune(b) {
			continue
		}
		if err := s.pruneLocked(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *spool) pruneLocked(b batch) error {
	if s.prunable.holds(lockOf(b.day)) {
		return s.pruneBatches(b)
	}
	lock, err := s.lockDay(b.day)
	if errors.Is(err, vfs.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(s.pruneBatches(b), lock.Close())
}

// heldLock is the lock number n of days, which this process has.
type heldLock struct {
	io.Closer
	prunable *prunable
	n        int
}

func (p *prunable) holding(n int, lock io.Closer) io.Closer {
	p.setHeld(n, true)
	return heldLock{lock, p, n}
}

// Close gives the lock back.
func (l heldLock) Close() error {
	l.prunable.setHeld(l.n, false)
	return l.Closer.Close()
}

func (p *prunable) setHeld(n int, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[n] = held
}

func (p *prunable) holds(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[n]
}

// pruneBatches deletes confirmed batches. First their names in pending/ must be durably
// gone, or a power cut could leave only those.
func (s *spool) pruneBatches(batches ...batch) error {
	if len(batches) == 0 {
		return nil
	}
	if err := s.syncPending(); err != nil {
		return err
	}
	for _, b := range batches {
		if err := s.removeBatch(b); err != nil {
			return err
		}
	}
	return nil
}

// removeBatch deletes a confirmed batch, in both forms if a process died while it was
// being compressed.
func (s *spool) removeBatch(b batch) error {
	s.unlinkLast(b)
	if err := s.remove(s.batchPath(b)); err != nil {
		return err
	}
	return s.remove(s.batchPath(b.twin()))
}

// overdue returns the confirmed batches before the last keep, except the last one of a
// day that is not closed yet.
func (s *spool) overdue(keep int) ([]batch, error) {
	old, err := s.uploaded()
	if err != nil {
		return nil, err
	}
	return s.beyond(old, keeping{last: keep, age: -1}, time.Time{}), nil
}

// beyond returns those of confirmed batches, in order, that need not be kept, except the
// last one of a day that is not closed yet.
func (s *spool) beyond(old []batch, k keeping, now time.Time) []batch {
	if len(old) <= k.last {
		return nil
	}
	spared := s.spared(old)
	return slices.DeleteFunc(k.overdue(s.sized(old), now), func(b batch) bool { return spared[b.id] })
}

// sized returns the sizes of confirmed batches.
func (s *spool) sized(old []batch) []keptBatch {
	kept := make([]keptBatch, len(old))
	for i, b := range old {
		kept[i] = keptBatch{b, s.prunable.size(b.fileName(), func(name string) (int64, error) {
			info, err := s.fs.Stat(s.path(uploadedDir, name))
			return info.Size, err
		})}
	}
	s.prunable.forgetSizes(len(old))
	return kept
}

// size returns the size of a file in uploaded/, which never changes, so that it is asked
// for once. It is 0 for one that was deleted since it was listed.
func (p *prunable) size(name string, stat func(name string) (int64, error)) int64 {
	p.mu.Lock()
	n, ok := p.sizes[name]
	p.mu.Unlock()
	if ok {
		return n
	}
	n, err := stat(name)
	if err != nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sizes == nil {
		p.sizes = map[string]int64{}
	}
	p.sizes[name] = n
	return n
}

// forgetSizes forgets the sizes of files once most of them are gone. n is how many there
// are.
func (p *prunable) forgetSizes(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sizes) > 2*n+100 {
		p.sizes = nil
	}
}

// setTight records whether the disk is full, and reports whether that has changed.
func (s *spool) setTight(tight bool) (changed bool) {
	s.prunable.mu.Lock()
	defer s.prunable.mu.Unlock()
	changed = s.prunable.tight != tight
	s.prunable.tight = tight
	return changed
}

// isTight reports whether there was no room for the last fetch.
func (s *spool) isTight() bool {
	s.prunable.mu.Lock()
	tight, looks := s.prunable.tight, s.prunable.looks
	s.prunable.mu.Unlock()
	if tight || !looks {
		return tight
	}
	_, err := s.fs.Stat(s.path(tightFile))
	return err == nil
}

// markTight leaves a mark for the process that uploads, which alone can make room, while
// there is none. It is not durable. If it cannot be made at least this process knows.
func (s *spool) markTight(tight bool) {
	switch {
	case tight == s.marked:
		return
	case tight:
		s.reserve.WithRoom(func() error {
			f, err := s.fs.OpenFile(s.path(tightFile), os.O_WRONLY|os.O_CREATE, 0o600)
			if err != nil {
				return err
			}
			return f.Close()
		})
	default:
		if s.remove(s.path(tightFile)) != nil {
			return
		}
	}
	s.marked = tight
}

// endAppend has isTight look for the mark that another process leaves.
func (p *prunable) endAppend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks = true
}
