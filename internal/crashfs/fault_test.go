package crashfs_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
	"github.com/google/go-cmp/cmp"
)

// operations is each operation once, in an order in which all succeed.
func operations(d vfs.FS) []error {
	var errs []error
	do := func(err error) { errs = append(errs, err) }
	do(d.Mkdir("new", 0o700))
	do(d.Chmod("new", 0o500))
	do(d.Link("f", "g"))
	do(d.Rename("g", "dir/g"))
	do(d.Remove("dir/g"))
	do(d.SyncDir("dir"))
	_, err := d.ReadDir(".")
	do(err)
	_, err = d.Stat("f")
	do(err)
	lock, err := d.Lock("lock")
	do(err)
	if err == nil {
		defer lock.Close()
	}
	f, err := d.OpenFile("f", os.O_RDWR, 0)
	do(err)
	if err != nil {
		return errs
	}
	defer f.Close()
	_, err = f.WriteAt([]byte("X"), 0)
	do(err)
	_, err = f.ReadAt(make([]byte, 1), 0)
	do(err)
	do(f.Truncate(1))
	do(f.Chmod(0o400))
	do(f.Sync())
	_, err = f.Stat()
	do(err)
	created, err := d.OpenFile("created", os.O_RDWR|os.O_CREATE, 0o600)
	do(err)
	if err == nil {
		defer created.Close()
	}
	return errs
}

func TestEveryOperationIsAnOp(t *testing.T) {
	mem := start(t)
	first := mem.Ops() + 1
	var got []crashfs.Op
	mem.Before = func(op crashfs.Op) error {
		op.N -= first
		got = append(got, op)
		return nil
	}
	for _, err := range operations(mem) {
		if err != nil {
			t.Error(err)
		}
	}
	want := []crashfs.Op{
		{Kind: "Mkdir", Name: "new", Mutates: true},
		{Kind: "Chmod", Name: "new", Mutates: true},
		{Kind: "Link", Name: "f", To: "g", Mutates: true},
		{Kind: "Rename", Name: "g", To: "dir/g", Mutates: true},
		{Kind: "Remove", Name: "dir/g", Mutates: true},
		{Kind: "SyncDir", Name: "dir", Mutates: true},
		{Kind: "ReadDir", Name: "."},
		{Kind: "Stat", Name: "f"},
		{Kind: "Lock", Name: "lock", Mutates: true},
		{Kind: "OpenFile", Name: "f"},
		{Kind: "WriteAt", Name: "f", Mutates: true},
		{Kind: "ReadAt", Name: "f"},
		{Kind: "Truncate", Name: "f", Mutates: true},
		{Kind: "Chmod", Name: "f", Mutates: true},
		{Kind: "Sync", Name: "f", Mutates: true},
		{Kind: "Stat", Name: "f"},
		{Kind: "OpenFile", Name: "created", Mutates: true},
	}
	for i := range want {
		want[i].N = i
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if n := mem.Ops() + 1 - first; n != len(want) {
		t.Errorf("Ops counted %d, want %d", n, len(want))
	}
}

// TestFailedOperationDoesNothing fails all operations: what is seen does not change.
func TestFailedOperationDoesNothing(t *testing.T) {
	mem := start(t)
	f := disk{mem, t}.open("f", os.O_RDWR)
	before := mem.Tree()
	mem.Before = func(crashfs.Op) error { return syscall.EIO }
	errs := operations(mem)
	_, err := f.WriteAt([]byte("X"), 0)
	errs = append(errs, err, f.Truncate(0), f.Chmod(0))
	for i, err := range errs {
		_, isPath := errors.AsType[*fs.PathError](err)
		_, isLink := errors.AsType[*os.LinkError](err)
		if !errors.Is(err, syscall.EIO) || !isPath && !isLink {
			t.Errorf("operation %d returned %T %v", i, err, err)
		}
	}
	if diff := cmp.Diff(before, mem.Tree()); diff != "" {
		t.Errorf("failed operations changed the disk (-before +after):\n%s", diff)
	}
}

func TestPowerCut(t *testing.T) {
	mem := start(t)
	whole := mem.Kill()
	operations(whole)
	total := whole.Ops()
	for n := range total {
		const before = 2 // operations that open what the cut shall reach
		d := mem.Kill()
		d.Before = crashfs.At(before+n+1, crashfs.ErrPowerCut)
		file := disk{d, t}.open("f", os.O_RDWR)
		lock, err := d.Lock("held")
		if err != nil {
			t.Fatal(err)
		}
		operations(d)
		errs := append(operations(d), file.Sync(), file.Truncate(0), file.Close(), lock.Close())
		for i, err := range errs {
			if !errors.Is(err, crashfs.ErrPowerCut) {
				t.Errorf("cut at operation %d of %d: error %d afterwards is %v", n+1, total, i, err)
			}
		}
		if got := d.Ops(); got != before+n+1 {
			t.Errorf("cut at operation %d, and %d were done", before+n+1, got)
		}
	}
}

func TestPowerCutStopsBeforeTheOperation(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	f := d.open("f", os.O_RDWR)
	mem.Before = func(op crashfs.Op) error {
		if op.Kind == "Sync" {
			return crashfs.ErrPowerCut
		}
		return nil
	}
	if _, err := f.WriteAt([]byte("X"), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); !errors.Is(err, crashfs.ErrPowerCut) {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("Y"), 1); !errors.Is(err, crashfs.ErrPowerCut) {
		t.Fatal(err)
	}
	want := []string{"dir/ f=0b", "dir/ f=Xb", "dir/ f=ab"}
	if got := disks(t, mem); !slices.Equal(got, want) {
		t.Errorf("disks %q, want %q", got, want)
	}
	killed := disk{mem.Kill(), t} // as if it had been the process only
	killed.sync("f")
	if got := disks(t, killed.FS); !slices.Equal(got, []string{"dir/ f=Xb"}) {
		t.Errorf("after a kill and a Sync the disks are %q", got)
	}
}

func TestShortWrite(t *testing.T) {
	for _, c := range []struct {
		n       int
		wantN   int
		content string
	}{{-1, 0, "ab"}, {0, 0, "ab"}, {1, 1, "aX"}, {2, 2, "aXY"}, {9, 3, "aXYZ"}} {
		mem := start(t)
		f := disk{mem, t}.open("f", os.O_RDWR)
		mem.Before = crashfs.At(mem.Ops()+1, crashfs.ShortWrite{N: c.n, Err: syscall.ENOSPC})
		n, err := f.WriteAt([]byte("XYZ"), 1)
		if n != c.wantN || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("N %d: WriteAt = %d, %v; want %d", c.n, n, err, c.wantN)
		}
		if _, ok := errors.AsType[crashfs.ShortWrite](err); ok {
			t.Errorf("N %d: the error is still a ShortWrite", c.n)
		}
		if got := mem.Tree()["f"]; got != c.content {
			t.Errorf("N %d: left %q, want %q", c.n, got, c.content)
		}
		if _, err := f.WriteAt([]byte("ok"), 0); err != nil {
			t.Errorf("N %d: the next write: %v", c.n, err)
		}
	}
}

