package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
)

// opError makes the error of an operation on key in the store in dir.
func opError(op, key, dir string, err error) error {
	remedy, cause := hint.Split(explain(dir, err))
	return &rotatelog.Error{Op: op, Key: key, Err: cause, Hint: remedy}
}

// explain marks the errors that no retry can fix, and says what to do. A full disk
// is not one of them.
func explain(dir string, err error) error {
	var errno syscall.Errno
	var refused *fs.PathError
	switch {
	case errors.Is(err, rotatelog.ErrPermanent):
		return err
	case errors.Is(err, fs.ErrPermission):
		return hint.Add(fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err), "let this process read and write everything in %s", dir)
	case errors.Is(err, syscall.EROFS):
		return hint.Add(fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err), "mount %s for writing", dir)
	case errors.Is(err, syscall.ENOLCK), strings.Contains(err.Error(), "flock ") && errors.Is(err, errors.ErrUnsupported):
		return hint.Add(fmt.Errorf("%w: the file system of %s does not lock files (flock), without which writers would overwrite each other: %w", rotatelog.ErrPermanent, dir, err),
			"use another, or mount it with locks")
	case errors.As(err, &refused) && refused.Op == "sync" && errors.Is(err, syscall.EINVAL):
		return hint.Add(fmt.Errorf("%w: the file system of %s cannot make names durable (fsync of a directory): %w", rotatelog.ErrPermanent, dir, err), "use another")
	case errors.Is(err, syscall.ENAMETOOLONG):
		return hint.Add(fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err), "shorten the key")
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, fs.ErrExist):
		return hint.Add(fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err), "move away what is there in %s, or use another key", dir)
	case errors.As(err, &refused) && !errors.As(err, &errno) && !errors.Is(err, fs.ErrClosed):
		// An error that is not from a system call is from os.Root.
		return hint.Add(fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err), "no symbolic link may lead out of %s", dir)
	}
	return err
}
