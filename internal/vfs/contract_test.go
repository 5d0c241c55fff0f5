//go:build linux || darwin

package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
)

// disk is an FS under test.
type disk struct {
	vfs.FS
	symlink func(target, name string) error
	root    bool // modes keep nobody out
}

// TestContract runs the same cases on the disk of the operating system and on
// the one in memory, so that what the second shows holds for the first.
func TestContract(t *testing.T) {
	cases := []struct {
		name string
		run  func(*testing.T, disk)
	}{
		{"opening", testOpening},
		{"names that leave the directory", testNames},
		{"reading and writing", testReadingAndWriting},
		{"descriptors", testDescriptors},
		{"directories", testDirectories},
		{"renaming", testRenaming},
		{"linking", testLinking},
		{"removing", testRemoving},
		{"describing", testDescribing},
		{"modes of files", testModesOfFiles},
		{"modes of directories", testModesOfDirectories},
		{"symbolic links", testSymlinks},
		{"links that lead nowhere", testBadSymlinks},
		{"syncing", testSyncing},
		{"locking", testLocking},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Run("Dir", func(t *testing.T) { c.run(t, osDisk(t)) })
			t.Run("crashfs", func(t *testing.T) {
				mem := crashfs.New()
				c.run(t, disk{FS: mem, symlink: mem.Symlink})
			})
		})
	}
}

func osDisk(t *testing.T) disk {
	path := filepath.Join(t.TempDir(), "not", "yet", "there")
	d, err := vfs.Dir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return disk{
		FS:      d,
		symlink: func(target, name string) error { return os.Symlink(target, filepath.Join(path, name)) },
		root:    os.Geteuid() == 0,
	}
}

func testOpening(t *testing.T, d disk) {
	put(t, d, "f", "x")
	ok(t, d.Mkdir("dir", 0o700))
	for _, c := range []struct {
		name string
		flag int
		want error
	}{
		{"none", os.O_RDONLY, fs.ErrNotExist},
		{"none", os.O_RDWR, fs.ErrNotExist},
		{"none/f", os.O_RDWR | os.O_CREATE, fs.ErrNotExist},
		{"f", os.O_RDWR | os.O_CREATE | os.O_EXCL, fs.ErrExist},
		{"f/x", os.O_RDWR | os.O_CREATE, syscall.ENOTDIR},
		{"dir", os.O_RDWR, syscall.EISDIR},
		{"dir", os.O_RDWR | os.O_CREATE, syscall.EISDIR},
		{"dir", os.O_RDWR | os.O_CREATE | os.O_EXCL, fs.ErrExist},
	} {
		_, err := d.OpenFile(c.name, c.flag, 0o600)
		wantPathError(t, "open "+c.name, err, c.want)
	}
	open(t, d, "f", os.O_RDWR|os.O_CREATE).Close()
	if got := get(t, d, "f"); got != "x" {
		t.Errorf("O_CREATE changed an existing file to %q", got)
	}
	open(t, d, "f", os.O_RDWR|os.O_CREATE|os.O_TRUNC).Close()
	if got := get(t, d, "f"); got != "" {
		t.Errorf("O_TRUNC left %q", got)
	}
}

func testNames(t *testing.T, d disk) {
	put(t, d, "f", "x")
	for _, name := range []string{"", "/f", "../f", "../../etc/passwd"} {
		if _, err := d.OpenFile(name, os.O_RDONLY, 0); err == nil {
			t.Errorf("opened %q", name)
		}
		if _, err := d.Stat(name); err == nil {
			t.Errorf("described %q", name)
		}
		if err := d.Rename("f", name); err == nil {
			t.Errorf("renamed to %q", name)
		}
		if err := d.Mkdir(name, 0o700); err == nil {
			t.Errorf("made %q", name)
		}
	}
}

