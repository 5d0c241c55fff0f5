package crashfs_test

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
)

// TestCrashLeavesEveryPossibleDisk states, for small histories, every disk that a power cut may leave,
// and that it leaves no other. Each history starts from a durable file f that
// holds "ab" and a durable, empty directory dir.
func TestCrashLeavesEveryPossibleDisk(t *testing.T) {
	cases := []struct {
		name    string
		history func(disk)
		setup   func(*crashfs.FS)
		want    []string // disks, as show has them
	}{
		{name: "nothing since", history: func(d disk) {}, want: []string{"dir/ f=ab"}},
		{
			name:    "one byte overwritten",
			history: func(d disk) { d.write("f", "X", 1) },
			want:    []string{"dir/ f=ab", "dir/ f=aX", "dir/ f=a0"},
		},
		{
			name:    "two bytes appended",
			history: func(d disk) { d.write("f", "cd", 2) },
			want: []string{
				"dir/ f=ab",                                // nothing of it
				"dir/ f=abc", "dir/ f=abcd", "dir/ f=abc0", // cut at each byte
				"dir/ f=ab0", "dir/ f=ab00", "dir/ f=ab0d", // the size, before the bytes
			},
		},
		{
			name:    "the end overwritten and extended, as an append to an array does",
			history: func(d disk) { d.write("f", "XY", 1) },
			want: []string{
				"dir/ f=ab", "dir/ f=aX", "dir/ f=a0", "dir/ f=aXY", "dir/ f=aX0", "dir/ f=a0Y", "dir/ f=a00",
				"dir/ f=abY", "dir/ f=ab0", // the old byte, and the extension
			},
		},
		{
			name:    "two writes survive apart",
			history: func(d disk) { d.write("f", "X", 0); d.write("f", "Y", 1) },
			want: []string{
				"dir/ f=ab", "dir/ f=aY", "dir/ f=a0", "dir/ f=Xb", "dir/ f=XY", "dir/ f=X0", "dir/ f=0b", "dir/ f=0Y", "dir/ f=00",
			},
		},
		{
			name:    "a write beyond the end leaves a hole",
			history: func(d disk) { d.write("f", "X", 4) },
			want:    []string{"dir/ f=ab", "dir/ f=ab00X", "dir/ f=ab000"},
		},
		{
			name:    "one write in three pieces",
			setup:   func(f *crashfs.FS) { f.Cuts = 2 },
			history: func(d disk) { d.write("f", "XYZ", 0); d.truncate("f", 3); d.sync("f"); d.write("f", "abc", 0) },
			want:    products("dir/ f=", "aX0", "bY0", "cZ0"),
		},
		{
			name:    "no pieces",
			setup:   func(f *crashfs.FS) { f.Cuts = 0 },
			history: func(d disk) { d.write("f", "cd", 2) },
			want:    []string{"dir/ f=ab", "dir/ f=ab00", "dir/ f=abcd"},
		},
		{
			name:    "truncated",
			history: func(d disk) { d.truncate("f", 1) },
			want:    []string{"dir/ f=ab", "dir/ f=a"},
		},
		{
			name:    "truncated by opening, then written",
			history: func(d disk) { d.open("f", os.O_RDWR|os.O_TRUNC).Close(); d.write("f", "X", 0) },
			want:    []string{"dir/ f=ab", "dir/ f=", "dir/ f=X", "dir/ f=0", "dir/ f=Xb", "dir/ f=0b"},
		},
		{
			name:    "written and synced",
			history: func(d disk) { d.write("f", "XYZ", 0); d.truncate("f", 2); d.sync("f") },
			want:    []string{"dir/ f=XY"},
		},
		{
			name:    "synced by another descriptor",
			history: func(d disk) { d.write("f", "X", 0); d.must(d.open("f", os.O_RDONLY).Sync()) },
			want:    []string{"dir/ f=Xb"},
		},
		{
			name:    "created, the bytes synced, not the name",
			history: func(d disk) { d.create("g", "x"); d.sync("g") },
			want:    []string{"dir/ f=ab", "dir/ f=ab g=x"},
		},
		{
			name:    "created, the name synced, not the bytes",
			history: func(d disk) { d.create("g", "x"); d.must(d.SyncDir(".")) },
			want:    []string{"dir/ f=ab g=", "dir/ f=ab g=0", "dir/ f=ab g=x"},
		},
		{
			name:    "created and synced",
			history: func(d disk) { d.create("g", "x"); d.sync("g"); d.must(d.SyncDir(".")) },
			want:    []string{"dir/ f=ab g=x"},
		},
		{
			name:    "names come in order",
			history: func(d disk) { d.create("g", ""); d.create("h", "") },
			want:    []string{"dir/ f=ab", "dir/ f=ab g=", "dir/ f=ab g= h="},
		},
		{
			name:    "names come in any order",
			setup:   func(f *crashfs.FS) { f.AnyOrder = true },
			history: func(d disk) { d.create("g", ""); d.create("h", "") },
			want:    []string{"dir/ f=ab", "dir/ f=ab g=", "dir/ f=ab g= h=", "dir/ f=ab h="},
		},
		{
			name:    "removed",
			history: func(d disk) { d.must(d.Remove("f")) },
			want:    []string{"dir/ f=ab", "dir/"},
		},
		{
			name:    "removed and created again",
			history: func(d disk) { d.must(d.Remove("f")); d.create("f", "x"); d.sync("f") },
			want:    []string{"dir/ f=ab", "dir/", "dir/ f=x"},
		},
		{
			name:    "renamed over another: the one or the other, never neither",
			history: func(d disk) { d.create("g", "x"); d.sync("g"); d.must(d.SyncDir(".")); d.must(d.Rename("g", "f")) },
			want:    []string{"dir/ f=ab g=x", "dir/ f=x"},
		},
		{
			name:    "renamed over another in any order",
			setup:   func(f *crashfs.FS) { f.AnyOrder = true },
			history: func(d disk) { d.create("g", "x"); d.sync("g"); d.must(d.Rename("g", "f")) },
			want:    []string{"dir/ f=ab", "dir/ f=ab g=x", "dir/ f=x"},
		},
		{
			name:    "renamed without syncing the bytes first",
			history: func(d disk) { d.create("g", "x"); d.must(d.Rename("g", "f")); d.must(d.SyncDir(".")) },
			want:    []string{"dir/ f=", "dir/ f=0", "dir/ f=x"},
		},
		{
			name:    "renamed to another directory: old, new, both or neither",
			history: func(d disk) { d.must(d.Rename("f", "dir/g")) },
			want:    []string{"dir/ f=ab", "dir/ dir/g=ab", "dir/ dir/g=ab f=ab", "dir/"},
		},
		{
			name:    "renamed to another directory, the new one synced",
			history: func(d disk) { d.must(d.Rename("f", "dir/g")); d.must(d.SyncDir("dir")) },
			want:    []string{"dir/ dir/g=ab", "dir/ dir/g=ab f=ab"},
		},
		{
			name:    "renamed to another directory, the old one synced",
			history: func(d disk) { d.must(d.Rename("f", "dir/g")); d.must(d.SyncDir(".")) },
			want:    []string{"dir/ dir/g=ab", "dir/"},
		},
		{
			name:    "linked, synced, removed: never neither",
			history: func(d disk) { d.must(d.Link("f", "dir/g")); d.must(d.SyncDir("dir")); d.must(d.Remove("f")) },
			want:    []string{"dir/ dir/g=ab", "dir/ dir/g=ab f=ab"},
		},
		{
			name: "one file of two names has one content",
			history: func(d disk) {
				d.must(d.Link("f", "g"))
				d.must(d.SyncDir("."))
				d.write("f", "X", 1)
			},
			want: []string{"dir/ f=ab g=ab", "dir/ f=aX g=aX", "dir/ f=a0 g=a0"},
		},
		{
			name: "a directory whose own name was not synced",
			history: func(d disk) {
				d.must(d.Mkdir("new", 0o700))
				d.create("new/g", "x")
				d.sync("new/g")
				d.must(d.SyncDir("new"))
			},
			want: []string{"dir/ f=ab", "dir/ f=ab new/ new/g=x"},
		},
		{
			name: "a removed directory may come back with what was in it",
			history: func(d disk) {
				d.create("dir/g", "")
				d.must(d.SyncDir("dir"))
				d.must(d.Remove("dir/g"))
				d.must(d.Remove("dir"))
			},
			want: []string{"dir/ dir/g= f=ab", "dir/ f=ab", "f=ab"},
		},
		{
			name:    "mode",
			history: func(d disk) { d.must(d.Chmod("f", 0o400)) },
			want:    []string{"dir/ f=ab", "dir/ f(-r--------)=ab"},
		},
		{
			name:    "mode, synced",
			history: func(d disk) { d.must(d.Chmod("f", 0o400)); d.must(d.open("f", os.O_RDONLY).Sync()) },
			want:    []string{"dir/ f(-r--------)=ab"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mem := start(t)
			if c.setup != nil {
				c.setup(mem)
			}
			c.history(disk{mem, t})
			before := show(mem)
			got := disks(t, mem)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("disks:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if after := show(mem); after != before {
				t.Errorf("crashing changed the disk it was called on from %s to %s", before, after)
			}
			if got := show(mem.Crash(crashfs.KeepAll)); got != before {
				t.Errorf("KeepAll keeps %s, want %s", got, before)
			}
			if got := show(mem.Kill()); got != before {
				t.Errorf("Kill keeps %s, want %s", got, before)
			}
			if killed := disks(t, mem.Kill()); !slices.Equal(killed, got) {
				t.Errorf("a crash after a kill leaves:\n%s", strings.Join(killed, "\n"))
			}
		})
	}
}

