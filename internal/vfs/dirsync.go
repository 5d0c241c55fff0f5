package vfs

import (
	"errors"
	"sync"
	"syscall"
)

// WithoutDirSync returns an FS whose SyncDir succeeds even if the file system cannot
// sync directories, as some network and user-space file systems cannot. Their names
// are as durable as they can be. It calls missing the first time.
func WithoutDirSync(fsys FS, missing func(dir string, err error)) FS {
	var once sync.Once
	return withoutDirSync{fsys, func(dir string, err error) {
		once.Do(func() { missing(dir, err) })
	}}
}

type withoutDirSync struct {
	FS
	missing func(dir string, err error)
}

// Named implements what [Named] asks for.
func (w withoutDirSync) Named(part string) FS { return withoutDirSync{Named(w.FS, part), w.missing} }

func (w withoutDirSync) SyncDir(name string) error {
	err := w.FS.SyncDir(name)
	if !noDirSync(err) {
		return err
	}
	w.missing(name, err)
	return nil
}

// noDirSync reports whether err says that directories cannot be synced.
func noDirSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