func testReadingAndWriting(t *testing.T, d disk) {
	f := open(t, d, "f", os.O_RDWR|os.O_CREATE)
	defer f.Close()
	for _, c := range []struct {
		off  int64
		data string
		want string
	}{
		{0, "hello", "hello"},
		{1, "E", "hEllo"},
		{4, "O!", "hEllO!"},
		{8, "x", "hEllO!\x00\x00x"},
		{20, "", "hEllO!\x00\x00x"},
	} {
		if n, err := f.WriteAt([]byte(c.data), c.off); n != len(c.data) || err != nil {
			t.Fatalf("WriteAt(%q, %d) = %d, %v", c.data, c.off, n, err)
		}
		if got := get(t, d, "f"); got != c.want {
			t.Fatalf("after WriteAt(%q, %d): %q, want %q", c.data, c.off, got, c.want)
		}
	}
	for _, c := range []struct {
		size int64
		want string
	}{{3, "hEl"}, {5, "hEl\x00\x00"}, {5, "hEl\x00\x00"}, {0, ""}, {1, "\x00"}} {
		ok(t, f.Truncate(c.size))
		if got := get(t, d, "f"); got != c.want {
			t.Fatalf("after Truncate(%d): %q, want %q", c.size, got, c.want)
		}
	}
	_, err := f.WriteAt([]byte("x"), -1)
	wantError(t, "WriteAt(-1)", err)
	wantPathError(t, "Truncate(-1)", f.Truncate(-1), syscall.EINVAL)

	put(t, d, "g", "abc")
	g := open(t, d, "g", os.O_RDONLY)
	defer g.Close()
	for _, c := range []struct {
		len  int
		off  int64
		want string
		err  error
	}{{2, 0, "ab", nil}, {2, 1, "bc", nil}, {2, 2, "c", io.EOF}, {2, 3, "", io.EOF}, {2, 9, "", io.EOF}, {0, 9, "", nil}} {
		b := make([]byte, c.len)
		if n, err := g.ReadAt(b, c.off); string(b[:n]) != c.want || err != c.err {
			t.Errorf("ReadAt(%d bytes, %d) = %q, %v; want %q, %v", c.len, c.off, b[:n], err, c.want, c.err)
		}
	}
	_, err = g.ReadAt(make([]byte, 1), -1)
	wantError(t, "ReadAt(-1)", err)
}

func testDescriptors(t *testing.T, d disk) {
	put(t, d, "f", "abc")
	b := make([]byte, 1)

	r := open(t, d, "f", os.O_RDONLY)
	_, err := r.WriteAt(b, 0)
	wantPathError(t, "WriteAt of a reader", err, syscall.EBADF)
	wantPathError(t, "Truncate of a reader", r.Truncate(0), syscall.EINVAL)
	ok(t, r.Sync())
	ok(t, r.Chmod(0o600))

	w := open(t, d, "f", os.O_WRONLY)
	_, err = w.ReadAt(b, 0)
	wantPathError(t, "ReadAt of a writer", err, syscall.EBADF)
	ok(t, w.Close())

	a := open(t, d, "f", os.O_RDWR|os.O_APPEND)
	_, err = a.WriteAt(b, 0)
	wantError(t, "WriteAt of an appender", err)
	ok(t, a.Close())

	ok(t, r.Close())
	_, err = r.ReadAt(b, 0)
	wantIs(t, "ReadAt of a closed file", err, fs.ErrClosed)
	_, err = r.Stat()
	wantIs(t, "Stat of a closed file", err, fs.ErrClosed)
	_, err = r.WriteAt(b, 0)
	wantIs(t, "WriteAt of a closed file", err, fs.ErrClosed)
	wantIs(t, "Truncate of a closed file", r.Truncate(0), fs.ErrClosed)
	wantIs(t, "Sync of a closed file", r.Sync(), fs.ErrClosed)
	wantIs(t, "Chmod of a closed file", r.Chmod(0), fs.ErrClosed)
	wantIs(t, "Close of a closed file", r.Close(), fs.ErrClosed)
}

