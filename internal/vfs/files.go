package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"example.com/rotatelog/internal/hint"
)

// NoSpace reports whether err says that a disk is full, or that its user has no
// more of it.
func NoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// ReadFile returns what a file holds. An FS can implement ReadFile(string) ([]byte, error)
// to do that itself.
func ReadFile(fsys FS, name string) ([]byte, error) {
	if r, ok := fsys.(interface {
		ReadFile(name string) ([]byte, error)
	}); ok {
		return r.ReadFile(name)
	}
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(info.Size) + bytes.MinRead)
	_, err = b.ReadFrom(io.NewSectionReader(f, 0, 1<<62))
	return b.Bytes(), err
}

// WriteNew makes a file with that content, durably but for its name. It is
// fs.ErrExist if there is one.
func WriteNew(fsys FS, name string, content []byte) error {
	return write(fsys, name, os.O_CREATE|os.O_EXCL, content, SyncFile)
}

// WriteUnsynced makes a file with that content, or replaces what the file holds. A
// power cut may take it.
func WriteUnsynced(fsys FS, name string, content []byte) error {
	return write(fsys, name, os.O_CREATE|os.O_TRUNC, content, func(File) error { return nil })
}

// Overwrite replaces what a file holds, in place and durably. Content that is no longer
// than that takes no room.
func Overwrite(fsys FS, name string, content []byte) error {
	return write(fsys, name, 0, content, func(f File) error {
		if err := f.Truncate(int64(len(content))); err != nil {
			return err
		}
		return SyncFile(f)
	})
}

// write opens a file, writes content to it, and then calls end.
func write(fsys FS, name string, flag int, content []byte, end func(File) error) error {
	f, err := fsys.OpenFile(name, os.O_WRONLY|flag, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	return end(f)
}

// SyncFile is f.Sync, and says what to do where there is no such thing.
func SyncFile(f File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", hint.Add(errors.New("this file system cannot sync files"), "set Dir to a local disk"), err)
	}
	return err
}

// Remove removes a file that may be gone already.
func Remove(fsys FS, name string) error {
	err := fsys.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
