package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"example.com/rotatelog/internal/vfs"
)

// Op is an operation that is about to happen. If FS.Before returns an error for
// it, the operation fails with that error, wrapped as package os would, and does
// nothing; but Sync and SyncDir lose what they should have made durable, see the
// package page, and [ErrPowerCut] and [ShortWrite] have special meanings.
//
// Closing is not an operation: it cannot be made to fail.
type Op struct {
	N       int    // 1 for the first operation on the disk, and so on
	Kind    string // the method of vfs.FS or vfs.File: "Rename", "WriteAt", "Sync"
	Name    string // of the file; for an open file, the one it was opened by
	To      string // the new name, for Rename and Link
	Mutates bool   // whether it may change what is seen or what is durable
}

// ErrPowerCut, returned by FS.Before, cuts power before the operation. That
// one and all later operations on the disk, its open files and its locks fail
// with ErrPowerCut, and Crash and Kill continue from this moment.
var ErrPowerCut = errors.New("power cut")

// ShortWrite, returned by FS.Before for a WriteAt, writes only the first N
// bytes, and then fails with Err. For any other operation it is Err.
type ShortWrite struct {
	N   int
	Err error
}

func (s ShortWrite) Error() string { return "short write: " + s.Err.Error() }
func (s ShortWrite) Unwrap() error { return s.Err }

// At returns an FS.Before that makes operation n fail with err.
func At(n int, err error) func(Op) error {
	return func(op Op) error {
		if op.N == n {
			return err
		}
		return nil
	}
}

// Ops returns how many operations there were, failed ones included, but not those
// after a power cut.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// perform does an operation, if Before allows it. effect runs with mu held.
func (f *FS) perform(op Op, effect func() error) error {
	return f.performOr(op, effect, func(error) {})
}

// performOr is perform for an operation that has an effect even if Before makes it
// fail.
func (f *FS) performOr(op Op, effect func() error, instead func(error)) error {
	before, err := f.begin(&op)
	if err != nil {
		return op.wrap(err)
	}
	if before != nil {
		err = before(op)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dead:
		err = ErrPowerCut
	case err == nil:
		err = effect()
	default:
		instead(err)
		f.dead = errors.Is(err, ErrPowerCut)
	}
	return op.wrap(err)
}

// syncFailed is the effect of a sync of n that Before makes fail.
func (f *FS) syncFailed(n *inode, err error) {
	if errors.Is(err, ErrPowerCut) || n.isDir() && f.RetrySyncDir {
		return
	}
	n.refate(unsynced, failed)
}

func (f *FS) begin(op *Op) (before func(Op) error, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return nil, ErrPowerCut
	}
	f.ops++
	op.N = f.ops
	return f.Before, nil
}

// wrap gives err the type that package os would give it.
func (op Op) wrap(err error) error {
	if short, ok := errors.AsType[ShortWrite](err); ok {
		err = short.Err
	}
	name := strings.ToLower(op.Kind)
	switch {
	case err == nil, err == io.EOF, err == vfs.ErrLocked:
		return err
	case op.To != "":
		return &os.LinkError{Op: name, Old: op.Name, New: op.To, Err: err}
	}
	return &fs.PathError{Op: name, Path: op.Name, Err: err}
}
