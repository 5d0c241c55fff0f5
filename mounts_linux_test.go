package rotatelog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMountsInTheSpool: fetches move by rename, which cannot cross mounts, even of
// the same file system. Open finds that.
func TestMountsInTheSpool(t *testing.T) {
	for _, name := range []string{"all_api.spool", "all_api.spool/pending", "all_api.spool/uploaded", "all_api.json"} {
		for _, kind := range []string{"tmpfs", "bind"} {
			t.Run(name+" is a mount of kind "+kind, func(t *testing.T) {
				dir := t.TempDir()
				w, _, err := openIn(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Append(t.Context(), counted(1)); err != nil {
					t.Fatal(err)
				}
				w.Close()
				on := filepath.Join(dir, name)
				isFile := strings.HasSuffix(name, ".json")
				switch {
				case kind == "bind":
					err = syscall.Mount(on, on, "", syscall.MS_BIND, "")
				case isFile:
					t.Skip("a file cannot be a tmpfs")
				default:
					err = syscall.Mount("tmpfs", on, "tmpfs", 0, "size=1m")
				}
				if err != nil {
					t.Skipf("mount: %v; it takes root", err)
				}
				t.Cleanup(func() {
					if err := syscall.Unmount(on, 0); err != nil {
						t.Errorf("umount: %v", err)
					}
				})
				if err := os.Chmod(filepath.Join(dir, "all_api.spool"), 0o700); err != nil {
					t.Fatal(err)
				}
				w, _, err = openIn(t, dir)
				if err == nil {
					w.Close() // or it cannot be unmounted
				}
				if !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "mount Dir itself, and nothing in it") {
					t.Errorf("%v", err)
				}
			})
		}
	}
}