func TestKeepNothing(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	d.write("f", "XYZ", 0)
	d.create("g", "x")
	d.must(d.Rename("f", "dir/f"))
	d.must(d.Chmod("dir/f", 0o400))
	if got, want := show(mem.Crash(crashfs.KeepNothing)), "dir/ f=ab"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSyncedStateSurvives runs random histories, syncs everything, and then makes
// random changes: whatever survives of those, what was synced survives.
func TestSyncedStateSurvives(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		mem := start(t)
		mem.Cuts, mem.AnyOrder = 3, seed%2 == 0
		d := disk{mem, t}
		for range 40 {
			d.randomStep(rnd)
		}
		d.syncAll()
		want := show(mem)
		if got := show(mem.Crash(rnd.IntN)); got != want {
			t.Fatalf("seed %d: all synced, and a crash leaves %s of %s", seed, got, want)
		}

		d.must(d.Mkdir("later", 0o700)) // which says nothing about the rest
		d.create("later/g", "x")
		crashed := mem.Crash(rnd.IntN)
		if got := strings.Split(show(crashed), " later/")[0]; got != want {
			t.Fatalf("seed %d: a crash leaves %s of %s", seed, got, want)
		}
		if got := show(crashed.Crash(rnd.IntN)); got != show(crashed) {
			t.Fatalf("seed %d: a second crash changes %s to %s", seed, show(crashed), got)
		}
	}
}

