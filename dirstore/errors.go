package dirstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"example.com/rotatelog"
)

// explain marks the errors that no retry can fix, and says what to do. A full disk
// is not one of them.
func explain(dir string, err error) error {
	var errno syscall.Errno
	var refused *fs.PathError
	switch {
	case errors.Is(err, rotatelog.ErrPermanent):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w; let this process read and write everything in %s", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w; mount %s for writing", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.ENOLCK), strings.Contains(err.Error(), "flock ") && errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w: %w; the file system of %s does not lock files (flock), without which writers would overwrite each other; use another, or mount it with locks",
			rotatelog.ErrPermanent, err, dir)
	case errors.As(err, &refused) && refused.Op == "sync" && errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%w: %w; the file system of %s cannot make names durable (fsync of a directory); use another", rotatelog.ErrPermanent, err, dir)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("%w: %w; shorten the key", rotatelog.ErrPermanent, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %w; move away what is there in %s, or use another key", rotatelog.ErrPermanent, err, dir)
	case errors.As(err, &refused) && !errors.As(err, &errno) && !errors.Is(err, fs.ErrClosed):
		// An error that is not from a system call is from os.Root.
		return fmt.Errorf("%w: %w; no symbolic link may lead out of %s", rotatelog.ErrPermanent, err, dir)
	}
	return err
}