func TestPowerCutInTheMiddleOfAWrite(t *testing.T) {
	mem := start(t)
	f := disk{mem, t}.open("f", os.O_RDWR)
	mem.Before = crashfs.At(mem.Ops()+1, crashfs.ShortWrite{N: 1, Err: crashfs.ErrPowerCut})
	if n, err := f.WriteAt([]byte("XY"), 0); n != 1 || !errors.Is(err, crashfs.ErrPowerCut) {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	if err := f.Sync(); !errors.Is(err, crashfs.ErrPowerCut) {
		t.Errorf("the process lives on: %v", err)
	}
	want := []string{"dir/ f=0b", "dir/ f=Xb", "dir/ f=ab"}
	if got := disks(t, mem); !slices.Equal(got, want) {
		t.Errorf("disks %q, want %q", got, want)
	}
}

// failOnce makes the next operation of that kind fail.
func failOnce(f *crashfs.FS, kind string) {
	done := false
	f.Before = func(op crashfs.Op) error {
		if done || op.Kind != kind {
			return nil
		}
		done = true
		return syscall.EIO
	}
}

func TestFailedSync(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	f := d.open("f", os.O_RDWR)
	failOnce(mem, "Sync")
	d.write("f", "XYZ", 0)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d.must(f.Sync())
	if got := show(mem); got != "dir/ f=XYZ" {
		t.Errorf("readers see %s", got)
	}
	if got := show(mem.Crash(crashfs.KeepNothing)); got != "dir/ f=ab0" {
		t.Errorf("the second Sync kept %s, want the size only", got)
	}
	killed := disk{mem.Kill(), t}
	killed.sync("f")
	if got := show(killed.Crash(crashfs.KeepNothing)); got != "dir/ f=ab0" {
		t.Errorf("a Sync by the next process kept %s, want the size only", got)
	}

	d.write("f", "YZ", 1)
	d.must(f.Sync())
	want := []string{"dir/ f=0YZ", "dir/ f=XYZ", "dir/ f=aYZ"}
	if got := disks(t, mem); !slices.Equal(got, want) {
		t.Errorf("with the end written again the disks are %q, want %q", got, want)
	}
	d.write("f", "X", 0)
	d.must(f.Sync())
	if got := disks(t, mem); !slices.Equal(got, []string{"dir/ f=XYZ"}) {
		t.Errorf("with all written again the disks are %q", got)
	}
}

func TestRetrySyncDirIsForDirectories(t *testing.T) {
	mem := start(t)
	mem.RetrySyncDir = true
	d := disk{mem, t}
	d.write("f", "X", 0)
	failOnce(mem, "Sync")
	f := d.open("f", os.O_RDWR)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d.must(f.Sync())
	if got := show(mem.Crash(crashfs.KeepNothing)); got != "dir/ f=ab" {
		t.Errorf("a second Sync of a file kept %s", got)
	}
}

// TestPowerCutMeetsAWaitingOperation cuts power while Before holds an operation back,
// which then does not happen.
func TestPowerCutMeetsAWaitingOperation(t *testing.T) {
	mem := start(t)
	mem.Before = func(op crashfs.Op) error {
		switch op.Kind {
		case "Remove":
			mem.Stat(".")
			return nil
		case "Stat":
			return crashfs.ErrPowerCut
		}
		return nil
	}
	if err := mem.Remove("f"); !errors.Is(err, crashfs.ErrPowerCut) {
		t.Errorf("Remove: %v", err)
	}
	if got := mem.Tree(); got["f"] != "ab" {
		t.Errorf("left %q", got)
	}
}

func TestFailedSyncDir(t *testing.T) {
	for _, retry := range []bool{false, true} {
		mem := start(t)
		mem.RetrySyncDir = retry
		d := disk{mem, t}
		failOnce(mem, "SyncDir")
		d.must(d.Rename("f", "g"))
		if err := d.SyncDir("."); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		if got := show(mem); got != "dir/ g=ab" {
			t.Errorf("processes see %s", got)
		}
		d.must(d.SyncDir("."))
		want := []string{"dir/ f=ab", "dir/ g=ab"}
		if retry {
			want = want[1:]
		}
		if got := disks(t, mem); !slices.Equal(got, want) {
			t.Errorf("retry %v: disks %q, want %q", retry, got, want)
		}
		d.must(d.Rename("g", "f"))
		d.must(d.Rename("f", "h"))
		d.must(d.SyncDir("."))
		if got := show(mem.Crash(crashfs.KeepNothing)); got != "dir/ h=ab" {
			t.Errorf("retry %v: done again, a crash leaves %s", retry, got)
		}
	}
}

func TestCapacity(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	d.create("g", "0123")
	mem.SetCapacity(10)
	f := d.open("f", os.O_RDWR)
	if n, err := f.WriteAt([]byte("abcdefgh"), 0); n != 6 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("WriteAt = %d, %v; want 6 and ENOSPC", n, err)
	}
	if got := show(mem); got != "dir/ f=abcdef g=0123" {
		t.Errorf("left %s", got)
	}
	if n, err := f.WriteAt([]byte("ABCDEF"), 0); n != 6 || err != nil {
		t.Errorf("overwriting on a full disk = %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("x"), 20); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing beyond = %d, %v", n, err)
	}
	if err := f.Truncate(7); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Truncate to more: %v", err)
	}
	if err := d.Mkdir("new", 0o700); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Mkdir: %v", err)
	}
	if _, err := d.OpenFile("new", os.O_RDWR|os.O_CREATE, 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("creating: %v", err)
	}
	d.must(f.Truncate(0))
	d.create("new", "012345")

	n := d.open("new", os.O_RDWR)
	d.must(d.Remove("new"))
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the space of a removed file that is open was given away: %v", err)
	}
	d.must(n.Close())
	d.write("f", "x", 0)
	mem.SetCapacity(0)
	d.write("f", "abcdefghijklmnop", 0)
}

