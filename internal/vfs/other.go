//go:build !linux && !darwin

package vfs

import (
	"errors"
	"fmt"
	"runtime"
)

// Dir says why there is no FS on this system.
func Dir(path string) (FS, error) {
	return nil, fmt.Errorf("no locks and no syncing of directories on %s, which keeping fetches safe needs; use Linux or macOS: %w",
		runtime.GOOS, errors.ErrUnsupported)
}
