package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// These tests fill a file system of their own, in bytes or in inodes. To mount it
// takes root.

// smallDisk mounts a tmpfs with these options, and returns a directory on it.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
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

// full is a Writer on a small disk, of batches with one fetch of 9 kB.
type full struct {
	t     *testing.T
	dir   string
	srv   *fakes3.Server
	down  atomic.Bool
	cfg   rotatelog.Config
	acked int
	*rotatelog.Writer
}

// newFull returns one whose day is in one object of the fake server; large says
// that it is appended to in parts, with a saved intent.
func newFull(t *testing.T, options string, large bool) *full {
	f := &full{t: t, dir: smallDisk(t, options)}
	opts := fakes3.Options{Profile: fakes3.Linode()}
	if large {
		opts.MinPartSize = 3000
	}
	srv, client := s3test.NewFake(opts)
	f.srv = srv
	srv.Fault = func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Drop: f.down.Load()} }
	storeOpts := s3store.Options{}
	if large {
		storeOpts = s3test.SmallParts(storeOpts, 3000)
	}
	store := s3test.NewStore(client, storeOpts)
	f.cfg = rotatelog.Config{Dir: f.dir, Store: store, MaxFetches: 1, Verbatim: true,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if large {
		f.cfg = rotatelog.LargeFrom(f.cfg, 3000)
	}
	t.Cleanup(func() {
		if f.Writer != nil {
			f.Close()
		}
	})
	return f
}

func (f *full) open() {
	f.t.Helper()
	w, err := rotatelog.Open(f.t.Context(), f.cfg)
	if err != nil {
		f.t.Fatalf("Open on a full disk: %v; it holds %q", err, f.files())
	}
	f.Writer = w
}

// kill leaves the spool as kill -9 does.
func (f *full) kill() {
	f.t.Helper()
	f.Close()
	spool := filepath.Join(f.dir, "all_api.spool")
	if err := os.Rename(filepath.Join(spool, "clean"), filepath.Join(spool, "unclean")); err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
}

func (f *full) fetch() []byte {
	return fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, f.acked+1, strings.Repeat("y", 9000))
}

func (f *full) append() error {
	_, err := f.Append(f.t.Context(), f.fetch())
	if err == nil {
		f.acked++
	}
	return err
}

func (f *full) appendN(n int) {
	f.t.Helper()
	for range n {
		if err := f.append(); err != nil {
			f.t.Fatal(err)
		}
	}
}

// until appends until there is no room.
func (f *full) until() {
	f.t.Helper()
	for range 2000 {
		if err := f.append(); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				f.t.Fatalf("append: %v", err)
			}
			return
		}
	}
	f.t.Fatal("the disk does not fill up")
}

func (f *full) drain() error {
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	return f.Drain(ctx)
}

// files returns what is on the disk, with sizes.
func (f *full) files() (names []string) {
	filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, _ := d.Info()
			names = append(names, fmt.Sprintf("%s %d", strings.TrimPrefix(path, f.dir+"/"), info.Size()))
		}
		return nil
	})
	return names
}

// fillBytes takes all room that is left, as another program does.
func (f *full) fillBytes() {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, "another-programs-file"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	for n := 4096; n > 0; n /= 2 {
		for err == nil {
			_, err = file.Write(make([]byte, n))
		}
		err = nil
	}
}

// fillInodes takes all inodes that are left.
func (f *full) fillInodes() {
	f.t.Helper()
	dir := filepath.Join(f.dir, "another-program")
	os.Mkdir(dir, 0o700)
	for n := range 100_000 {
		file, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(n)), os.O_WRONLY|os.O_CREATE, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.t.Fatal("the inodes do not run out")
}

