//go:build linux || darwin

package health

import (
	"os"
	"syscall"
)

// DiskOf asks the file system of a directory what is free for users without privileges.
func DiskOf(dir string) (Disk, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return Disk{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	d := Disk{FreeBytes: int64(s.Bavail) * int64(s.Bsize), FreeInodes: -1}
	if s.Files > 0 { // Btrfs makes them as needed
		d.FreeInodes = int64(s.Ffree)
	}
	return d, nil
}
