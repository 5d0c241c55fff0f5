package rotatelog

import (
	"errors"
	"io/fs"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// The reasons for sealing a batch.
const (
	reasonFull     = "full"
	reasonNoRoom   = "MaxPendingBytes"
	reasonOtherDay = "a fetch of another day"
	reasonMidnight = "midnight"
	reasonPastDay  = "past day"
	reasonFlush    = "flush"
	reasonResumed  = "finished what was interrupted"
)

// sealing says how far the sealing of a batch has come.
type sealing struct {
	batch  batch
	reason string
	next   sealStep
	lines  [][]byte // of a batch that was never in the array
	copied bool     // the file in pending/ is a copy of the array, not a second name
	failed int64    // syncs that had failed before the batch got its name
}

// sealedBatch is a batch that was sealed, and not reported yet.
type sealedBatch struct {
	batch
	reason string
	tally  counts // of its fetches, as far as this Writer has appended them
}

func (b sealedBatch) news() Sealed {
	return Sealed{ID: b.id, Day: b.day, First: b.first, Last: b.last, Fetches: b.fetches(), Reason: b.reason}
}

// sealStep is the next step of sealing a batch.
type sealStep int

const (
	linkBatch    sealStep = iota // give the batch its name in pending/
	emptyArray                   // sync that name, and start a new array
	writeLines                   // write a batch that was never in the array once more
	syncLines                    // sync the name of that
	saveAdvanced                 // save the progress of the batch after it
)

// seal durably moves what the array holds to pending/, and starts a new array.
func (s *spool) seal(now time.Time, reason string) error {
	if s.sealing != nil {
		return s.finishSeal()
	}
	if err := s.repairArray(); err != nil {
		return err
	}
	if err := s.array.sync(); err != nil {
		return err
	}
	b, err := s.nextBatch(len(s.array.records), now)
	if err != nil {
		return err
	}
	s.sealing = &sealing{reason: reason, batch: b}
	return s.finishSeal()
}

// sealLines makes a sealed batch of lines that fill one, without the array, which is
// empty and stays so. s.sealing is then set, and finishSeal has to follow. After an
// error it is set if the batch may be in pending/ all the same.
func (s *spool) sealLines(lines [][]byte, now time.Time) error {
	b, err := s.nextBatch(len(lines), now)
	if err != nil {
		return err
	}
	g := &sealing{reason: reasonFull, batch: b, lines: lines}
	size, err := s.writeLines(g)
	if err != nil {
		return err
	}
	s.sealing = g
	s.waiting += size
	for s.sealing.next != saveAdvanced {
		if err := s.doStep(s.sealing); err != nil {
			return err
		}
	}
	return nil
}

// writeLines writes a batch that was never in the array under its name.
func (s *spool) writeLines(g *sealing) (size int64, err error) {
	size, err = s.array.buildOf(g.lines)
	if err == nil {
		g.failed = s.syncs.failures()
		err = s.fs.Rename(s.array.spare, s.batchPath(g.batch))
	}
	if err != nil {
		return 0, errors.Join(err, s.remove(s.array.spare))
	}
	g.next = syncLines
	return size, nil
}

// syncName syncs the name of the batch that is being sealed. If covered is false, with an
// error or without, the batch has to get its name anew.
func (s *spool) syncName(g *sealing) (covered bool, err error) {
	if err := s.syncPending(); err != nil {
		return false, err
	}
	return g.failed == s.syncs.failures(), nil
}

// nextBatch names a batch of so many fetches.
func (s *spool) nextBatch(fetches int, now time.Time) (batch, error) {
	return batch{
		day:    s.progress.Day,
		order:  s.progress.Order,
		first:  s.progress.First,
		last:   s.progress.First + fetches - 1,
		sealed: now.UTC().Truncate(time.Second),
		id:     s.newID(),
		pack:   s.packOf(s.progress.Day),
	}, checkClock(now, time.UTC)
}

// packOf returns the compression of a day's object, which never changes.
func (s *spool) packOf(day Day) Compression {
	if last, ok := s.progress.last(day); ok {
		return last.Compression
	}
	return s.pack
}

// finishSeal does the remaining steps of sealing. The batch gets a second name before
// the array gives up its own, so no power cut can take both.
func (s *spool) finishSeal() error {
	for s.sealing != nil {
		if err := s.doStep(s.sealing); err != nil {
			return err
		}
	}
	return nil
}

// doStep does the next step of sealing.
func (s *spool) doStep(g *sealing) error {
	switch g.next {
	case linkBatch:
		g.failed = s.syncs.failures()
		if err := s.linkTo(s.path(pendingDir, g.batch.fileName())); err != nil {
			return err
		}
		g.next = emptyArray
	case emptyArray:
		if covered, err := s.syncName(g); !covered {
			g.next = linkBatch
			return err
		}
		if err := s.emptyArray(); err != nil {
			return err
		}
		g.next = saveAdvanced
	case writeLines:
		if _, err := s.writeLines(g); err != nil {
			return err
		}
	case syncLines:
		if covered, err := s.syncName(g); !covered {
			g.next = writeLines
			return err
		}
		s.array.reuse(g.lines)
		g.lines, g.next = nil, saveAdvanced
	case saveAdvanced:
		if err := s.advance(); err != nil {
			return err
		}
		s.sealing = nil
		s.linkLast(g.batch)
		s.sealed = append(s.sealed, sealedBatch{g.batch, g.reason, s.tally})
		s.tally = counts{}
	}
	return nil
}

// emptyArray starts a new array. What the old one held waits to be uploaded.
func (s *spool) emptyArray() error {
	full, size := s.array.records, s.array.end
	s.array.records = nil
	if err := s.array.replace(); err != nil {
		s.array.records = full
		return err
	}
	s.array.clear()
	s.waiting += size
	return nil
}

// advance moves the progress on to the batch after the one that was sealed. If the
// sealed batch is a link, its name is enough: the array is now another file. A copy is
// another file from the start, so only batch.json can say that a new array was started.
// The fetches cannot, since they may be alike.
func (s *spool) advance() error {
	next := s.progress.afterSeal(s.sealing.batch)
	if s.progressSaved && !s.progress.Copied {
		s.progress = next
		return nil
	}
	next.Copied = s.sealing.copied // the next one will probably be a copy too
	return s.saveProgress(next)
}

// linkTo makes target a second name of the array, or the name of a copy if there are no
// hard links. The publisher does not see target before it is complete.
func (s *spool) linkTo(target string) error {
	unseen := s.path(pendingDir, sealingFile)
	if err := s.remove(unseen); err != nil {
		return err
	}
	linked, err := s.link(unseen, target)
	if err != nil {
		return err
	}
	if s.sealing.copied = !linked; s.sealing.copied {
		if err := s.copyTo(unseen); err != nil {
			return err
		}
	}
	return s.fs.Rename(unseen, target)
}

// link makes unseen a second name of the array. linked is false if a copy is needed
// instead: the directory has no hard links, or the array no longer holds the batch, or
// target is there but may not be durable (to rename one name of a file to another does
// nothing). An error says that there is no room for a name, and so none for a copy.
func (s *spool) link(unseen, target string) (linked bool, err error) {
	if s.array.broken { // a new one was started, which does not have its name yet
		return false, nil
	}
	if _, err := s.fs.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	linked, err = s.tryLink(s.array.name, unseen)
	if vfs.NoSpace(err) {
		return false, err
	}
	if !linked {
		return false, nil
	}
	info, err := s.fs.Stat(unseen)
	return err == nil && s.array.state(info).ours(), nil
}

// copyTo makes target a copy of the array. batch.json says so first.
func (s *spool) copyTo(target string) error {
	if !s.progressSaved || !s.progress.Copied {
		p := s.progress
		p.Copied = true
		if err := s.saveProgress(p); err != nil {
			return err
		}
	}
	f, _, err := s.array.build()
	if err != nil {
		return err
	}
	f.Close()
	return s.fs.Rename(s.array.spare, target)
}
