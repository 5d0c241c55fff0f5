package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog/archive"
)

// smallDisk mounts a file system with these options, which takes root.
func smallDisk(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount -t tmpfs: %v; it takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("umount %s: %v", dir, err)
		}
	})
	return dir
}

// What fits on a full disk is there, nothing half, and the same export goes on once there
// is room.
func TestExportToAFullDisk(t *testing.T) {
	for _, options := range []string{"size=24k", "nr_inodes=5"} {
		t.Run(options, func(t *testing.T) {
			disk := smallDisk(t, options)
			inWorld(t, func(t *testing.T, w *world) {
				w.write(5)
				time.Sleep(24 * time.Hour)
				w.write(80)
				e := w.toFolder(w.archive(), disk, archive.ExportOptions{}, day, day.Next())
				if len(e.errs) != 2 || e.errs[0] != nil || !errors.Is(e.errs[1], syscall.ENOSPC) || !strings.HasSuffix(e.errs[1].Error(), "; free some space, and export again") {
					t.Errorf("%v", e.errs)
				}
				if file := filepath.Join(disk, onJuly11); strings.HasPrefix(options, "size") && !strings.Contains(e.worst().Error(), file) {
					t.Errorf("%v does not name %s", e.worst(), file)
				}
				if files := filesIn(t, disk); len(files) != 2 || strings.Count(files[onJuly10], "\n") != 5 {
					t.Errorf("there are %q", files)
				}
				if e := w.toFile(filepath.Join(disk, "all"), archive.ExportOptions{Where: []archive.Condition{{Path: []string{"_upload"}, Value: "1"}}}, day, day.Next()); strings.HasPrefix(options, "size") && e.worst() != nil {
					t.Errorf("a small file on it: %v", e.worst())
				}
				if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=1m,nr_inodes=100"); err != nil {
					t.Fatal(err)
				}
				e = w.toFolder(w.archive(), disk, archive.ExportOptions{}, day, day.Next())
				if e.worst() != nil || !e.days[0].Unchanged || e.days[1].Unchanged || strings.Count(filesIn(t, disk)[onJuly11], "\n") != 80 {
					t.Errorf("once there is room: %+v", e)
				}
			})
		})
	}
}

func TestExportToADiskThatIsReadOnly(t *testing.T) {
	disk := smallDisk(t, "size=1m")
	inWorld(t, func(t *testing.T, w *world) {
		w.write(5)
		if err := os.Mkdir(filepath.Join(disk, "there"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		for name, e := range map[string]exported{
			"a new folder": w.toFolder(w.archive(), filepath.Join(disk, "new"), archive.ExportOptions{}, day),
			"a folder":     w.toFolder(w.archive(), filepath.Join(disk, "there"), archive.ExportOptions{}, day),
			"a file":       w.toFile(filepath.Join(disk, "file"), archive.ExportOptions{}, day),
		} {
			if !errors.Is(e.worst(), syscall.EROFS) || !strings.HasSuffix(e.worst().Error(), "name a folder that the user that this runs as may write to") {
				t.Errorf("%s: %v", name, e.worst())
			}
		}
	})
}
