// Package spoolwatch reads a spool again and again, but only when its files have changed.
package spoolwatch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"example.com/rotatelog"
)

// Watch is a spool that is read again and again. It is not safe for concurrent use.
type Watch struct {
	dir, name string
	inspect   func() (rotatelog.SpoolStatus, error)

	spool rotatelog.SpoolStatus
	err   error
	stamp []stamp // of these; nil if they may be old although the stamps are the same
}

// New returns a Watch of the spool that inspect reads. It is read by an Inspector if that is
// nil.
func New(dir, name string, inspect func() (rotatelog.SpoolStatus, error)) *Watch {
	if inspect == nil {
		inspect = rotatelog.NewInspector(dir, name).Inspect
	}
	return &Watch{dir: dir, name: name, inspect: inspect}
}

// Look returns what the spool says.
func (w *Watch) Look() (rotatelog.SpoolStatus, error) {
	stamps := stampsOf(w.dir, w.name)
	if stamps == nil || !slices.Equal(stamps, w.stamp) {
		w.spool, w.err = w.inspect()
		if w.stamp = settled(stamps); w.err != nil || len(w.spool.Problems) > 0 { // no file has to change for that to end
			w.stamp = nil
		}
	}
	return w.spool, w.err
}

// stamp shows whether a file, or the list of files in a directory, has changed.
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
