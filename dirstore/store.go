// Package dirstore keeps the objects of a [rotatelog.Writer] as files in a directory of
// a local disk, for tests, for programs that are to work without a network, and to
// begin with.
package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/missing"
)

// Store is a [rotatelog.Store] in a directory of a local disk, safe between goroutines
// and between processes. The object at key is the plain file dir/key, made to
// be opened: mode 0600 at first, and afterwards whatever mode it is given.
//
// A key is a slash-separated relative path as [fs.ValidPath] has it, without
// backslashes, and not below .rotatelog, where Store keeps what is its own:
//
//	.rotatelog/lock/{hash}                 held while the object is written
//	.rotatelog/new/{hash}                  the version being written
//	.rotatelog/meta/{hash}/{version}.json  the metadata of a version
//
// where {hash} is the SHA-256 of the key. As in any directory, there cannot be
// objects at both "a" and "a/b", nor, on most disks of macOS, at "a" and "A".
// Symbolic links are followed as far as they stay inside dir, but nothing keeps
// writers under two names of one file apart.
//
// A write makes a new file, syncs it, and renames it over the old one, so each
// costs a copy of the object, and needs room for it; only disks that share
// blocks between files (Btrfs, XFS, APFS) spare it. What Stat tells, and what
// Write says it did, survives a loss of power.
//
// A Version is the file's time of modification, to the nanosecond, and its
// size. Every write sets a later time than the version before had. So a foreign
// program that replaces or edits a file makes a version, too, as long as it does
// not also set the time; its version has no metadata. One that does so in the
// very moment of a rename is overwritten, since it takes no lock. A directory that
// is copied with its times (cp -a, rsync -a) keeps its versions and metadata.
//
// A directory that is gone, because its disk is not mounted say, is not taken for
// an empty one: every call then fails, and works again once it is back. What
// stands in its place is taken for the store only if it has a directory
// .rotatelog. That may be removed at any time otherwise: it is made again, though
// with the metadata of the objects lost.
//
// Store needs Linux or macOS.
type Store struct {
	dir string // absolute

	mu sync.Mutex // guards at
	at *openDir
}

// Open returns the Store of dir, which it creates if need be, open to
// nobody else (mode 0700). The directory above must exist: where a disk is not
// mounted, nothing is made in its place. For the same reason it is an error, which
// matches [rotatelog.ErrPermanent], if dir has no .rotatelog yet and /etc/fstab names a file
// system for it, or for a directory above, that is not mounted. Open removes
// what writes of processes that died have left behind.
func Open(dir string) (*Store, error) {
	s, err := newStore(dir)
	if err != nil {
		return nil, &rotatelog.Error{Op: "open store", Key: dir, Err: explain(dir, err)}
	}
	return s, nil
}

func newStore(dir string) (*Store, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no directory is named", fs.ErrInvalid)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := checkLocation(dir); err != nil {
		return nil, err
	}
	at, err := openDirAt(dir)
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, at: at}, nil
}

// checkPlace returns an error if dir is not there and cannot be made, or if it
// should be on another disk.
func checkLocation(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, ownDir)); err == nil {
		return nil // a store
	}
	above := filepath.Dir(dir)
	if _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no directory %s, in which the store would be made; mount its disk, or make it", rotatelog.ErrPermanent, above)
	}
	if point := notMounted(dir); point != "" {
		return fmt.Errorf("%w: according to /etc/fstab a file system should be mounted at %s, and none is; mount it, or, to use the directory as it is, make %s",
			rotatelog.ErrPermanent, point, filepath.Join(dir, ownDir))
	}
	return nil
}

// Location implements [rotatelog.Located].
func (s *Store) Location() string { return s.dir }

// current returns the directory of the store, opened again if that has come back
// after it was gone.
func (s *Store) current() (*openDir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there, err := os.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) { // which is not to be taken for a missing object
		return nil, fmt.Errorf("%w: the directory of the store, %s, is gone; mount its disk, or put it back", rotatelog.ErrPermanent, s.dir)
	}
	if err != nil {
		return nil, err
	}
	if here, err := s.at.root.Stat("."); err == nil && os.SameFile(here, there) {
		return s.at, nil
	}
	if _, err := os.Lstat(filepath.Join(s.dir, ownDir)); err != nil {
		return nil, fmt.Errorf("%w: another directory has taken the place of the store's, %s; mount its disk, or, to begin again in this one, make %s",
			rotatelog.ErrPermanent, s.dir, filepath.Join(s.dir, ownDir))
	}
	at, err := openDirAt(s.dir)
	if err != nil {
		return nil, missing.NotObject(err)
	}
	s.at = at // readers may still use the other
	return at, nil
}

// Stat implements [rotatelog.Store].
func (s *Store) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	d, err := s.current()
	var o rotatelog.Object
	if err == nil {
		o, err = d.stat(ctx, key)
	}
	if err != nil {
		return rotatelog.Object{}, &rotatelog.Error{Op: "stat", Key: key, Err: explain(s.dir, err)}
	}
	return o, nil
}

// Read implements [rotatelog.Store]. A file that is edited in place while it is read is
// noticed at the end at the latest, where the reader then fails with
// [rotatelog.ErrConflict].
func (s *Store) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	d, err := s.current()
	var r io.ReadCloser
	if err == nil {
		r, err = d.read(ctx, key, v, off, n)
	}
	if err != nil {
		return nil, &rotatelog.Error{Op: "read", Key: key, Err: explain(s.dir, err)}
	}
	return r, nil
}

// Write implements [rotatelog.Store]. Writes of one key wait for each other, and readers
// for nobody.
func (s *Store) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	d, err := s.current()
	if err == nil {
		err = d.write(ctx, key, old, parts, meta)
	}
	if err != nil {
		return &rotatelog.Error{Op: "write", Key: key, Err: explain(s.dir, err)}
	}
	return nil
}
