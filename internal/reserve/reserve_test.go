package reserve

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"testing"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
)

const dir = "reserve"

// open returns the reserve on a disk.
func open(t *testing.T, disk *crashfs.FS, size int64) *Reserve {
	t.Helper()
	r := New(disk, dir, size)
	if err := r.Open(); err != nil {
		t.Fatal(err)
	}
	return r
}

func fill(t *testing.T, r *Reserve) {
	t.Helper()
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
}

func used(disk *crashfs.FS) (n int64) {
	for _, content := range disk.Tree() {
		n += int64(len(content))
	}
	return n
}

// TestFillLeavesRoom: the reserve does not take the last room on a disk.
func TestFillLeavesRoom(t *testing.T) {
	disk := crashfs.New()
	disk.Capacity = 12 * 64
	if err := open(t, disk, 64).Fill(); !vfs.NoSpace(err) {
		t.Errorf("Fill: %v", err)
	}
	if n := used(disk); n > 6*64 {
		t.Errorf("of %d bytes it takes %d", disk.Capacity, n)
	}
}

// TestTakeIsSharedByProcesses: another may take a file between the look and the
// rename.
func TestTakeIsSharedByProcesses(t *testing.T) {
	disk := crashfs.New()
	r, other := open(t, disk, 64), open(t, disk, 64)
	fill(t, r)
	taken := false
	disk.Before = func(op crashfs.Op) error {
		if op.Kind == "Rename" && path.Dir(op.Name) == dir && !taken {
			taken = true
			if err := other.Take("theirs"); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if err := r.Take("ours"); err != nil {
		t.Fatal(err)
	}
	ours, err := disk.Stat("ours")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := disk.Stat("theirs")
	if err != nil || ours.ID == theirs.ID {
		t.Errorf("both took file %v, %v", ours.ID, err)
	}
	if names, _ := disk.ReadDir(dir); len(names) != Files-2 || strings.Contains(fmt.Sprint(names), "room") {
		t.Errorf("the reserve is %q", names)
	}
}

// TestFillDoesNotShrink: a used file gives some room back, but not enough for
// another of its size.
func TestFillDoesNotShrink(t *testing.T) {
	disk := crashfs.New()
	r := open(t, disk, FileSize)
	fill(t, r)
	disk.SetCapacity(used(disk))
	if err := r.Take("f"); err != nil {
		t.Fatal(err)
	}
	if err := vfs.Overwrite(disk, "f", []byte("note")); err != nil {
		t.Fatal(err)
	}
	again := open(t, disk, FileSize)
	for _, r := range []*Reserve{r, again} {
		if err := r.Fill(); !vfs.NoSpace(err) || !r.Short() {
			t.Errorf("filled with what one of its files gave back: %v; %v", err, r.Short())
		}
	}
	disk.SetCapacity(0)
	fill(t, again)
	for n := range Files {
		if info, err := disk.Stat(again.slot(n)); err != nil || info.Size != FileSize {
			t.Errorf("file %d has %d bytes, %v", n, info.Size, err)
		}
	}
}

// TestNone: a reserve of a negative size has no files, and none are missing.
func TestNone(t *testing.T) {
	disk := crashfs.New()
	r := open(t, disk, -1)
	fill(t, r)
	if tree := disk.Tree(); r.Take("f") == nil || r.Short() || len(tree) > 0 {
		t.Errorf("the disk holds %q", tree)
	}
}

// TestFilesAreNotCompressible, since a file system may give up the room that it saved.
func TestFilesAreNotCompressible(t *testing.T) {
	disk := crashfs.New()
	r := open(t, disk, 4096)
	fill(t, r)
	content, err := disk.ReadFile(r.slot(0))
	if err != nil || len(bytes.Trim(content, "\x00")) < 4000 || bytes.Equal(content[:2048], content[2048:]) {
		t.Errorf("%d bytes: %v", len(content), err)
	}
}