func testDirectories(t *testing.T, d disk) {
	put(t, d, "f", "")
	ok(t, d.Mkdir("dir", 0o700))
	wantPathError(t, "Mkdir again", d.Mkdir("dir", 0o700), fs.ErrExist)
	wantPathError(t, "Mkdir of a file", d.Mkdir("f", 0o700), fs.ErrExist)
	wantPathError(t, "Mkdir of .", d.Mkdir(".", 0o700), fs.ErrExist)
	wantPathError(t, "Mkdir below nothing", d.Mkdir("a/b", 0o700), fs.ErrNotExist)
	wantPathError(t, "Mkdir below a file", d.Mkdir("f/b", 0o700), syscall.ENOTDIR)

	for _, name := range []string{"dir/c", "dir/a", "dir/b"} {
		put(t, d, name, "")
	}
	wantNames(t, d, "dir", "a", "b", "c")
	wantNames(t, d, ".", "dir", "f")
	_, err := d.ReadDir("none")
	wantPathError(t, "ReadDir of nothing", err, fs.ErrNotExist)
	_, err = d.ReadDir("f")
	wantIs(t, "ReadDir of a file", err, syscall.ENOTDIR)

	h := open(t, d, "dir", os.O_RDONLY)
	defer h.Close()
	if info, err := h.Stat(); err != nil || !info.Mode.IsDir() {
		t.Errorf("Stat of an open directory = %v, %v", info.Mode, err)
	}
	_, err = h.ReadAt(make([]byte, 1), 0)
	wantPathError(t, "ReadAt of a directory", err, syscall.EISDIR)
	ok(t, h.Sync())
}

func testRenaming(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	ok(t, d.Mkdir("dir2", 0o700))
	put(t, d, "a", "A")
	put(t, d, "b", "B")
	id := stat(t, d, "a").ID

	ok(t, d.Rename("a", "b"))
	wantNames(t, d, ".", "b", "dir", "dir2")
	if got := get(t, d, "b"); got != "A" || stat(t, d, "b").ID != id {
		t.Errorf("renamed file has %q and another ID", got)
	}
	ok(t, d.Rename("b", "dir/c"))
	wantNames(t, d, ".", "dir", "dir2")
	wantNames(t, d, "dir", "c")
	ok(t, d.Rename("dir/c", "dir/c"))

	ok(t, d.Link("dir/c", "same"))
	ok(t, d.Rename("same", "dir/c")) // does nothing
	wantNames(t, d, ".", "dir", "dir2", "same")

	ok(t, d.Rename("dir", "moved"))
	if got := get(t, d, "moved/c"); got != "A" {
		t.Errorf("a renamed directory holds %q", got)
	}
	for _, c := range []struct {
		from, to string
		want     error
	}{
		{"none", "x", fs.ErrNotExist},
		{"same", "none/x", fs.ErrNotExist},
		{"same", "moved", fs.ErrExist},
		{"dir2", "moved", fs.ErrExist},
		{"dir2", "dir2", fs.ErrExist},
		{"dir2", "same", syscall.ENOTDIR},
		{"same", "same/x", syscall.ENOTDIR},
		{".", "x", syscall.EBUSY},
	} {
		wantLinkError(t, "rename "+c.from+" "+c.to, d.Rename(c.from, c.to), c.want)
	}
}

func testLinking(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	put(t, d, "a", "A")
	ok(t, d.Link("a", "dir/b"))
	if stat(t, d, "a").ID != stat(t, d, "dir/b").ID {
		t.Error("two names of a file have two IDs")
	}
	put(t, d, "a", "changed")
	if got := get(t, d, "dir/b"); got != "changed" {
		t.Errorf("the second name has %q", got)
	}
	ok(t, d.Remove("a"))
	if got := get(t, d, "dir/b"); got != "changed" {
		t.Errorf("with the first name gone the second has %q", got)
	}
	put(t, d, "c", "C")
	wantLinkError(t, "link to an existing name", d.Link("c", "dir/b"), fs.ErrExist)
	wantLinkError(t, "link to itself", d.Link("c", "c"), fs.ErrExist)
	wantLinkError(t, "link of nothing", d.Link("none", "x"), fs.ErrNotExist)
	wantLinkError(t, "link into nothing", d.Link("c", "none/x"), fs.ErrNotExist)
	wantLinkError(t, "link of a directory", d.Link("dir", "x"), syscall.EPERM)
}

