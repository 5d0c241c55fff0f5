package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/vfs"
)

const (
	ownDir  = ".rotatelog"
	lockDir = ownDir + "/lock"
	newDir  = ownDir + "/new"
	metaDir = ownDir + "/meta"
)

// openDir is the directory of a Store, open.
type openDir struct {
	dir  string // for messages
	root *os.Root
	fs   vfs.FS // the same directory, for locks and for syncing directories
}

func openDirAt(dir string) (*openDir, error) {
	locks, err := vfs.Dir(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		locks.Close()
		return nil, err
	}
	s := &openDir{dir, root, locks}
	if err := s.prepare(); err != nil {
		locks.Close()
		root.Close()
		return nil, err
	}
	return s, nil
}

// makeOwnDirs makes the private directories.
func (s *openDir) makeOwnDirs() error {
	for _, d := range []string{lockDir, newDir, metaDir} {
		if err := s.root.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the private directories, and removes what writers that died left in
// new.
func (s *openDir) prepare() error {
	if err := s.makeOwnDirs(); err != nil {
		return err
	}
	names, err := s.fs.ReadDir(newDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		lock, err := s.fs.Lock(path.Join(lockDir, name))
		if errors.Is(err, vfs.ErrLocked) {
			continue // its writer is alive
		}
		if err != nil {
			return err
		}
		err = s.root.Remove(path.Join(newDir, name))
		lock.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// statFile describes the file of an object.
func (s *openDir) statFile(key string) (fs.FileInfo, error) {
	info, err := s.root.Stat(key)
	if errors.Is(err, syscall.ENOTDIR) { // there is an object where key has a directory
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: it is a directory", fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() {
		return nil, hint.Add(fmt.Errorf("%w: it is no regular file, but %v", rotatelog.ErrPermanent, info.Mode()), "move it away")
	}
	return info, nil
}

// makeParents makes the directories above key. syncDirs makes them durable.
func (s *openDir) makeParents(key string) error {
	if dir := path.Dir(key); dir != "." {
		return s.root.MkdirAll(dir, 0o700)
	}
	return nil
}

// syncDirs makes the names in a directory durable, and those in all the
// directories above it: the process that made them may have died before it synced.
func (s *openDir) syncDirs(dir string) error {
	for ; ; dir = path.Dir(dir) {
		if err := s.fs.SyncDir(dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}
