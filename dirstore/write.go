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

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/missing"
	"example.com/rotatelog/internal/stream"
)

func (s *openDir) write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	lock, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer lock.Close()
	temp := path.Join(newDir, hashOf(key))
	defer func() {
		if s.holds(key, lock) { // otherwise it may be another writer's
			s.root.Remove(temp) // which is gone once it has been renamed
		}
	}()
	parts, done, err := stream.Once(parts)
	if err != nil {
		return err
	}
	defer done()
	v, err := s.build(ctx, temp, key, old, parts)
	if err != nil {
		return err
	}
	if err := s.writeMeta(key, v, meta); err != nil {
		return err
	}
	if err := s.makeParents(key); err != nil {
		return err
	}
	if err := s.checkVersion(key, old); err != nil { // a program that takes no lock may have changed it
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !s.holds(key, lock) {
		return fmt.Errorf("%s was removed while the object was written; it is written again", path.Join(s.dir, ownDir))
	}
	if err := s.root.Rename(temp, key); err != nil {
		return err
	}
	if err := s.syncDirs(path.Dir(key)); err != nil {
		return fmt.Errorf("it was replaced, but might come back after a loss of power: %w", err)
	}
	s.dropMeta(key, v)
	return nil
}

// build writes the file of the new version, and makes it durable.
func (s *openDir) build(ctx context.Context, temp, key string, old rotatelog.Version, parts []rotatelog.Part) (rotatelog.Version, error) {
	var src *os.File
	var size int64
	var replaced time.Time
	mode := fs.FileMode(0o600)
	if old == "" {
		if err := s.checkVersion(key, old); err != nil {
			return "", err
		}
	} else {
		f, info, err := s.open(key, old)
		if err != nil {
			return "", err
		}
		defer f.Close()
		src, size, replaced, mode = f, info.Size(), info.ModTime(), info.Mode().Perm()
	}
	dst, err := s.create(temp)
	if err != nil {
		return "", err
	}
	defer dst.Close()
	for _, p := range parts {
		switch {
		case p.Data != nil:
			_, err = dst.Write(p.Data)
		case p.Open != nil:
			err = stream.Copy(ctx, dst, p)
		default:
			err = copyRange(ctx, dst, src, size, p)
		}
		if err != nil {
			return "", err
		}
	}
	// Some file systems have no modes to change.
	if err := dst.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return "", err
	}
	return s.stamp(dst, temp, replaced)
}

// create creates the file of a version that is being written.
func (s *openDir) create(temp string) (*os.File, error) {
	if err := s.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that died
		return nil, err
	}
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := s.makeOwnDirs(); err != nil { // newDir was removed
		return nil, missing.NotObject(err)
	}
	return s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// copyRange appends p of src, which has size bytes, to dst, in pieces, and checks ctx
// before each. Between files, [io.CopyN] leaves the copying to the kernel.
func copyRange(ctx context.Context, dst, src *os.File, size int64, p rotatelog.Part) error {
	if p.Off < 0 || p.Len < 0 || p.Off > size-p.Len {
		return fmt.Errorf("cannot copy %d bytes at %d of the old version: it has %d", p.Len, p.Off, size)
	}
	if p.Len == 0 {
		return nil
	}
	if _, err := src.Seek(p.Off, io.SeekStart); err != nil {
		return err
	}
	for left := p.Len; left > 0; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := io.CopyN(dst, src, min(left, 64<<20))
		if err == io.EOF {
			return fmt.Errorf("the file was cut short while it was copied: %w", rotatelog.ErrConflict)
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// stamp syncs a new file and gives it a time of its own: now, or if the version
// that it replaces is not older than that, the next time that the disk can
// represent.
func (s *openDir) stamp(f *os.File, name string, replaced time.Time) (rotatelog.Version, error) {
	if err := f.Sync(); err != nil { // first, so that no late write sets the time
		return "", err
	}
	stamp := time.Now()
	for step := time.Nanosecond; step < time.Minute; step *= 10 {
		if !stamp.After(replaced) {
			stamp = replaced.Add(step)
		}
		if err := s.root.Chtimes(name, time.Time{}, stamp); err != nil {
			return "", err
		}
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		if info.ModTime().After(replaced) {
			return versionOf(info), f.Sync()
		}
		stamp = replaced
	}
	return "", hint.Add(fmt.Errorf("%w: no file here can be newer than %v, the time of the old version", rotatelog.ErrPermanent, replaced), "set that back with touch")
}