// TestSameChoicesSameDisk also shows that choices matter.
func TestSameChoicesSameDisk(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	mem := start(t)
	d := disk{mem, t}
	for range 60 {
		d.randomStep(rnd)
	}
	shown := map[string]bool{}
	for seed := range uint64(20) {
		crash := func() string { return show(mem.Crash(rand.New(rand.NewPCG(seed, 2)).IntN)) }
		first := crash()
		if second := crash(); first != second {
			t.Fatalf("seed %d leaves %s, and then %s", seed, first, second)
		}
		shown[first] = true
	}
	if len(shown) < 10 {
		t.Errorf("20 seeds leave only %d disks", len(shown))
	}
}

func TestCrashClosesAndUnlocks(t *testing.T) {
	for name, next := range map[string]func(*crashfs.FS) *crashfs.FS{
		"Kill":  (*crashfs.FS).Kill,
		"Crash": func(f *crashfs.FS) *crashfs.FS { return f.Crash(crashfs.KeepAll) },
	} {
		t.Run(name, func(t *testing.T) {
			mem := start(t)
			d := disk{mem, t}
			if _, err := d.Lock("lock"); err != nil {
				t.Fatal(err)
			}
			d.must(d.SyncDir("."))
			d.open("f", os.O_RDWR)
			d.must(d.Remove("f"))
			d.must(d.SyncDir("."))
			if got := mem.OpenFiles(); !slices.Equal(got, []string{"f", "lock"}) {
				t.Errorf("open are %q", got)
			}
			after := next(mem)
			if got := after.OpenFiles(); len(got) != 0 {
				t.Errorf("still open are %q", got)
			}
			if _, err := after.Lock("lock"); err != nil {
				t.Errorf("the lock outlived the process: %v", err)
			}
			if _, err := mem.Lock("lock"); err != vfs.ErrLocked {
				t.Errorf("the lock of the process that continues: %v", err)
			}
		})
	}
}