func testRemoving(t *testing.T, d disk) {
	put(t, d, "f", "old")
	f := open(t, d, "f", os.O_RDWR)
	defer f.Close()
	ok(t, d.Remove("f"))
	_, err := d.Stat("f")
	wantPathError(t, "Stat of a removed file", err, fs.ErrNotExist)

	put(t, d, "f", "new")
	if _, err := f.WriteAt([]byte("O"), 0); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "Old" {
		t.Errorf("a removed file reads %q, %v", b, err)
	}
	if got := get(t, d, "f"); got != "new" {
		t.Errorf("a write to the removed file shows in the new one: %q", got)
	}
	if info, err := f.Stat(); err != nil || info.ID == stat(t, d, "f").ID {
		t.Errorf("the new file has the ID of the removed one, %v", err)
	}

	ok(t, d.Mkdir("dir", 0o700))
	put(t, d, "dir/f", "")
	if err := d.Remove("dir"); err == nil {
		t.Error("removed a directory that is not empty")
	}
	ok(t, d.Remove("dir/f"))
	ok(t, d.Remove("dir"))
	wantPathError(t, "Remove again", d.Remove("dir"), fs.ErrNotExist)
	wantError(t, "Remove of the root", d.Remove("."))
	wantNames(t, d, ".", "f")
}

func testDescribing(t *testing.T, d disk) {
	f := open(t, d, "f", os.O_RDWR|os.O_CREATE)
	defer f.Close()
	before := stat(t, d, "f")
	if before.Size != 0 || before.Mode != 0o600 || before.ModTime.IsZero() || before.ID == (vfs.ID{}) {
		t.Errorf("a new file is %+v", before)
	}
	if _, err := f.WriteAt([]byte("abc"), 0); err != nil {
		t.Fatal(err)
	}
	after := stat(t, d, "f")
	if after.Size != 3 || after.ModTime.Before(before.ModTime) || after.ID != before.ID {
		t.Errorf("a written file is %+v, and was %+v", after, before)
	}
	if info, err := f.Stat(); err != nil || info != after {
		t.Errorf("by descriptor it is %+v, %v; by name %+v", info, err, after)
	}
	if info := stat(t, d, "."); !info.Mode.IsDir() {
		t.Errorf("the root has mode %v", info.Mode)
	}
	_, err := d.Stat("f/x")
	wantPathError(t, "Stat below a file", err, syscall.ENOTDIR)
}

func testModesOfFiles(t *testing.T, d disk) {
	f, err := d.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o400)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); err != nil {
		t.Errorf("who made a file cannot write it: %v", err)
	}
	wantMode := func(want fs.FileMode) {
		t.Helper()
		if got := stat(t, d, "f").Mode; got != want {
			t.Errorf("mode %v, want %v", got, want)
		}
	}
	wantMode(0o400)
	ok(t, d.Chmod("f", 0o200))
	wantMode(0o200)
	ok(t, f.Chmod(0o400))
	wantMode(0o400)
	wantPathError(t, "Chmod of nothing", d.Chmod("none", 0o600), fs.ErrNotExist)

	skipRoot(t, d)
	for _, flag := range []int{os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_TRUNC} {
		_, err := d.OpenFile("f", flag, 0o600)
		wantPathError(t, "writing mode 0400", err, fs.ErrPermission)
	}
	_, err = d.Lock("f")
	wantPathError(t, "locking mode 0400", err, fs.ErrPermission)
	ok(t, d.Chmod("f", 0o200))
	_, err = d.OpenFile("f", os.O_RDONLY, 0)
	wantPathError(t, "reading mode 0200", err, fs.ErrPermission)
	open(t, d, "f", os.O_WRONLY).Close()
}

