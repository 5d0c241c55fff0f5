package rotatelog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/vfs"
)

// Any fetch may be in a batch that cannot be read. One that waits is nowhere else, so
// somebody has to look after it. But the store holds what is in a confirmed batch, and one
// broken sector must not have all fetches refused until somebody comes: after a while the
// batch counts as one that is no longer kept. Fetches that are delivered again could then
// be stored again, so a disk that fails for a moment is waited for.

// A confirmed batch is left out after more failures than enough to read it, about a minute
// apart, each of several readings, with no success between. A failure counts if it could be
// written to the disk: otherwise it is the disk that fails, and not the batch. That is also
// how the next process knows of it.
const (
	enoughFailures = 10
	failuresApart  = 55 * time.Second
	readings       = 3
)

// readFailures is what is known of a batch that could not be read.
type readFailures struct {
	first, last time.Time
	n           int
}

func (f readFailures) isLeftOut() bool { return f.n > enoughFailures }

// cannotRead is what comes of the failure to read a batch: an error, or none if the batch
// is left out from now on. The caller has the turn.
func (x *identityIndex) cannotRead(b batch, err error) error {
	err = newError("read", x.cfg.path(x.spool.batchPath(b)), unreadable(b, notRead(b, err)))
	x.putOff(b)
	if b.sequence == 0 || !x.countFailure(b.id) {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeLocked(b.id)
	x.unread = withoutID(x.unread, b.id)
	x.odd = append(x.odd, Repaired{File: x.spool.batchPath(b), Problem: fmt.Sprintf(
		"it cannot be read since %s: its fetches are in the day's object, but one of them that is delivered again is stored again, as if it were no longer kept",
		x.failed[b.id].first.In(x.cfg.Location).Format(TimeLayout))})
	return nil
}

// unreadable says what to do about a batch that may hold a duplicate.
func unreadable(b batch, err error) error {
	err = fmt.Errorf("whether this fetch is in it already cannot be seen: %w", err)
	if b.sequence == 0 {
		return hint.Add(err, "see whether its disk is failing; once the file is moved away nothing asks for it")
	}
	return hint.Add(err, "see whether its disk is failing; once that has failed for ten minutes nothing asks for it")
}

// countFailure counts a failure to read a batch, and reports whether it is to be left out.
func (x *identityIndex) countFailure(id string) bool {
	now := x.cfg.Clock.Now().Truncate(time.Second)
	was, failed := x.failed[id]
	f := was
	switch {
	case !failed || now.Before(f.last):
		f = readFailures{first: now}
	case now.Sub(f.last) < failuresApart:
		return false
	}
	f.last = now
	f.n++
	x.failed[id] = f
	if x.save(appendFailuresLine(nil, id, f), 1); !x.isSaved() {
		if x.failed[id] = was; !failed {
			delete(x.failed, id)
		}
		return false
	}
	return f.isLeftOut()
}

// forgetFailures begins anew to count how often a batch cannot be read: now it could.
func (x *identityIndex) forgetFailures(id string) {
	if _, failed := x.failed[id]; failed {
		delete(x.failed, id)
		x.save(appendFailuresLine(nil, id, readFailures{}), 1)
	}
}

// isSaved reports whether all that was added to the file is on disk.
func (x *identityIndex) isSaved() bool {
	if !x.file.whole {
		return false
	}
	f, err := x.spool.fs.OpenFile(x.spool.path(identitiesFile), os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(vfs.SyncFile(f), f.Close())
	}
	return err == nil
}

// persistently calls do for a batch, and again if a confirmed one cannot be read: a disk
// that fails now and then is not to pass for a broken sector.
func persistently(b batch, do func(b batch) error) (err error) {
	for n := 1; ; n++ {
		err = do(b)
		if err == nil || errors.Is(err, errFound) || errors.Is(err, fs.ErrNotExist) || b.sequence == 0 || n == readings {
			return err
		}
	}
}

// putOff has a batch be tried after the others that are unread.
func (x *identityIndex) putOff(b batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.unread, func(other batch) bool { return other.id == b.id })
	if i >= 0 {
		x.unread = slices.Insert(slices.Delete(x.unread, i, i+1), 0, b)
	}
}

// missFetches reports a confirmed batch of which only n fetches can be read.
func (x *identityIndex) missFetches(b batch, n int) {
	if b.sequence == 0 || n >= b.fetches() {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.odd = append(x.odd, Repaired{File: x.spool.batchPath(b), Problem: fmt.Sprintf(
		"%d of its %d fetches can be read: all are in the day's object, but one of the others that is delivered again is stored again, as if it were no longer kept",
		n, b.fetches())})
}

// takeOdd returns the batches that were found damaged since the last call.
func (x *identityIndex) takeOdd() []Repaired {
	x.mu.Lock()
	defer x.mu.Unlock()
	odd := x.odd
	x.odd = nil
	return odd
}

func withoutID(batches []batch, id string) []batch {
	return slices.DeleteFunc(batches, func(b batch) bool { return b.id == id })
}
