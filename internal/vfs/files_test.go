package vfs_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
)

// TestWrite: what a file holds after each way to write it, and what of that survives a
// power cut.
func TestWrite(t *testing.T) {
	const old = "what was there before"
	for name, tt := range map[string]struct {
		write   func(vfs.FS, string, []byte) error
		there   bool // there is a file already
		want    error
		durable bool
	}{
		"new":                 {vfs.WriteNew, false, nil, true},
		"new, over a file":    {vfs.WriteNew, true, fs.ErrExist, true},
		"unsynced":            {vfs.WriteUnsynced, false, nil, false},
		"unsynced, over one":  {vfs.WriteUnsynced, true, nil, false},
		"over a file":         {vfs.Overwrite, true, nil, true},
		"over nothing at all": {vfs.Overwrite, false, fs.ErrNotExist, true},
	} {
		disk := crashfs.New()
		if tt.there {
			if err := disk.WriteFile("f", []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		synced := false
		disk.Before = func(op crashfs.Op) error {
			synced = synced || op.Kind == "Sync"
			return nil
		}
		if err := tt.write(disk, "f", []byte("new")); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if tt.want != nil {
			continue
		}
		if got, err := vfs.ReadFile(disk, "f"); err != nil || string(got) != "new" {
			t.Errorf("%s: it holds %q, %v", name, got, err)
		}
		if synced != tt.durable {
			t.Errorf("%s: synced: %t", name, synced)
		}
	}
}

// TestSyncFileSaysWhatToDo where a file system cannot sync.
func TestSyncFileSaysWhatToDo(t *testing.T) {
	disk := crashfs.New()
	disk.Before = func(op crashfs.Op) error {
		if op.Kind == "Sync" {
			return syscall.EINVAL
		}
		return nil
	}
	const want = "this file system cannot sync files; set Dir to a local disk: "
	if err := vfs.WriteNew(disk, "f", nil); !errors.Is(err, syscall.EINVAL) || err.Error()[:len(want)] != want {
		t.Error(err)
	}
}

// TestRemoveOfNothing is no error.
func TestRemoveOfNothing(t *testing.T) {
	disk := crashfs.New()
	if err := errors.Join(disk.WriteFile("f", nil, 0o600), vfs.Remove(disk, "f"), vfs.Remove(disk, "f")); err != nil {
		t.Error(err)
	}
}