// makeRoom removes what the other program wrote, as its user would.
func (f *full) makeRoom() {
	f.t.Helper()
	for _, name := range []string{"another-program", "another-programs-file"} {
		if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// wantDay flushes, and wants each fetch that was acknowledged once in the day's
// object. Fetches that were not may be there.
func (f *full) wantDay() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	if err := f.Flush(ctx); err != nil {
		f.t.Fatalf("flush once there is room: %v", err)
	}
	n := 0
	for _, key := range f.srv.Keys(s3test.Bucket) {
		if strings.Contains(key, "_json_log_") {
			n += s3Day(f.t, f.srv, key).Metadata.Fetches
		}
	}
	if n != f.acked {
		f.t.Errorf("%d fetches are in the store, %d were acknowledged", n, f.acked)
	}
}

var fillings = map[string]func(*full){
	"bytes":  (*full).fillBytes,
	"inodes": (*full).fillInodes,
}

// newFullWithoutStore returns a small disk with what eight uploads have left, and three
// fetches that came after the store went down.
func newFullWithoutStore(t *testing.T, large bool) *full {
	f := newFull(t, "size=800k,nr_inodes=120", large)
	f.open()
	for range 8 {
		f.appendN(1)
		if err := f.drain(); err != nil {
			t.Fatal(err)
		}
	}
	f.down.Store(true)
	f.appendN(3)
	return f
}

// end ends the process, if it is to be started anew.
func (f *full) end(restart string) {
	switch restart {
	case "clean":
		f.Close()
	case "killed":
		f.kill()
	}
}

// TestFullDiskDrains: a disk that another program filled while the store was down
// does not stop the uploads afterwards, whatever became of the process.
func TestFullDiskDrains(t *testing.T) {
	for filled, fill := range fillings {
		for _, large := range []bool{false, true} {
			for _, restart := range []string{"none", "clean", "killed"} {
				t.Run(fmt.Sprintf("%s/large=%t/restart=%s", filled, large, restart), func(t *testing.T) {
					f := newFullWithoutStore(t, large)
					fill(f)
					for range 3 { // which confirmed batches make room for, at first
						f.append()
						fill(f)
					}
					f.end(restart)
					fill(f)
					if restart != "none" {
						f.open()
						var err error
						for tries := 0; err == nil && tries < 20; tries++ { // the publisher uses the reserve up, which frees some
							fill(f)
							err = f.append()
						}
						if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
							t.Errorf("append on a full disk: %v", err)
						}
						fill(f)
					}
					f.down.Store(false)
					if err := f.drain(); err != nil {
						t.Fatalf("drain on a full disk, the store being up: %v; it holds %q", err, f.files())
					}
					f.makeRoom()
					f.appendN(1) // without a restart
					f.wantDay()
				})
			}
		}
	}
}

// TestFullDiskWithADeletedDay: somebody deletes the day's object while the store is down,
// and another program fills the disk. What the object held is put back all the same.
func TestFullDiskWithADeletedDay(t *testing.T) {
	for filled, fill := range fillings {
		for _, large := range []bool{false, true} {
			for _, restart := range []string{"none", "clean", "killed"} {
				t.Run(fmt.Sprintf("%s/large=%t/restart=%s", filled, large, restart), func(t *testing.T) {
					f := newFullWithoutStore(t, large)
					f.srv.DeleteObject(s3test.Bucket, f.srv.Keys(s3test.Bucket)[0])
					fill(f)
					f.end(restart)
					fill(f)
					if restart != "none" {
						f.open()
						for range 3 { // which may use the reserve up
							f.append()
							fill(f)
						}
					}
					f.down.Store(false)
					if err := f.drain(); err != nil {
						t.Fatalf("drain on a full disk, the store being up: %v; it holds %q", err, f.files())
					}
					f.makeRoom()
					f.appendN(1) // without a restart
					f.wantDay()
				})
			}
		}
	}
}

// TestFullDiskOfOurOwn: the waiting batches have filled the disk.
func TestFullDiskOfOurOwn(t *testing.T) {
	for options, size := range map[string]int{"size=800k": 1, "size=20m,nr_inodes=80": 1, "size=1m": 10} {
		for _, restart := range []string{"none", "clean", "killed"} {
			t.Run(fmt.Sprintf("%s/batches of %d/restart=%s", options, size, restart), func(t *testing.T) {
				f := newFull(t, options, false)
				f.cfg.MaxFetches = size
				f.open()
				f.appendN(10)
				if err := f.drain(); err != nil {
					t.Fatal(err)
				}
				f.down.Store(true)
				f.until()
				switch restart {
				case "clean":
					f.Close()
					f.open()
				case "killed":
					f.kill()
					f.open()
				}
				f.down.Store(false)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				if err := f.Flush(ctx); err != nil && restart != "killed" {
					t.Errorf("flush: %v", err)
				}
				if err := f.drain(); err != nil {
					t.Fatalf("drain, the store being up: %v; the disk holds %q", err, f.files())
				}
				f.appendN(3)
				f.wantDay()
			})
		}
	}
}
