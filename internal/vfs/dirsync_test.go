package vfs_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/vfs"
)

// unsyncable is an FS whose directories cannot be synced, with the error why.
type unsyncable struct {
	vfs.FS
	err error
}

func (u unsyncable) SyncDir(name string) error {
	return &fs.PathError{Op: "sync", Path: name, Err: u.err}
}

func (u unsyncable) Named(string) vfs.FS { return u }

func TestWithoutDirSync(t *testing.T) {
	for err, lacking := range map[error]bool{
		syscall.EINVAL: true, syscall.ENOTSUP: true, errors.ErrUnsupported: true, syscall.EIO: false, syscall.ENOSPC: false,
	} {
		var told []string
		d := vfs.WithoutDirSync(unsyncable{err: err}, func(dir string, _ error) { told = append(told, dir) })
		for _, part := range []vfs.FS{d, vfs.Named(d, "part"), d} {
			if got := part.SyncDir("dir"); lacking != (got == nil) || !lacking && !errors.Is(got, err) {
				t.Errorf("%v: SyncDir returned %v", err, got)
			}
		}
		if (len(told) == 1) != lacking || len(told) > 1 {
			t.Errorf("%v: got %q", err, told)
		}
	}
}
