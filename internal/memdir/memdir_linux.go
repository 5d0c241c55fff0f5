package memdir

import (
	"flag"
	"os"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/depth"
)

// Run runs the tests, for TestMain to exit with what it returns. Unless the environment
// says where temporary files go, they go to memory, if there is room.
func Run(m *testing.M) int {
	flag.Parse() // which depth needs
	if os.Getenv("TMPDIR") == "" {
		if dir, err := inMemory(); err == nil {
			defer os.RemoveAll(dir)
			os.Setenv("TMPDIR", dir)
		}
	}
	return m.Run()
}

// inMemory makes a directory in memory.
func inMemory() (string, error) {
	const shm = "/dev/shm"
	var s syscall.Statfs_t
	if err := syscall.Statfs(shm, &s); err != nil {
		return "", err
	}
	if room := int64(s.Bavail) * int64(s.Bsize); room < int64(depth.N(2, 2, 8))<<30 {
		return "", syscall.ENOSPC
	}
	return os.MkdirTemp(shm, "rotatelog-test-")
}
