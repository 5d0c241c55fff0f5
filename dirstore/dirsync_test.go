package dirstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
)

// unsyncable is a directory in which one cannot be synced while err is set.
type unsyncable struct {
	vfs.FS
	name   string
	err    error
	synced int
}

func (u *unsyncable) SyncDir(name string) error {
	if name == u.name {
		if u.synced++; u.err != nil {
			return u.err
		}
	}
	return u.FS.SyncDir(name)
}

// TestUnsyncedDirectoryIsAnError: what a loss of power might undo is not reported
// as written, and Stat does not return it.
func TestUnsyncedDirectoryIsAnError(t *testing.T) {
	for _, name := range []string{"a", "."} {
		s, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		disk := &unsyncable{FS: s.at.fs, name: name, err: syscall.EIO}
		s.at.fs = disk
		data := []rotatelog.Part{rotatelog.Data([]byte("one"))}
		err = s.Write(t.Context(), "a/day.json", "", data, nil)
		if !errors.Is(err, syscall.EIO) || errors.Is(err, rotatelog.ErrConflict) || !strings.Contains(err.Error(), "might come back after a loss of power") {
			t.Errorf("%s cannot be synced: Write: %v", name, err)
		}
		if o, err := s.Stat(t.Context(), "a/day.json"); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s cannot be synced: Stat = %+v, %v", name, o, err)
		}
		disk.err = nil
		disk.synced = 0
		if o, err := s.Stat(t.Context(), "a/day.json"); err != nil || o.Size != 3 || disk.synced == 0 {
			t.Errorf("%s synced %d times: Stat = %+v, %v", name, disk.synced, o, err)
		}
	}
}

// TestFileSystems: an error names what a file system does not support, and what to
// do.
func TestFileSystems(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.at.fs = &unsyncable{FS: s.at.fs, name: ".", err: &fs.PathError{Op: "sync", Path: ".", Err: syscall.EINVAL}}
	err = s.Write(t.Context(), "day.json", "", nil, nil)
	want := "the file system of " + s.dir + " cannot make names durable (fsync of a directory)"
	if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), want) {
		t.Errorf("Write: %v, want ErrPermanent and %s", err, want)
	}
	s.at.fs = lockless{s.at.fs}
	err = s.Write(t.Context(), "day.json", "", nil, nil)
	want = "the file system of " + s.dir + " does not lock files (flock)"
	if !errors.Is(err, rotatelog.ErrPermanent) || !errors.Is(err, syscall.ENOLCK) || !strings.Contains(err.Error(), want) {
		t.Errorf("Write: %v, want ErrPermanent and %s", err, want)
	}
}

// TestMissingMount reads the tables of mounts as Linux has them.
func TestMissingMount(t *testing.T) {
	const (
		fstab = "# /etc/fstab\nUUID=1 / ext4 defaults 0 1\nUUID=2 none swap sw 0 0\n\n" +
			"nas:/logs /mnt/nas nfs nofail,_netdev 0 0\nUUID=3 /srv ext4 defaults\nUUID=4 /mnt/my\\040disk ext4 rw 0 2\nUUID=5 /mnt/usb vfat noauto,user 0 0\n"
		mounted = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 8:3 / /srv rw - ext4 /dev/sda3 rw\n"
	)
	for dir, want := range map[string]string{
		"/mnt/nas": "/mnt/nas", "/mnt/nas/logs": "/mnt/nas", "/mnt/nasty": "", "/mnt": "", "/srv/logs": "", "/var/logs": "", "/": "",
		"/mnt/my disk/logs": "/mnt/my disk", "/mnt/usb/logs": "",
	} {
		if got := missingMount(filepath.Clean(dir), fstab, mounted); got != want {
			t.Errorf("for %s, %q is not mounted, want %q", dir, got, want)
		}
	}
	if got := missingMount("/mnt/nas", fstab, mounted+"24 22 0:5 / /mnt/nas rw - nfs nas:/logs rw\n"); got != "" {
		t.Errorf("%q is mounted", got)
	}
}

// lockless is a directory of a file system without locks.
type lockless struct{ vfs.FS }

func (lockless) Lock(name string) (io.Closer, error) {
	return nil, fmt.Errorf("flock %s: %w", name, syscall.ENOLCK)
}
