package dirstore_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/vfs"
)

func TestOpenRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", nil)
	own := filepath.Join(dir, ".rotatelog")
	hash := files(t, filepath.Join(own, "lock"))[0]
	leftover := filepath.Join(own, "new", hash)
	leave := func(name string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("a longer leftover"), 0o400); err != nil {
			t.Fatal(err)
		}
	}

	leave(leftover)
	writeObject(t, s, "day.json", o.Version, "two", nil)
	wantFile(t, filepath.Join(dir, "day.json"), "two")

	leave(leftover)
	writing := filepath.Join(own, "new", "of-a-writer-that-lives")
	leave(writing)
	locks, err := vfs.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer locks.Close()
	lock, err := locks.Lock(".rotatelog/lock/of-a-writer-that-lives")
	if err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
	if got := files(t, filepath.Join(own, "new")); !slices.Equal(got, []string{"of-a-writer-that-lives"}) {
		t.Errorf("a second opening left %q, want only what is being written", got)
	}
	lock.Close()
	openStore(t, dir)
	if got := files(t, filepath.Join(own, "new")); len(got) != 0 {
		t.Errorf("a third opening left %q", got)
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dirstore.Open(file); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), file) {
		t.Errorf("NewDirStore of a file: %v, want ErrPermanent and its name", err)
	}
	if _, err := dirstore.Open(filepath.Join(file, "below")); !errors.Is(err, rotatelog.ErrPermanent) {
		t.Errorf("NewDirStore below a file: %v, want ErrPermanent", err)
	}
	if _, err := dirstore.Open(""); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("NewDirStore of nothing: %v, want fs.ErrInvalid", err)
	}
}

// TestOpenWithoutItsDisk: if a disk is not mounted, nothing is made in its place.
func TestOpenWithoutItsDisk(t *testing.T) {
	mnt := filepath.Join(t.TempDir(), "nas")
	_, err := dirstore.Open(filepath.Join(mnt, "logs"))
	want := "there is no directory " + mnt + ", in which the store would be made; mount its disk, or make it"
	if !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want ErrPermanent and %s", err, want)
	}
	if _, err := os.Stat(mnt); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

func TestLocation(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{dir + "/logs", "logs", "./x/../logs/"} {
		if got, want := rotatelog.Located(openStore(t, name)).Location(), filepath.Join(dir, "logs"); got != want {
			t.Errorf("Location of %s is %q, want %q", name, got, want)
		}
	}
}

// dirCalls calls each method of a Store.
func dirCalls(t *testing.T, s rotatelog.Store, v rotatelog.Version) map[string]error {
	t.Helper()
	_, statErr := s.Stat(t.Context(), "a/day.json")
	_, readErr := s.Read(t.Context(), "a/day.json", v, 0, -1)
	return map[string]error{"Stat": statErr, "Read": readErr, "Write": s.Write(t.Context(), "a/day.json", "", text("two"), nil)}
}

// TestMissingDirectoryIsNotAnEmptyStore, and neither is another in its place. The
// directory is used again once it is back.
func TestMissingDirectoryIsNotAnEmptyStore(t *testing.T) {
	above := t.TempDir()
	dir, away := filepath.Join(above, "store"), filepath.Join(above, "away")
	s := openStore(t, dir)
	o := writeObject(t, s, "a/day.json", "", "one", map[string]string{"n": "1"})
	wantRefused := func(want string) {
		t.Helper()
		for op, err := range dirCalls(t, s, o.Version) {
			if !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, rotatelog.ErrConflict) ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want ErrPermanent and %s", op, err, want)
			}
		}
	}
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(dir, away)
	wantRefused("the directory of the store, " + dir + ", is gone; mount its disk, or put it back")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantRefused("another directory has taken the place of the store's, " + dir + "; mount its disk, or, to start again in this one, make " + dir + "/.rotatelog")
	if got := files(t, dir); len(got) > 0 {
		t.Errorf("files were made in its place: %q", got)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	rename(away, dir)
	if got := statObject(t, s, "a/day.json"); got.Version != o.Version || !maps.Equal(got.Meta, o.Meta) {
		t.Errorf("once back, Stat = %+v, want %+v", got, o)
	}

	rename(dir, away)
	if err := os.MkdirAll(filepath.Join(dir, ".rotatelog"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeObject(t, s, "a/day.json", "", "two", nil)
	wantFile(t, filepath.Join(dir, "a/day.json"), "two")
	wantFile(t, filepath.Join(away, "a/day.json"), "one")
}

// TestOwnDirectoryRemoved: .rotatelog is made again.
func TestOwnDirectoryRemoved(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	meta := map[string]string{"n": "1"}
	o := writeObject(t, s, "day.json", "", "one", meta)
	for _, name := range []string{".rotatelog", ".rotatelog/lock", ".rotatelog/new", ".rotatelog/meta"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if got := statObject(t, s, "day.json"); got.Version != o.Version {
			t.Errorf("without %s, Stat = %+v, want %+v", name, got, o)
		}
		if o = writeObject(t, s, "day.json", o.Version, "after "+name, meta); !maps.Equal(o.Meta, meta) {
			t.Errorf("after %s was removed, Stat = %+v, want Meta %v", name, o, meta)
		}
	}
}
