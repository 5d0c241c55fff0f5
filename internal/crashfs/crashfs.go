// Package crashfs is a disk in memory that can fail, fill up and lose power. It
// implements vfs.FS, and [FS.Crash] yields every disk that a power cut may
// leave behind.
//
// # What a power cut leaves
//
// A file keeps the bytes that File.Sync covered. Of each write since, any piece
// may have been written, have become zeros, or be missing: old bytes where there
// were any, otherwise the file is shorter, or has a hole if a later piece was
// written. A truncation or a change of mode since has happened or has not. The
// modification time is that of the last change that left a trace.
//
// A directory keeps the names that SyncDir covered. Of the changes since, the
// first few have happened, in the order in which they were made; with
// FS.AnyOrder, any of them. File.Sync does nothing for a name, nor SyncDir for
// the bytes of a file. Creating, linking and removing are one change each. A rename
// within a directory is one change too, so that it leaves the old names or the
// new. A rename between directories is one in each: it may leave the file under
// both names, or under neither.
//
// # What a failed sync leaves
//
// After an error of File.Sync, what it should have covered stays readable, but
// the kernel takes it for clean: no later Sync writes it unless it was written
// again, though some of it may still be on disk. A later Sync that
// succeeds does make the size durable. A failed SyncDir is as harsh: the changes
// of names that it should have covered are made durable by making them again, or,
// with FS.RetrySyncDir, by the next SyncDir that succeeds.
//
// # What is not modelled
//
// A sync that lies, bytes that change outside the written ranges, garbage in
// place of zeros, and directories moved between directories, which Rename
// refuses with errors.ErrUnsupported.
package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// FS is a disk and the processes that use it, all of one user who is not root.
// Names, errors and modes are those of vfs.Dir. It is safe for concurrent use;
// its fields are to be set before the first operation.
type FS struct {
	// Before, if not nil, is called before each operation and decides whether it
	// fails; see [Op]. No locks are held, and several goroutines may call it at once,
	// so it may block, and may use Crash, Kill and the helpers.
	Before func(Op) error

	// Capacity is how many bytes fit into all files together; 0 is no limit.
	// What does not fit fails with syscall.ENOSPC, after the bytes that do fit.
	// SetCapacity changes it while the disk is in use.
	Capacity int64

	// Now is the clock of modification times. It must not use the disk. The
	// default starts on 2025-07-10 at noon, UTC, and advances by a millisecond
	// with each change.
	Now func() time.Time

	// AnyOrder lets a power cut keep any unsynced changes of a directory,
	// instead of the first few.
	AnyOrder bool

	// RetrySyncDir lets a SyncDir make durable what an earlier one failed to.
	RetrySyncDir bool

	// Cuts is at how many places a power cut may cut one unsynced write into pieces
	// with different outcomes. New sets 1, which suits Enumerate; random tests can
	// afford more.
	Cuts int

	mu     sync.Mutex // guards what follows, Capacity, and all inodes
	root   *inode
	lastID uint64
	ticks  int // changes timed without Now
	ops    int
	dead   bool // power was cut
	open   map[*file]bool
}

var _ vfs.FS = (*FS)(nil)

// New returns an empty disk.
func New() *FS {
	f := &FS{Cuts: 1, open: map[*file]bool{}}
	f.root = f.newInode(fs.ModeDir | 0o700)
	return f
}

// SetCapacity sets Capacity while the disk is in use.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Capacity = n
}

// Limited reports whether there is a Capacity.
func (f *FS) Limited() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Capacity > 0
}