func testModesOfDirectories(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	put(t, d, "f", "")
	put(t, d, "dir/f", "old")
	if got := stat(t, d, "dir").Mode; got != fs.ModeDir|0o700 {
		t.Errorf("mode %v", got)
	}
	skipRoot(t, d)
	defer d.Chmod("dir", 0o700)

	ok(t, d.Chmod("dir", 0o500))
	_, err := d.OpenFile("dir/new", os.O_RDWR|os.O_CREATE, 0o600)
	wantPathError(t, "creating in mode 0500", err, fs.ErrPermission)
	wantPathError(t, "Mkdir in mode 0500", d.Mkdir("dir/new", 0o700), fs.ErrPermission)
	wantPathError(t, "Mkdir of what is in mode 0500", d.Mkdir("dir/f", 0o700), fs.ErrExist)
	wantPathError(t, "removing from mode 0500", d.Remove("dir/f"), fs.ErrPermission)
	wantLinkError(t, "renaming out of mode 0500", d.Rename("dir/f", "g"), fs.ErrPermission)
	wantLinkError(t, "renaming into mode 0500", d.Rename("f", "dir/f"), fs.ErrPermission)
	wantLinkError(t, "linking into mode 0500", d.Link("f", "dir/g"), fs.ErrPermission)
	put(t, d, "dir/f", "new")
	if got := get(t, d, "dir/f"); got != "new" {
		t.Errorf("a file in a directory of mode 0500 has %q", got)
	}
	wantNames(t, d, "dir", "f")
	ok(t, d.SyncDir("dir"))

	ok(t, d.Chmod("dir", 0o300))
	_, err = d.ReadDir("dir")
	wantPathError(t, "listing mode 0300", err, fs.ErrPermission)
	wantPathError(t, "syncing mode 0300", d.SyncDir("dir"), fs.ErrPermission)
	_, err = d.OpenFile("dir/f", os.O_RDONLY, 0)
	wantPathError(t, "opening in mode 0300", err, fs.ErrPermission)

	ok(t, d.Chmod("dir", 0o600))
	_, err = d.Stat("dir/f")
	wantPathError(t, "Stat in mode 0600", err, fs.ErrPermission)
	_, err = d.OpenFile("dir/f", os.O_RDONLY, 0)
	wantPathError(t, "opening in mode 0600", err, fs.ErrPermission)
	wantNames(t, d, "dir", "f")
}

func testSymlinks(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	put(t, d, "dir/f", "F")
	for name, target := range map[string]string{
		"file": "dir/f", "toDir": "dir", "dir/up": "../dir/../file", "dangling": "dir/made",
	} {
		ok(t, d.symlink(target, name))
	}
	if info := stat(t, d, "file"); info.Mode.Type() != fs.ModeSymlink {
		t.Errorf("a symbolic link has mode %v", info.Mode)
	}
	for _, name := range []string{"file", "toDir/f", "dir/up", "toDir/up"} {
		if got := get(t, d, name); got != "F" {
			t.Errorf("%s leads to %q", name, got)
		}
	}
	_, err := d.OpenFile("file", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	wantPathError(t, "O_EXCL on a link", err, fs.ErrExist)
	_, err = d.OpenFile("dangling", os.O_RDONLY, 0)
	wantPathError(t, "a dangling link", err, fs.ErrNotExist)
	put(t, d, "dangling", "M")
	if got := get(t, d, "dir/made"); got != "M" {
		t.Errorf("creating through a link made %q", got)
	}
	ok(t, d.Chmod("file", 0o400))
	if got := stat(t, d, "dir/f").Mode; got != 0o400 {
		t.Errorf("Chmod of a link gave its target mode %v", got)
	}
	wantNames(t, d, "toDir", "f", "made", "up")
	ok(t, d.SyncDir("toDir"))

	ok(t, d.Rename("file", "renamed"))
	ok(t, d.Link("renamed", "linked"))
	if got := stat(t, d, "linked").Mode.Type(); got != fs.ModeSymlink {
		t.Errorf("a link to a symbolic link is %v", got)
	}
	ok(t, d.Remove("renamed"))
	ok(t, d.Remove("toDir"))
	wantNames(t, d, ".", "dangling", "dir", "linked")
	wantNames(t, d, "dir", "f", "made", "up")
}

func testBadSymlinks(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	for name, target := range map[string]string{
		"loop": "loop", "out": "../other", "absolute": "/etc/passwd", "dir/out": "../../other", "outDir": "..",
	} {
		ok(t, d.symlink(target, name))
	}
	for _, name := range []string{"loop", "loop/f", "out", "absolute", "dir/out", "outDir/f"} {
		_, err := d.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening %s: %v", name, err)
		}
	}
	wantError(t, "listing outDir", d.SyncDir("outDir"))
}

func testSyncing(t *testing.T, d disk) {
	ok(t, d.Mkdir("dir", 0o700))
	ok(t, d.SyncDir("."))
	ok(t, d.SyncDir("dir"))
	wantPathError(t, "SyncDir of nothing", d.SyncDir("none"), fs.ErrNotExist)
	f := open(t, d, "dir/f", os.O_RDWR|os.O_CREATE)
	defer f.Close()
	ok(t, f.Sync())
	ok(t, d.Remove("dir/f"))
	ok(t, f.Sync())
}

