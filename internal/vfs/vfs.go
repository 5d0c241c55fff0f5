// Package vfs has the few file operations that the spool needs, so that tests can
// give it a disk that is full, fails, or loses power.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// ErrLocked is returned by FS.Lock when the lock is held.
var ErrLocked = errors.New("locked")

// ErrOdd is matched by the error of FS.OpenFile for what is neither a file nor a directory,
// such as a named pipe.
var ErrOdd = errors.New("it is no regular file")

// FS is one directory and what is below it. Names are slash-separated and
// relative to it; "." is the directory itself. No operation follows a symbolic
// link out of it. Errors match fs.ErrNotExist, fs.ErrExist and fs.ErrPermission
// where these apply. An FS is safe for concurrent use.
type FS interface {
	// OpenFile opens name with the flags of package os, and creates it with
	// perm. It never waits: what is neither a file nor a directory is ErrOdd.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Mkdir makes a directory. The error is fs.ErrExist if there is one.
	Mkdir(name string, perm fs.FileMode) error
	// Rename replaces newname by oldname. It is durable after SyncDir of both
	// directories, and until then may be lost in either.
	Rename(oldname, newname string) error
	// Link makes newname a second name of oldname's file.
	Link(oldname, newname string) error
	Remove(name string) error
	Chmod(name string, perm fs.FileMode) error
	// Stat describes what has the name; a symbolic link is not followed.
	Stat(name string) (Info, error)
	// ReadDir returns the names in a directory, sorted.
	ReadDir(name string) ([]string, error)
	// SyncDir makes the names in a directory durable: those added, and those
	// removed.
	SyncDir(name string) error
	// Lock takes an exclusive lock on the file of that name, which it creates,
	// or returns ErrLocked at once. Closing gives it back; so does the end of
	// the process.
	Lock(name string) (io.Closer, error)
	// Close releases the directory. Files and locks stay open.
	Close() error
}

// Named returns fsys for a part of the program. A test's FS can implement
// Named(string) FS to learn which part does what.
func Named(fsys FS, part string) FS {
	if n, ok := fsys.(interface{ Named(part string) FS }); ok {
		return n.Named(part)
	}
	return fsys
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
	Stat() (Info, error)
	Chmod(perm fs.FileMode) error
}

// Info describes a file.
type Info struct {
	Size    int64
	ModTime time.Time
	Mode    fs.FileMode
	ID      ID
	Foreign bool // it belongs to another user than the process
}

// ID distinguishes files, as device and inode numbers do.
type ID struct{ Dev, Ino uint64 }
