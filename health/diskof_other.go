//go:build !linux && !darwin

package health

import (
	"errors"
	"fmt"
)

// DiskOf asks the file system of a directory what is free. Here it cannot.
func DiskOf(dir string) (Disk, error) {
	return Disk{}, fmt.Errorf("statfs %s: %w", dir, errors.ErrUnsupported)
}
