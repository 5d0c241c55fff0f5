package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"example.com/rotatelog/internal/missing"
	"example.com/rotatelog/internal/sleep"
	"example.com/rotatelog/internal/vfs"
)

// lock waits for other writes of key, in this process or another.
func (s *openDir) lock(ctx context.Context, key string) (io.Closer, error) {
	name := path.Join(lockDir, hashOf(key))
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		lock, err := s.fs.Lock(name)
		switch {
		case err == nil && s.holds(key, lock):
			return lock, nil
		case err == nil: // it was removed and made again in between
			lock.Close()
		case errors.Is(err, fs.ErrNotExist): // all of .rotatelog was removed
			if err := s.makeOwnDirs(); err != nil {
				return nil, missing.NotObject(err)
			}
		case !errors.Is(err, vfs.ErrLocked):
			return nil, err
		}
		if err := sleep.For(ctx, wait); err != nil {
			return nil, fmt.Errorf("another write of it holds the lock %s: %w", name, err)
		}
	}
}

// holds reports whether the lock of key is still the file of that name. If somebody
// has removed the file, another process may have locked a new one.
func (s *openDir) holds(key string, lock io.Closer) bool {
	held, ok := lock.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return true
	}
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	named, err := s.root.Stat(path.Join(lockDir, hashOf(key)))
	return err == nil && os.SameFile(mine, named)
}
