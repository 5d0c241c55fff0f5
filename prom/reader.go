package prom

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// leastPause is the least time between two readings of a spool.
const leastPause = time.Second

// A reading is what a spool said.
type reading struct {
	ok    bool
	spool rotatelog.SpoolStatus
	disk  *health.Disk // nil if it could not be asked
}

// A reader reads a spool, no more often than needed.
type reader struct {
	dir, name string
	inspect   func() (rotatelog.SpoolStatus, error)

	mu    sync.Mutex // guards what follows, and is held while the spool is read
	at    time.Time  // when it was looked at last
	last  reading
	stamp []stamp // of last; nil if it may be old although the stamps are the same
}

// read returns what the spool says, as of a second ago at most.
func (r *reader) read(now time.Time) reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.at); !r.at.IsZero() && 0 <= age && age < leastPause {
		return r.last
	}
	r.at = now
	stamps := stampsOf(r.dir, r.name)
	if stamps == nil || !slices.Equal(stamps, r.stamp) {
		spool, err := r.inspect()
		r.last, r.stamp = reading{ok: err == nil, spool: spool}, settled(stamps)
		if err != nil || len(spool.Problems) > 0 { // no file has to change for that to end
			r.stamp = nil
		}
	}
	r.last.disk = nil
	if disk, err := health.DiskOf(r.dir); err == nil {
		r.last.disk = &disk
	}
	return r.last
}

// A stamp shows whether a file, or the list of files in a directory, has changed.
type stamp struct {
	size     int64
	modified time.Time // zero if it does not exist
}

// stampsOf returns the stamps of what changes when a spool does: the directories of its
// files, which are all renamed into place, and the unfinished batch, which is not. It
// returns nil if there is no telling.
func stampsOf(dir, name string) []stamp {
	spool := filepath.Join(dir, name+".spool")
	var stamps []stamp
	for _, path := range []string{
		filepath.Join(dir, name+".json"), spool, filepath.Join(spool, "pending"), filepath.Join(spool, "uploaded"),
		filepath.Join(spool, "intents"), filepath.Join(spool, "damaged"),
	} {
		switch info, err := os.Lstat(path); {
		case err == nil:
			stamps = append(stamps, stamp{info.Size(), info.ModTime()})
		case errors.Is(err, fs.ErrNotExist):
			stamps = append(stamps, stamp{})
		default:
			return nil
		}
	}
	return stamps
}

// tick is how far apart two changes are that file systems tell apart, and more.
const tick = 100 * time.Millisecond

// settled returns stamps, or nil if something was changed so lately that it could change
// once more and have the same stamp.
func settled(stamps []stamp) []stamp {
	for _, s := range stamps {
		if time.Since(s.modified) < tick { // also if that is in the future
			return nil
		}
	}
	return stamps
}
