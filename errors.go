package rotatelog

import (
	"errors"
	"io/fs"
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

	// ErrReplaced: a day's object was replaced while it was read, by one that does not
	// begin with what it was, or was deleted. Open the day again.
	ErrReplaced = errors.New("replaced while it was read")

	// ErrPermanent marks an error of a [Store] that no retry will fix: wrong
	// keys, no such bucket, an object that is not a daily document. The data
	// waits on disk all the same, and is tried again now and then.
	ErrPermanent = errors.New("permanent error")
)

// Error says which operation failed on which key or file. Err is never nil.
type Error struct {
	Op  string // such as "append", "seal", "upload"
	Key string // the key of an object, or the path of a file
	Err error
}

// Error names the operation and the key or file, the cause, and what to do.
func (e *Error) Error() string {
	msg := e.Op + " " + e.Key + ": " + e.Err.Error()
	if errors.As(e.Err, new(*Error)) || errors.Is(e.Err, ErrPermanent) {
		return msg // what to do has been said
	}
	switch {
	case errors.Is(e.Err, fs.ErrPermission):
		msg += "; let the user that this runs as read and write there"
	case noSpace(e.Err):
		msg += "; free some space; it resumes automatically"
	}
	return msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// storeError says which operation on a key failed in a Store, unless err, which
// the Store returned, has said so.
func storeError(op, key string, err error) error {
	if said, ok := err.(*Error); ok && said.Key == key {
		return said
	}
	return &Error{op, key, err}
}
