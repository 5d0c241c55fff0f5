// Package dirstore keeps the objects of a [rotatelog.Writer] as files in a directory of
// a local disk: for tests, for programs that must work without a network, and for a
// first try.
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
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/missing"
)

// Store is a [rotatelog.Store] in a directory of a local disk, safe between goroutines
// and between processes. The object at key is the plain file dir/key, which any
// program may open. Its mode is 0600 at first, and then whatever it is set to.
//
// A key is a slash-separated relative path, valid as defined by [fs.ValidPath],
// without backslashes, and not below .rotatelog, where Store keeps its own files:
//
//	.rotatelog/lock/{hash}                 held while the object is written
//	.rotatelog/new/{hash}                  the version being written
//	.rotatelog/meta/{hash}/{version}.json  the metadata of a version
//
// where {hash} is the SHA-256 of the key. As in any directory, there cannot be
// objects at both "a" and "a/b", nor, on most disks of macOS, at "a" and "A".
// Symbolic links are followed if they stay inside dir, but writers that use two
// names of one file are not kept apart.
//
// A write makes a new file, syncs it, and renames it over the old one. So each
// write copies the object and needs room for the copy, except on disks that share
// blocks between files (Btrfs, XFS, APFS). What Stat returns, and what Write
// reports as done, survives a loss of power.
//
// A Version is the file's time of modification, to the nanosecond, and its
// size. Every write sets a later time than that of the previous version. So a
// foreign program that replaces or edits a file makes a version too, unless it also
// sets the time; its version has no metadata. If it does so at the very moment of a
// rename, its change is overwritten, since it takes no lock. A directory that is
// copied with its times (cp -a, rsync -a) keeps its versions and metadata.
//
// A missing directory, for example because its disk is not mounted, is not taken for
// an empty one: every call fails until it is back. Another directory in its place is
// taken for the store only if it has a directory .rotatelog. While the store is in
// place, .rotatelog may be removed at any time: it is made again, but the metadata of
// the objects is lost.
//
// Store needs Linux or macOS.
type Store struct {
	dir string // absolute

	mu sync.Mutex // guards at
	at *openDir
}

// Open returns the Store of dir. It creates dir if it is missing, with mode 0700.
// The directory above must exist, so that nothing is made in the place of a disk
// that is not mounted. For the same reason it is an error, which matches
// [rotatelog.ErrPermanent], if dir has no .rotatelog yet and /etc/fstab names a file
// system for it, or for a directory above, that is not mounted. Open removes
// leftovers of writes by processes that died.
func Open(dir string) (*Store, error) {
	s, err := newStore(dir)
	if err != nil {
		return nil, opError("open store", dir, dir, err)
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

// checkLocation returns an error if dir does not exist and cannot be made, or if it
// should be on another disk.
func checkLocation(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, ownDir)); err == nil {
		return nil // a store
	}
	above := filepath.Dir(dir)
	if _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) {
		return hint.Add(fmt.Errorf("%w: there is no directory %s, in which the store would be made", rotatelog.ErrPermanent, above), "mount its disk, or make it")
	}
	if point := notMounted(dir); point != "" {
		return hint.Add(fmt.Errorf("%w: according to /etc/fstab a file system should be mounted at %s, and none is", rotatelog.ErrPermanent, point), "mount it, or, to use the directory as it is, make %s", filepath.Join(dir, ownDir))
	}
	return nil
}

// Location implements [rotatelog.Located].
func (s *Store) Location() string { return s.dir }

// current returns the directory of the store. It opens the directory again if it
// was missing and has come back.
func (s *Store) current() (*openDir, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there, err := os.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) { // this must not be taken for a missing object
		return nil, hint.Add(fmt.Errorf("%w: the directory of the store, %s, is gone", rotatelog.ErrPermanent, s.dir), "mount its disk, or put it back")
	}
	if err != nil {
		return nil, err
	}
	if here, err := s.at.root.Stat("."); err == nil && os.SameFile(here, there) {
		return s.at, nil
	}
	if _, err := os.Lstat(filepath.Join(s.dir, ownDir)); err != nil {
		return nil, hint.Add(fmt.Errorf("%w: another directory has taken the place of the store's, %s", rotatelog.ErrPermanent, s.dir), "mount its disk, or, to start again in this one, make %s", filepath.Join(s.dir, ownDir))
	}
	at, err := openDirAt(s.dir)
	if err != nil {
		return nil, missing.NotObject(err)
	}
	s.at = at // readers may still use the old one
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
		return rotatelog.Object{}, opError("stat", key, s.dir, err)
	}
	return o, nil
}

// Read implements [rotatelog.Store]. If a file is edited in place while it is read, the
// reader fails with [rotatelog.ErrConflict], at its end at the latest.
func (s *Store) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	d, err := s.current()
	var r io.ReadCloser
	if err == nil {
		r, err = d.read(ctx, key, v, off, n)
	}
	if err != nil {
		return nil, opError("read", key, s.dir, err)
	}
	return r, nil
}

// Write implements [rotatelog.Store]. Writes of one key wait for each other. Readers
// never wait.
func (s *Store) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	d, err := s.current()
	if err == nil {
		err = d.write(ctx, key, old, origin{key, old}, parts, meta)
	}
	if err != nil {
		return opError("write", key, s.dir, err)
	}
	return nil
}