func TestBeforeMayBlockAndLook(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	f := d.open("f", os.O_RDWR)
	syncing, release := make(chan bool), make(chan bool)
	mem.Before = func(op crashfs.Op) error {
		if op.Kind == "Sync" {
			mem.Crash(crashfs.KeepNothing)
			mem.Tree()
			syncing <- true
			<-release
		}
		return nil
	}
	done := make(chan error)
	go func() { done <- f.Sync() }()
	<-syncing
	d.write("f", "X", 0) // while the other sync is under way
	close(release)
	d.must(<-done)
}

func TestConcurrentUse(t *testing.T) {
	mem := start(t)
	mem.Capacity = 1000
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := string(rune('p' + i))
			f, err := mem.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for j := range 50 {
				if _, err := f.WriteAt([]byte{'a' + byte(i)}, int64(j)); err != nil {
					t.Error(err)
				}
				mem.Crash(crashfs.KeepNothing)
				if err := f.Sync(); err != nil {
					t.Error(err)
				}
				if err := mem.Rename(name, name+"x"); err != nil {
					t.Error(err)
				}
				if err := mem.Rename(name+"x", name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		if got := len(mem.Tree()[string(rune('p'+i))]); got != 50 {
			t.Errorf("file %d has %d bytes, want 50", i, got)
		}
	}
}