// OpenFile implements vfs.FS. It opens directories for reading only.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	op := Op{Kind: "OpenFile", Name: name, Mutates: flag&(os.O_CREATE|os.O_TRUNC) != 0}
	var h *file
	err := f.perform(op, func() (err error) {
		h, err = f.openFile(name, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	return f.perform(Op{Kind: "Mkdir", Name: name, Mutates: true}, func() error {
		at, err := f.walk(name, false)
		if err != nil {
			return err
		}
		if at.node != nil {
			return syscall.EEXIST
		}
		_, err = f.create(at, fs.ModeDir, perm)
		return err
	})
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldname, newname string) error {
	op := Op{Kind: "Rename", Name: oldname, To: newname, Mutates: true}
	return f.perform(op, func() error {
		from, to, err := f.walkBoth(oldname, newname)
		if err != nil {
			return err
		}
		switch isDir := from.node.isDir(); {
		case to.node.isDir():
			return syscall.EEXIST
		case from.node == to.node:
			return nil // two names of one file both stay, as POSIX has it
		case isDir && to.node != nil:
			return syscall.ENOTDIR
		case !from.dir.may(write) || !to.dir.may(write):
			return syscall.EACCES
		case isDir && from.dir != to.dir:
			return errors.ErrUnsupported
		}
		f.move(from, to)
		return nil
	})
}

func (f *FS) move(from, to place) {
	now := f.now()
	if from.dir == to.dir {
		from.dir.do(relink{map[string]*inode{from.name: nil, to.name: from.node}, now})
		return
	}
	to.dir.do(relink{map[string]*inode{to.name: from.node}, now})
	from.dir.do(relink{map[string]*inode{from.name: nil}, now})
}

// Link implements vfs.FS.
func (f *FS) Link(oldname, newname string) error {
	op := Op{Kind: "Link", Name: oldname, To: newname, Mutates: true}
	return f.perform(op, func() error {
		from, to, err := f.walkBoth(oldname, newname)
		if err != nil {
			return err
		}
		switch {
		case to.node != nil:
			return syscall.EEXIST
		case !to.dir.may(write):
			return syscall.EACCES
		case from.node.isDir():
			return syscall.EPERM
		}
		to.dir.do(relink{map[string]*inode{to.name: from.node}, f.now()})
		return nil
	})
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	return f.perform(Op{Kind: "Remove", Name: name, Mutates: true}, func() error {
		at, err := f.walk(name, false)
		switch {
		case err != nil:
			return err
		case at.node == nil:
			return syscall.ENOENT
		case at.dir == nil:
			return syscall.EINVAL
		case !at.dir.may(write):
			return syscall.EACCES
		case len(at.node.seen.names) > 0:
			return syscall.ENOTEMPTY
		}
		at.dir.do(relink{map[string]*inode{at.name: nil}, f.now()})
		return nil
	})
}

// Chmod implements vfs.FS. The mode is durable after File.Sync, of a directory
// after SyncDir.
func (f *FS) Chmod(name string, perm fs.FileMode) error {
	return f.perform(Op{Kind: "Chmod", Name: name, Mutates: true}, func() error {
		node, err := f.find(name)
		if err != nil {
			return err
		}
		node.do(chmod{perm.Perm()})
		return nil
	})
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (info vfs.Info, err error) {
	err = f.perform(Op{Kind: "Stat", Name: name}, func() error {
		at, err := f.walk(name, false)
		if err != nil {
			return err
		}
		if at.node == nil {
			return syscall.ENOENT
		}
		info = at.node.info()
		return nil
	})
	return info, err
}

// ReadDir implements vfs.FS.
func (f *FS) ReadDir(name string) (names []string, err error) {
	err = f.perform(Op{Kind: "ReadDir", Name: name}, func() error {
		node, err := f.findDir(name)
		if err != nil {
			return err
		}
		names = slices.Sorted(maps.Keys(node.seen.names))
		return nil
	})
	return names, err
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(name string) error {
	op := Op{Kind: "SyncDir", Name: name, Mutates: true}
	return f.performOr(op, func() error {
		node, err := f.findDir(name)
		if err != nil {
			return err
		}
		node.sync()
		return nil
	}, func(fault error) {
		if node, err := f.findDir(name); err == nil {
			f.syncFailed(node, fault)
		}
	})
}

// Lock implements vfs.FS. Like flock it locks the file, not the name.
func (f *FS) Lock(name string) (io.Closer, error) {
	var h *file
	err := f.perform(Op{Kind: "Lock", Name: name, Mutates: true}, func() (err error) {
		h, err = f.openFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if h.node.locked {
			delete(f.open, h)
			return vfs.ErrLocked
		}
		h.node.locked, h.locks = true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Close implements vfs.FS and does nothing, so that several Writers may use the
// disk one after another.
func (f *FS) Close() error { return nil }

func (f *FS) newInode(mode fs.FileMode) *inode {
	f.lastID++
	im := image{mode: mode, modTime: f.now()}
	if mode.IsDir() {
		im.names = map[string]*inode{}
	}
	return &inode{id: f.lastID, seen: im, disk: im.clone()}
}

func (f *FS) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	f.ticks++
	start := time.Date(2025, time.July, 10, 12, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(f.ticks) * time.Millisecond)
}

// free is how many bytes the files may still grow by.
func (f *FS) free() int64 {
	if f.Capacity <= 0 {
		return 1 << 62
	}
	left := f.Capacity
	counted := map[*inode]bool{}
	count := func(_ string, n *inode) {
		if !counted[n] {
			counted[n] = true
			left -= int64(len(n.seen.data))
		}
	}
	f.root.visit(".", count)
	for h := range f.open { // removed files take space until they are closed
		count(h.name, h.node)
	}
	return max(left, 0)
}
