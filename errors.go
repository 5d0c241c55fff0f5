package rotatelog

import (
	"errors"
	"io/fs"
	"strings"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/vfs"
)

// The errors that a caller branches on, with [errors.Is]. Besides them,
// [fs.ErrClosed] is returned after Close, and [fs.ErrNotExist] by [Store.Stat].
var (
	// ErrInvalidFetch: the record is not one JSON object within the limits of
	// the Config. Nothing was stored, and trying again will not help.
	ErrInvalidFetch = errors.New("invalid fetch")

	// ErrLocked: another Writer has this stream and directory open.
	ErrLocked = errors.New("locked by another Writer")

	// ErrSpoolFull: storing the fetch would exceed MaxPendingBytes. It was not
	// stored; try again when the store has taken some of what is pending.
	ErrSpoolFull = errors.New("spool full")

	// ErrConflict is returned by a [Store] when the version that was named is
	// not the current one.
	ErrConflict = errors.New("not the current version")

	// ErrPermanent marks an error of a [Store] that no retry will fix: wrong
	// keys, no such bucket, an object that is not a daily document. The data
	// waits on disk all the same, and is tried again now and then.
	ErrPermanent = errors.New("permanent error")
)

// Error says which operation failed on which key or file, and what to do. Err is never
// nil.
type Error struct {
	Op   string // such as "append", "seal", "upload"
	Key  string // the key of an object, or the path of a file
	Err  error  // the cause
	Hint string // what to do about it, to follow a semicolon; "" if that is not known
}

// newError returns an Error whose Hint is the one that err comes with.
func newError(op, key string, err error) *Error {
	e := &Error{Op: op, Key: key}
	e.Hint, e.Err = hint.Split(err)
	inner, nested := errors.AsType[*Error](e.Err)
	switch {
	case e.Hint != "":
	case nested:
		e.Hint = inner.Hint
	case errors.Is(err, ErrPermanent):
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "let the user that this runs as read and write there"
	case vfs.NoSpace(err):
		e.Hint = "free some space; it resumes automatically"
	}
	return e
}

// Error returns the operation and the key or file, the cause, and the hint.
func (e *Error) Error() string {
	msg := e.Op + " " + e.Key + ": " + e.Err.Error()
	if e.Hint == "" || strings.Contains(msg, e.Hint) { // an Error that it wraps has said it
		return msg
	}
	return msg + "; " + e.Hint
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// storeError says which operation on a key failed in a Store, unless err, which
// the Store returned, has said so.
func storeError(op, key string, err error) error {
	if said, ok := err.(*Error); ok && said.Key == key {
		return said
	}
	return newError(op, key, err)
}
