package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"example.com/rotatelog/internal/vfs"
)

// file is an open file, of a name that it may have lost since, or a lock.
type file struct {
	fs                    *FS
	node                  *inode
	name                  string
	reads, writes, append bool
	locks                 bool // holds the lock of node
}

var errAppend = errors.New("WriteAt on a file opened with O_APPEND")

func (f *FS) openFile(name string, flag int, perm fs.FileMode) (*file, error) {
	exclusive := flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL
	at, err := f.walk(name, !exclusive)
	if err != nil {
		return nil, err
	}
	access := flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
	h := &file{
		fs: f, node: at.node, name: name,
		reads: access != os.O_WRONLY, writes: access != os.O_RDONLY, append: flag&os.O_APPEND != 0,
	}
	switch {
	case at.node == nil && flag&os.O_CREATE == 0:
		err = syscall.ENOENT
	case at.node == nil:
		h.node, err = f.create(at, 0, perm)
	case exclusive:
		err = syscall.EEXIST
	default:
		err = h.reopen(flag)
	}
	if err != nil {
		return nil, err
	}
	f.open[h] = true
	return h, nil
}

// reopen opens an existing file.
func (h *file) reopen(flag int) error {
	truncate := flag&os.O_TRUNC != 0
	switch {
	case h.node.isDir() && (h.writes || flag&(os.O_CREATE|os.O_TRUNC) != 0):
		return syscall.EISDIR
	case h.reads && !h.node.may(read), (h.writes || truncate) && !h.node.may(write):
		return syscall.EACCES
	}
	if truncate {
		h.node.do(resize{0, h.fs.now()})
	}
	return nil
}

func (h *file) op(kind string, mutates bool) Op {
	return Op{Kind: kind, Name: h.name, Mutates: mutates}
}

// check returns the error of using a file that is closed, or was not opened for
// this.
func (h *file) check(opened bool) error {
	switch {
	case !h.fs.open[h]:
		return fs.ErrClosed
	case !opened:
		return syscall.EBADF
	}
	return nil
}

func (h *file) ReadAt(b []byte, off int64) (n int, err error) {
	err = h.fs.perform(h.op("ReadAt", false), func() error {
		if err := h.check(h.reads); err != nil {
			return err
		}
		switch data := h.node.seen.data; {
		case off < 0:
			return fs.ErrInvalid
		case len(b) == 0:
			return nil
		case h.node.isDir():
			return syscall.EISDIR
		case off < int64(len(data)):
			n = copy(b, data[off:])
		}
		if n < len(b) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (h *file) WriteAt(b []byte, off int64) (n int, err error) {
	all := func() (err error) {
		n, err = h.writeAt(b, off)
		return err
	}
	some := func(err error) {
		if short, ok := errors.AsType[ShortWrite](err); ok {
			n, _ = h.writeAt(b[:min(max(short.N, 0), len(b))], off)
		}
	}
	err = h.fs.performOr(h.op("WriteAt", true), all, some)
	return n, err
}

func (h *file) writeAt(b []byte, off int64) (int, error) {
	switch err := h.check(h.writes); {
	case err != nil:
		return 0, err
	case h.append:
		return 0, errAppend
	case off < 0:
		return 0, fs.ErrInvalid
	}
	room := int64(len(h.node.seen.data)) + h.fs.free() - off
	n := min(max(room, 0), int64(len(b)))
	if n > 0 {
		h.node.do(written{off, slices.Clone(b[:n]), h.fs.now()})
	}
	if n < int64(len(b)) {
		return int(n), syscall.ENOSPC
	}
	return int(n), nil
}

func (h *file) Truncate(size int64) error {
	return h.fs.perform(h.op("Truncate", true), func() error {
		switch err := h.check(true); {
		case err != nil:
			return err
		case !h.writes || size < 0:
			return syscall.EINVAL
		case size-int64(len(h.node.seen.data)) > h.fs.free():
			return syscall.ENOSPC
		}
		h.node.do(resize{size, h.fs.now()})
		return nil
	})
}

func (h *file) Sync() error {
	return h.fs.performOr(h.op("Sync", true), func() error {
		if err := h.check(true); err != nil {
			return err
		}
		h.node.sync()
		return nil
	}, func(fault error) {
		if h.check(true) == nil {
			h.fs.syncFailed(h.node, fault)
		}
	})
}

func (h *file) Stat() (info vfs.Info, err error) {
	err = h.fs.perform(h.op("Stat", false), func() error {
		if err := h.check(true); err != nil {
			return err
		}
		info = h.node.info()
		return nil
	})
	return info, err
}

func (h *file) Chmod(perm fs.FileMode) error {
	return h.fs.perform(h.op("Chmod", true), func() error {
		if err := h.check(true); err != nil {
			return err
		}
		h.node.do(chmod{perm.Perm()})
		return nil
	})
}

func (h *file) Close() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(true)
	if h.fs.dead {
		err = ErrPowerCut
	}
	if err != nil {
		return h.op("Close", false).wrap(err)
	}
	delete(h.fs.open, h)
	if h.locks {
		h.node.locked = false
	}
	return nil
}
