package rotatelog

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/reserve"
	"example.com/rotatelog/internal/vfs"
)

// newTestSpool returns a spool on a disk, with its reserve.
func newTestSpool(t *testing.T, disk *crashfs.FS) *spool {
	t.Helper()
	s := newTestSpoolOn(t, disk)
	if err := s.reserve.Fill(); err != nil {
		t.Fatal(err)
	}
	return s
}

// newTestSpoolOn is newTestSpool without filling the reserve.
func newTestSpoolOn(t *testing.T, disk *crashfs.FS) *spool {
	t.Helper()
	s, err := newSpool(disk, &Config{Name: "all_api", MaxFetches: 10, reserve: 64})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func used(disk *crashfs.FS) (n int64) {
	for _, content := range disk.Tree() {
		n += int64(len(content))
	}
	return n
}

// TestReserveWritesSmallFiles: on a full disk the reserve takes as many small files
// as it has; a longer file takes several.
func TestReserveWritesSmallFiles(t *testing.T) {
	disk := crashfs.New()
	s := newTestSpool(t, disk)
	disk.SetCapacity(used(disk))
	for n := range reserve.Files {
		disk.SetCapacity(used(disk)) // others take what it gives up
		content := fmt.Sprintf("note %d", n)
		if err := s.writeFile(s.path(fmt.Sprint("f", n)), []byte(content)); err != nil {
			t.Fatalf("file %d: %v", n, err)
		}
		if got, err := disk.ReadFile(s.path(fmt.Sprint("f", n))); err != nil || string(got) != content {
			t.Errorf("file %d holds %q, %v", n, got, err)
		}
	}
	disk.SetCapacity(used(disk))
	if err := s.writeFile(s.path("more"), []byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("with no reserve left: %v", err)
	}
	if err := s.reserve.Fill(); !errors.Is(err, syscall.ENOSPC) || !s.reserve.Short() {
		t.Errorf("filled again on a full disk: %v", err)
	}
	disk.SetCapacity(0)
	if err := s.reserve.Fill(); err != nil || s.reserve.Short() {
		t.Errorf("filled again: %v", err)
	}
	names, err := disk.ReadDir(s.path(reserveDir))
	if err != nil || len(names) != reserve.Files {
		t.Errorf("the reserve is %q, %v", names, err)
	}
}

// TestReserveAcrossPowerCuts cuts power at each operation of writing a file on a
// full disk. The file is the old or the new one, whole, and no file of the reserve
// is a file of something else: to overwrite it would change that.
func TestReserveAcrossPowerCuts(t *testing.T) {
	for _, anyOrder := range []bool{false, true} {
		for n := 1; ; n++ {
			disk := crashfs.New()
			disk.AnyOrder = anyOrder
			s := newTestSpool(t, disk)
			if err := s.writeFile(s.path("f"), []byte("old")); err != nil {
				t.Fatal(err)
			}
			disk.SetCapacity(used(disk))
			start := disk.Ops()
			disk.Before = func(op crashfs.Op) error {
				if op.N == start+n {
					return crashfs.ErrPowerCut
				}
				return nil
			}
			err := s.writeFile(s.path("f"), []byte("newer"))
			crashfs.Enumerate(200, func(choose func(int) int) {
				after := disk.Crash(choose)
				got, readErr := after.ReadFile(s.path("f"))
				if readErr != nil || string(got) != "newer" && (err == nil || string(got) != "old") {
					t.Fatalf("cut at operation %d: %q, %v; writing returned %v", n, got, readErr, err)
				}
				again := newTestSpoolOn(t, after)
				after.SetCapacity(1)
				if err := again.writeFile(again.path("g"), []byte("third")); err != nil {
					t.Fatalf("cut at operation %d, the next file: %v; %q", n, err, after.Tree())
				}
				if again, _ := after.ReadFile(s.path("f")); !bytes.Equal(again, got) {
					t.Fatalf("cut at operation %d: writing another file changed this one to %q", n, again)
				}
			})
			if err == nil {
				break
			}
		}
	}
}

// TestReserveIsNotForCopies: of a batch that cannot have another name, for want of
// room, and of anything that is long.
func TestReserveIsNotForCopies(t *testing.T) {
	disk := crashfs.New()
	s := newTestSpool(t, disk)
	b := batch{day: testDay, order: 1, first: 1, last: 1, id: "ID00000001"}
	if err := disk.WriteFile(s.batchPath(b), []byte("[]"), 0o400); err != nil {
		t.Fatal(err)
	}
	disk.Before = func(op crashfs.Op) error {
		if op.Kind == "Link" {
			return syscall.ENOSPC
		}
		return nil
	}
	disk.SetCapacity(1)
	if err := s.confirm(b, 1, ""); err != nil {
		t.Errorf("confirm, which can rename: %v", err)
	}
	if err := s.writeFile(s.path("f"), make([]byte, reserve.FileSize)); !vfs.NoSpace(err) {
		t.Errorf("a long file: %v", err)
	}
	if names, err := disk.ReadDir(s.path(reserveDir)); err != nil || len(names) < reserve.Files-1 { // one in the hope that it helps a link
		t.Errorf("the reserve is %q, %v", names, err)
	}
}
