package settings

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// checkAccess refuses a file that others could have written, or in which they could read
// a secret.
func checkAccess(path string, info fs.FileInfo, secret bool) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	owner, me := 0, os.Geteuid()
	if ok {
		owner = int(stat.Uid)
	}
	mode := info.Mode().Perm()
	switch {
	case owner != me && owner != 0:
		return fmt.Errorf("%s belongs to the user %d, not to %d, who runs this: chown %[3]d %[1]s", path, owner, me)
	case mode&0o022 != 0:
		return fmt.Errorf("%s can be written by others (mode %04o): chmod 600 %[1]s", path, mode)
	case secret && mode&0o077 != 0:
		return fmt.Errorf("%s has a key in it, and others can read it (mode %04o): chmod 600 %[1]s", path, mode)
	}
	return nil
}

// hasSecret reports whether a value is a secret, as far as its name says.
func hasSecret(lines map[string]line) bool {
	for name := range lines {
		if IsSecret(name) {
			return true
		}
	}
	return false
}

// IsSecret reports whether the value of a variable is a secret, as far as its name says.
func IsSecret(name string) bool {
	if strings.HasPrefix(name, prefix) {
		return slices.Contains(secretNames(), name)
	}
	for _, word := range []string{"KEY", "SECRET", "TOKEN", "PASS"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// Mask returns a secret as its last four characters.
func Mask(secret string) string {
	if len(secret) < 12 {
		return "…"
	}
	return "…" + secret[len(secret)-4:]
}

// stamp tells a file from another, and from the same file before it was written.
type stamp struct {
	inode   uint64
	size    int64
	changed time.Time
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), changed: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = stat.Ino
	}
	return s
}