func TestIdentityOutlivesCrash(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	before := d.stat("f")
	d.must(d.Remove("f"))
	d.create("f", "x")
	if d.stat("f").ID == before.ID {
		t.Error("an ID was reused")
	}
	after := mem.Crash(crashfs.KeepNothing)
	if got, err := after.Stat("f"); err != nil || got != before {
		t.Errorf("after the crash f is %+v, %v; it was %+v", got, err, before)
	}
	restarted := disk{after, t}
	restarted.create("g", "")
	id := restarted.stat("g").ID
	for _, other := range []vfs.ID{before.ID, d.stat("f").ID, d.stat("dir").ID, d.stat(".").ID} {
		if id == other {
			t.Error("a file made after the crash has the ID of another")
		}
	}
}

func TestModTimeOutlivesWithItsChange(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	old := d.stat("f").ModTime
	d.write("f", "X", 0)
	now := d.stat("f").ModTime
	if !now.After(old) {
		t.Fatalf("a write moved the time from %v to %v", old, now)
	}
	crashfs.Enumerate(100, func(choose func(int) int) {
		after := mem.Crash(choose)
		info, err := after.Stat("f")
		if err != nil {
			t.Fatal(err)
		}
		want := now
		if content, _ := after.ReadFile("f"); string(content) == "ab" {
			want = old
		}
		if !info.ModTime.Equal(want) {
			t.Errorf("%s has the time %v, want %v", show(after), info.ModTime, want)
		}
	})
}

// TestDisksAreApart changes the disk before a crash and the one after it in
// turn: neither sees the other's changes, nor does a later crash of either.
func TestDisksAreApart(t *testing.T) {
	for name, next := range map[string]func(*crashfs.FS) *crashfs.FS{
		"Kill":  (*crashfs.FS).Kill,
		"Crash": func(f *crashfs.FS) *crashfs.FS { return f.Crash(crashfs.KeepAll) },
	} {
		t.Run(name, func(t *testing.T) {
			one := disk{start(t), t}
			one.write("f", "X", 0)
			one.create("g", "")
			two := disk{next(one.FS), t}
			want, certain := disks(t, two.FS), show(two.Crash(crashfs.KeepNothing))

			one.write("g", "1", 0)
			if got := show(one.Crash(crashfs.KeepAll)); got != "dir/ f=Xb g=1" {
				t.Errorf("before its name was synced, the first is %s", got)
			}
			one.write("f", "1", 1)
			one.must(one.Rename("g", "one"))
			one.syncAll()
			if got := disks(t, two.FS); !slices.Equal(got, want) {
				t.Errorf("the first changed the second from %q to %q", want, got)
			}
			two.write("f", "2", 1)
			two.create("two", "")
			if got := show(two.Crash(crashfs.KeepNothing)); got != certain {
				t.Errorf("unsynced changes survived: %s, want %s", got, certain)
			}
			two.syncAll()
			if got := show(two.FS); got != "dir/ f=X2 g= two=" {
				t.Errorf("the second is %s", got)
			}
			if got := show(one.Crash(crashfs.KeepNothing)); got != "dir/ f=X1 one=1" {
				t.Errorf("the first is %s", got)
			}
		})
	}
}

func TestSettingsOutliveCrash(t *testing.T) {
	mem := start(t)
	mem.Before = func(crashfs.Op) error { return fs.ErrInvalid }
	mem.Capacity, mem.AnyOrder, mem.RetrySyncDir, mem.Cuts = 100, true, true, 3
	mem.Now = func() time.Time { return time.Unix(1, 0) }
	for name, after := range map[string]*crashfs.FS{"Kill": mem.Kill(), "Crash": mem.Crash(crashfs.KeepAll)} {
		if after.Capacity != 100 || !after.AnyOrder || !after.RetrySyncDir || after.Cuts != 3 {
			t.Errorf("%s lost a setting", name)
		}
		if after.Before != nil {
			t.Errorf("%s kept Before", name)
		}
		d := disk{after, t}
		d.create("g", "")
		d.write("g", "x", 0)
		if got := d.stat("g").ModTime; got != time.Unix(1, 0) {
			t.Errorf("%s lost Now: %v", name, got)
		}
	}
}

func TestTimeGoesOnAfterCrash(t *testing.T) {
	d := disk{start(t), t}
	d.write("f", "X", 0)
	after := disk{d.Crash(crashfs.KeepAll), t}
	before := after.stat("f").ModTime
	after.write("f", "Y", 0)
	if got := after.stat("f").ModTime; !got.After(before) {
		t.Errorf("written at %v, after a write at %v", got, before)
	}
}

func TestCrashRefusesBadChoices(t *testing.T) {
	mem := start(t)
	d := disk{mem, t}
	d.write("f", "X", 0)
	for _, bad := range []int{-1, 3} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("choose answered %d of 3, and nobody minded", bad)
				}
			}()
			mem.Crash(func(int) int { return bad })
		}()
	}
}

