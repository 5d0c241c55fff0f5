package dirstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// asNobody takes root's privileges over files from this goroutine until the
// test ends, so that tests run by root, as in a container, see permissions.
func asNobody(t *testing.T) {
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Setfsuid(0)
		runtime.UnlockOSThread()
	})
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutPermission(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := openStore(t, dir)
	o := writeObject(t, s, "a/day.json", "", "one", nil)
	shut := filepath.Join(t.TempDir(), "shut")
	if err := os.Mkdir(shut, 0o500); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Join(dir, "a"), 0o000)
	t.Cleanup(func() { chmod(t, filepath.Join(dir, "a"), 0o700) })
	asNobody(t)

	_, statErr := s.Stat(t.Context(), "a/day.json")
	_, readErr := s.Read(t.Context(), "a/day.json", o.Version, 0, -1)
	writeErr := s.Write(t.Context(), "a/day.json", o.Version, text("two"), nil)
	_, openErr := dirstore.Open(shut)
	for op, err := range map[string]error{"Stat": statErr, "Read": readErr, "Write": writeErr, "Open": openErr} {
		if !errors.Is(err, rotatelog.ErrPermanent) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v, want ErrPermanent and fs.ErrPermission", op, err)
			continue
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%s: %v claims to know what it cannot see", op, err)
		}
		if !strings.Contains(err.Error(), "let this process read and write everything in /") {
			t.Errorf("%s: %v does not say what to do", op, err)
		}
	}
}

// Opening a pipe would wait for a writer.
func TestPipeIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, statErr := s.Stat(t.Context(), "pipe")
	_, readErr := s.Read(t.Context(), "pipe", "v", 0, -1)
	writeErr := s.Write(t.Context(), "pipe", "", text("x"), nil)
	for op, err := range map[string]error{"Stat": statErr, "Read": readErr, "Write": writeErr} {
		if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s of a pipe: %v, want ErrPermanent", op, err)
		}
	}
}
