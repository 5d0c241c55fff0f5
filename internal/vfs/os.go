//go:build linux || darwin

package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"example.com/rotatelog/internal/hint"
)

// Dir returns the FS of a directory of the operating system, which it creates, with
// its parents, if necessary.
func Dir(path string) (FS, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := mkdirAll(abs); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, err
	}
	return dir{root}, nil
}

// mkdirAll is os.MkdirAll with the new names made durable.
func mkdirAll(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := mkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !noDirSync(err) {
		return err
	}
	return nil
}

type dir struct{ root *os.Root }

func (d dir) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := d.root.OpenFile(name, flag|syscall.O_NONBLOCK, perm) // a pipe would wait for somebody at its other end
	if errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, odd(name, err)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() { // of which nothing can be read
		err = odd(name, fmt.Errorf("it is %v", info.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return file{f}, nil
}

// odd returns the error of a pipe, a socket or a device that has the name of a file.
func odd(name string, err error) error {
	return &fs.PathError{Op: "open", Path: name, Err: hint.Add(fmt.Errorf("%w: %w", ErrOdd, err), "move it away")}
}

func (d dir) Mkdir(name string, perm fs.FileMode) error { return d.root.Mkdir(name, perm) }
func (d dir) Rename(oldname, newname string) error      { return d.root.Rename(oldname, newname) }
func (d dir) Link(oldname, newname string) error        { return d.root.Link(oldname, newname) }
func (d dir) Remove(name string) error                  { return d.root.Remove(name) }
func (d dir) Chmod(name string, perm fs.FileMode) error { return d.root.Chmod(name, perm) }

func (d dir) Close() error { return d.root.Close() }

func (d dir) Stat(name string) (Info, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return Info{}, err
	}
	return infoOf(info), nil
}

// openDir opens a directory. A pipe that has its name is not waited for.
func (d dir) openDir(name string) (*os.File, error) {
	return d.root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
}

func (d dir) ReadDir(name string) ([]string, error) {
	f, err := d.openDir(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (d dir) SyncDir(name string) error {
	f, err := d.openDir(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (d dir) Lock(name string) (io.Closer, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	switch err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		err = ErrLocked
	default:
		err = fmt.Errorf("flock %s: %w", f.Name(), err)
	}
	f.Close()
	return nil, err
}

type file struct{ *os.File }

func (f file) Stat() (Info, error) {
	info, err := f.File.Stat()
	if err != nil {
		return Info{}, err
	}
	return infoOf(info), nil
}

func infoOf(info fs.FileInfo) Info {
	i := Info{Size: info.Size(), ModTime: info.ModTime(), Mode: info.Mode()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		i.ID = ID{uint64(s.Dev), s.Ino}
		i.Foreign = int(s.Uid) != os.Geteuid()
	}
	return i
}