// disk is a crashfs.FS with operations that end the test if they fail.
type disk struct {
	*crashfs.FS
	t *testing.T
}

func start(t *testing.T) *crashfs.FS {
	t.Helper()
	mem := crashfs.New()
	d := disk{mem, t}
	d.create("f", "ab")
	d.must(d.Mkdir("dir", 0o700))
	d.syncAll()
	return mem
}

func (d disk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d disk) open(name string, flag int) vfs.File {
	d.t.Helper()
	f, err := d.OpenFile(name, flag, 0o600)
	d.must(err)
	return f
}

func (d disk) stat(name string) vfs.Info {
	d.t.Helper()
	info, err := d.Stat(name)
	d.must(err)
	return info
}

func (d disk) create(name, data string) {
	d.t.Helper()
	d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL).Close()
	d.write(name, data, 0)
}

func (d disk) write(name, data string, off int64) {
	d.t.Helper()
	f := d.open(name, os.O_WRONLY)
	defer f.Close()
	_, err := f.WriteAt([]byte(data), off)
	d.must(err)
}

func (d disk) truncate(name string, size int64) {
	d.t.Helper()
	f := d.open(name, os.O_WRONLY)
	defer f.Close()
	d.must(f.Truncate(size))
}

func (d disk) sync(name string) {
	d.t.Helper()
	f := d.open(name, os.O_RDONLY)
	defer f.Close()
	d.must(f.Sync())
}

func (d disk) syncAll() {
	d.t.Helper()
	d.must(d.SyncDir("."))
	for name := range d.Tree() {
		d.sync(strings.TrimSuffix(name, "/"))
	}
}

// randomStep does something to the files a to d and dir/a to dir/d. It may fail, if a
// file is missing.
func (d disk) randomStep(rnd *rand.Rand) {
	name := func() string { return []string{"", "dir/"}[rnd.IntN(2)] + string(rune('a'+rnd.IntN(4))) }
	switch rnd.IntN(8) {
	case 0, 1:
		f, err := d.OpenFile(name(), os.O_RDWR|os.O_CREATE, 0o600)
		d.must(err)
		defer f.Close()
		_, err = f.WriteAt([]byte(strings.Repeat(string(rune('A'+rnd.IntN(26))), 1+rnd.IntN(6))), rnd.Int64N(8))
		d.must(err)
	case 2:
		if f, err := d.OpenFile(name(), os.O_RDWR, 0); err == nil {
			defer f.Close()
			d.must(f.Truncate(rnd.Int64N(8)))
		}
	case 3:
		if f, err := d.OpenFile(name(), os.O_RDWR, 0); err == nil {
			defer f.Close()
			d.must(f.Sync())
		}
	case 4:
		d.Rename(name(), name())
	case 5:
		d.Link(name(), name())
	case 6:
		d.Remove(name())
	case 7:
		d.must(d.SyncDir([]string{".", "dir"}[rnd.IntN(2)]))
	}
}

// disks returns every disk that a crash of f may leave, sorted.
func disks(t *testing.T, f *crashfs.FS) []string {
	t.Helper()
	seen := map[string]bool{}
	if !crashfs.Enumerate(10_000, func(choose func(int) int) { seen[show(f.Crash(choose))] = true }) {
		t.Fatal("too many disks")
	}
	return slices.Sorted(maps.Keys(seen))
}

// show returns the tree in one line, zero bytes as 0, and modes if they are not
// 0600.
func show(f *crashfs.FS) string {
	tree := f.Tree()
	var b []string
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		mode := ""
		if info, err := f.Stat(strings.TrimSuffix(name, "/")); err != nil || info.Mode.IsRegular() && info.Mode != 0o600 {
			mode = fmt.Sprintf("(%v)", fs.FileMode(info.Mode))
		}
		if strings.HasSuffix(name, "/") {
			b = append(b, name)
			continue
		}
		b = append(b, name+mode+"="+strings.ReplaceAll(tree[name], "\x00", "0"))
	}
	return strings.Join(b, " ")
}

// products returns prefix followed by one byte of each set, in all combinations.
func products(prefix string, sets ...string) []string {
	if len(sets) == 0 {
		return []string{prefix}
	}
	var all []string
	for _, c := range sets[0] {
		all = append(all, products(prefix+string(c), sets[1:]...)...)
	}
	return all
}
