package crashfs_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
	"github.com/google/go-cmp/cmp"
)

func TestHelpers(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	ops := mem.Ops()
	d.must(mem.WriteFile("g", []byte("new"), 0o400))
	d.must(mem.WriteFile("g", []byte("edited"), 0o600))
	d.must(mem.WriteFile("dir/h", nil, 0o600))
	d.must(mem.Symlink("dir/h", "link"))
	want := map[string]string{"f": "ab", "g": "edited", "dir/": "", "dir/h": "", "link": "-> dir/h"}
	if diff := cmp.Diff(want, mem.Tree()); diff != "" {
		t.Errorf("the tree (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, mem.Crash(crashfs.KeepNothing).Tree()); diff != "" {
		t.Errorf("after a crash (-want +got):\n%s", diff)
	}
	if got, err := mem.ReadFile("g"); err != nil || string(got) != "edited" {
		t.Errorf("ReadFile = %q, %v", got, err)
	}
	if mem.Ops() != ops {
		t.Errorf("helpers counted as %d operations", mem.Ops()-ops)
	}
	if got := d.stat("g").Mode; got != 0o400 {
		t.Errorf("an edit changed the mode to %v", got)
	}
	for what, c := range map[string]struct{ got, want error }{
		"WriteFile of a directory":   {mem.WriteFile("dir", nil, 0o600), syscall.EISDIR},
		"WriteFile of the root":      {mem.WriteFile(".", nil, 0o600), syscall.EISDIR},
		"WriteFile in nothing":       {mem.WriteFile("none/x", nil, 0o600), fs.ErrNotExist},
		"ReplaceFile of a directory": {mem.ReplaceFile("dir", nil, 0o600), syscall.EISDIR},
		"Symlink again":              {mem.Symlink("f", "link"), fs.ErrExist},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if _, err := mem.ReadFile("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of nothing: %v", err)
	}
	if _, err := mem.ReadFile("dir"); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("ReadFile of a directory: %v", err)
	}
}

func TestSlicesStayTheCallers(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	data := []byte("ab")
	d.must(mem.WriteFile("f", data, 0o600))
	d.must(mem.ReplaceFile("g", data, 0o600))
	f := d.open("f", os.O_RDWR)
	defer f.Close()
	if _, err := f.WriteAt(data, 2); err != nil {
		t.Fatal(err)
	}
	copy(data, "XX")
	d.must(f.Sync())
	read, err := mem.ReadFile("f")
	d.must(err)
	copy(read, "YY")
	for name, want := range map[string]string{"f": "abab", "g": "ab"} {
		for which, disk := range map[string]*crashfs.FS{"": mem, " after a crash": mem.Crash(crashfs.KeepNothing)} {
			if got := disk.Tree()[name]; got != want {
				t.Errorf("%s%s is %q, want %q", name, which, got, want)
			}
		}
	}
}

func TestOpenFiles(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	lock, err := mem.Lock("f")
	d.must(err)
	f := d.open("f", os.O_RDONLY)
	if _, err := mem.Lock("f"); err != vfs.ErrLocked {
		t.Errorf("second Lock: %v", err)
	}
	if got := mem.OpenFiles(); !slices.Equal(got, []string{"f", "f"}) {
		t.Errorf("open are %q, want the file and the lock", got)
	}
	d.must(f.Close())
	if _, err := mem.Lock("f"); err != vfs.ErrLocked {
		t.Errorf("closing a file gave back the lock: %v", err)
	}
	d.must(lock.Close())
	if got := mem.OpenFiles(); len(got) != 0 {
		t.Errorf("still open are %q", got)
	}
	d.must(mem.Close())
	d.open("f", os.O_RDONLY)
}

func TestDirectoriesStayInTheirDirectory(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	d.must(d.Mkdir("other", 0o700))
	if err := d.Rename("dir", "other/dir"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Rename: %v", err)
	}
	if err := d.Rename("dir", "dir/dir"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Rename into itself: %v", err)
	}
}