func testLocking(t *testing.T, d disk) {
	first, err := d.Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	if got := stat(t, d, "lock").Mode; got != 0o600 {
		t.Errorf("the lock has mode %v", got)
	}
	_, err = d.Lock("lock")
	wantIs(t, "second Lock", err, vfs.ErrLocked)
	other, err := d.Lock("other")
	if err != nil {
		t.Fatalf("a lock of another name: %v", err)
	}
	ok(t, other.Close())

	put(t, d, "new", "")
	ok(t, d.Rename("new", "lock"))
	replaced, err := d.Lock("lock")
	if err != nil {
		t.Fatalf("the file is locked, not the name: %v", err)
	}
	ok(t, first.Close())
	_, err = d.Lock("lock")
	wantIs(t, "Lock after the wrong Close", err, vfs.ErrLocked)
	ok(t, replaced.Close())

	again, err := d.Lock("lock")
	if err != nil {
		t.Fatalf("Lock after Close: %v", err)
	}
	ok(t, again.Close())
	wantIs(t, "second Close", again.Close(), fs.ErrClosed)
	_, err = d.Lock("none/lock")
	wantPathError(t, "Lock below nothing", err, fs.ErrNotExist)
}

func TestDirRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	ok(t, os.WriteFile(path, nil, 0o600))
	if _, err := vfs.Dir(path); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Dir of a file: %v", err)
	}
	if _, err := vfs.Dir(filepath.Join(path, "below")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Dir below a file: %v", err)
	}
}

// Nobody waits for what is at the other end of a pipe.
func TestDirRefusesPipes(t *testing.T) {
	path := t.TempDir()
	d, err := vfs.Dir(path)
	ok(t, err)
	defer d.Close()
	ok(t, syscall.Mkfifo(filepath.Join(path, "pipe"), 0o600))
	for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREATE | os.O_TRUNC} {
		if f, err := d.OpenFile("pipe", flag, 0o600); !errors.Is(err, vfs.ErrOdd) || !strings.Contains(err.Error(), "it is no regular file") || !strings.HasSuffix(err.Error(), "; move it away") {
			t.Errorf("OpenFile with flags %x: %v, %v", flag, f, err)
		}
	}
	if _, err := d.ReadDir("pipe"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("ReadDir: %v", err)
	}
	if err := d.SyncDir("pipe"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("SyncDir: %v", err)
	}
}

func TestDirAfterClose(t *testing.T) {
	d, err := vfs.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, disk{FS: d}, "f", os.O_RDWR|os.O_CREATE)
	lock, err := d.Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	ok(t, d.Close())
	if _, err := d.Stat("f"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Stat after Close: %v", err)
	}
	ok(t, f.Sync())
	ok(t, f.Close())
	ok(t, lock.Close())
}

func skipRoot(t *testing.T, d disk) {
	if d.root {
		t.Skip("modes keep root out of nothing")
	}
}

func open(t *testing.T, d disk, name string, flag int) vfs.File {
	t.Helper()
	f, err := d.OpenFile(name, flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, d disk, name, data string) {
	t.Helper()
	f := open(t, d, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	defer f.Close()
	if _, err := f.WriteAt([]byte(data), 0); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, d disk, name string) string {
	t.Helper()
	f := open(t, d, name, os.O_RDONLY)
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func stat(t *testing.T, d disk, name string) vfs.Info {
	t.Helper()
	info, err := d.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantNames(t *testing.T, d disk, dir string, want ...string) {
	t.Helper()
	if got, err := d.ReadDir(dir); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s holds %q, %v; want %q", dir, got, err, want)
	}
}

func wantError(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
	}
}

func wantIs(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func wantPathError(t *testing.T, what string, err, want error) {
	t.Helper()
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		t.Errorf("%s: %T, want *fs.PathError", what, err)
	}
	wantIs(t, what, err, want)
}

func wantLinkError(t *testing.T, what string, err, want error) {
	t.Helper()
	if _, ok := errors.AsType[*os.LinkError](err); !ok {
		t.Errorf("%s: %T, want *os.LinkError", what, err)
	}
	wantIs(t, what, err, want)
}