// TestEditorsKeepOrReplaceTheFile distinguishes the two ways of editing, as the spool must.
func TestEditorsKeepOrReplaceTheFile(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	f := d.open("f", os.O_RDWR)
	before := d.stat("f")

	d.must(mem.WriteFile("f", []byte("in"), 0o600))
	inPlace := d.stat("f")
	if inPlace.ID != before.ID || !inPlace.ModTime.After(before.ModTime) {
		t.Errorf("edited in place: %+v, was %+v", inPlace, before)
	}
	if info, err := f.Stat(); err != nil || info != inPlace {
		t.Errorf("the descriptor sees %+v, %v; want %+v", info, err, inPlace)
	}

	d.must(mem.ReplaceFile("f", []byte("over"), 0o644))
	replaced := d.stat("f")
	if replaced.ID == before.ID || replaced.Mode != 0o644 {
		t.Errorf("replaced: %+v, was %+v", replaced, before)
	}
	if info, err := f.Stat(); err != nil || info != inPlace {
		t.Errorf("the descriptor sees %+v, %v; want %+v", info, err, inPlace)
	}
}

func TestEditorDoesNotSyncForOthers(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	d.create("g", "")
	d.write("f", "X", 1)
	d.must(mem.WriteFile("h", []byte("h"), 0o600))
	want := []string{"dir/ f=a0 g= h=h", "dir/ f=a0 h=h", "dir/ f=aX g= h=h", "dir/ f=aX h=h", "dir/ f=ab g= h=h", "dir/ f=ab h=h"}
	if got := disks(t, mem); !slices.Equal(got, want) {
		t.Errorf("disks %q, want %q", got, want)
	}
}

func TestNowSetsModTimes(t *testing.T) {
	mem := start(t)
	now := time.Date(2025, time.November, 2, 6, 30, 0, 0, time.UTC)
	mem.Now = func() time.Time { return now }
	d := disk{mem, t}
	d.write("f", "X", 0)
	if got := d.stat("f").ModTime; got != now {
		t.Errorf("written at %v, want %v", got, now)
	}
	now = now.Add(time.Second)
	d.must(d.Chmod("f", 0o600))
	if got := d.stat("f").ModTime; got == now {
		t.Error("Chmod changed the time")
	}
	d.truncate("f", 1)
	if got := d.stat("f").ModTime; got != now {
		t.Errorf("truncated at %v, want %v", got, now)
	}
}

func TestEnumerate(t *testing.T) {
	var got [][3]int
	body := func(choose func(int) int) {
		a := choose(2)
		b := choose(1 + a)
		c := 0
		if b == 0 {
			c = choose(3)
		}
		got = append(got, [3]int{a, b, c})
	}
	if !crashfs.Enumerate(100, body) {
		t.Error("not complete")
	}
	want := [][3]int{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {1, 0, 0}, {1, 0, 1}, {1, 0, 2}, {1, 1, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("combinations (-want +got):\n%s", diff)
	}
	for limit, complete := range map[int]bool{0: false, 6: false, 7: true} {
		got = nil
		if done := crashfs.Enumerate(limit, body); done != complete || len(got) != limit {
			t.Errorf("limit %d: %d runs, complete %v; want %v", limit, len(got), done, complete)
		}
	}
	if !crashfs.Enumerate(1, func(func(int) int) {}) {
		t.Error("a body without choices has one run")
	}
}

func TestEnumerateWantsDeterminism(t *testing.T) {
	for name, body := range map[string]func(run int, choose func(int) int){
		"another question": func(run int, choose func(int) int) { choose(2 + run) },
		"fewer questions": func(run int, choose func(int) int) {
			if run == 0 {
				choose(2)
			}
		},
		"no answer": func(_ int, choose func(int) int) { choose(0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("nobody minded")
				}
			}()
			run := 0
			crashfs.Enumerate(10, func(choose func(int) int) {
				body(run, choose)
				run++
			})
		})
	}
}
