package dirstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

func openStore(t testing.TB, dir string) *dirstore.Store {
	t.Helper()
	s, err := dirstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(s string) []rotatelog.Part { return []rotatelog.Part{rotatelog.Data([]byte(s))} }

func statObject(t testing.TB, s rotatelog.Store, key string) rotatelog.Object {
	t.Helper()
	o, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func writeObject(t testing.TB, s rotatelog.Store, key string, old rotatelog.Version, content string, meta map[string]string) rotatelog.Object {
	t.Helper()
	if err := s.Write(t.Context(), key, old, text(content), meta); err != nil {
		t.Fatal(err)
	}
	return statObject(t, s, key)
}

func wantFile(t testing.TB, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is %q, %v, want %q", path, got, err, want)
	}
}

// files lists the regular files below dir, relative to it.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) rotatelog.Store { return openStore(t, t.TempDir()) })
}

// byTurns is one directory opened twice, as by two processes.
type byTurns struct {
	stores [2]rotatelog.Store
	calls  *atomic.Int32
}

func (s byTurns) next() rotatelog.Store { return s.stores[s.calls.Add(1)%2] }

func (s byTurns) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	return s.next().Stat(ctx, key)
}

func (s byTurns) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	return s.next().Read(ctx, key, v, off, n)
}

func (s byTurns) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.next().Write(ctx, key, old, parts, meta)
}

func TestOpenedTwice(t *testing.T) {
	dir := t.TempDir()
	s := byTurns{[2]rotatelog.Store{openStore(t, dir), openStore(t, dir)}, new(atomic.Int32)}
	storetest.Run(t, func(t *testing.T) rotatelog.Store { return s })
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made on the way")
	s := openStore(t, dir)
	meta := map[string]string{"ids": "1 a"}
	o := writeObject(t, s, "logs/2025/day.json", "", "one", meta)
	if !maps.Equal(o.Meta, meta) || o.Size != 3 {
		t.Errorf("Stat = %+v, want Meta %v", o, meta)
	}
	meta = map[string]string{"ids": "2 b"}
	o = writeObject(t, s, "logs/2025/day.json", o.Version, "two!", meta)
	if !maps.Equal(o.Meta, meta) || o.Size != 4 {
		t.Errorf("Stat = %+v, want Meta %v", o, meta)
	}
	wantFile(t, filepath.Join(dir, "logs/2025/day.json"), "two!")

	for _, name := range []string{dir, filepath.Join(dir, "logs/2025"), filepath.Join(dir, "logs/2025/day.json")} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v, want it closed to others", name, info.Mode(), err)
		}
	}
	if got := files(t, filepath.Join(dir, ".rotatelog/meta")); len(got) != 1 {
		t.Errorf("metadata of %q is kept, want that of one version", got)
	}
	if got := files(t, filepath.Join(dir, ".rotatelog/new")); len(got) != 0 {
		t.Errorf("temporary files are left: %q", got)
	}
	o = writeObject(t, s, "logs/2025/day.json", o.Version, "three", nil)
	if got := files(t, filepath.Join(dir, ".rotatelog/meta")); len(got) != 0 || len(o.Meta) != 0 {
		t.Errorf("metadata of earlier versions is left: %q, %v", got, o.Meta)
	}
}

// A Stat that meets a replacement must not take the metadata for lost.
func TestStatWhileReplacing(t *testing.T) {
	const versions = 100
	s := openStore(t, t.TempDir())
	size := func(n int) (string, map[string]string) {
		return strings.Repeat("x", n), map[string]string{"size": fmt.Sprint(n)}
	}
	content, meta := size(1)
	o := writeObject(t, s, "day.json", "", content, meta)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for last := int64(0); last < versions; {
				o, err := s.Stat(t.Context(), "day.json")
				if err != nil || o.Meta["size"] != fmt.Sprint(o.Size) {
					t.Errorf("Stat = %+v, %v", o, err)
					return
				}
				last = o.Size
			}
		})
	}
	for n := 2; n <= versions; n++ {
		content, meta := size(n)
		o = writeObject(t, s, "day.json", o.Version, content, meta)
	}
	wg.Wait()
}

func TestKeepsMode(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", nil)
	if err := os.Chmod(filepath.Join(dir, "day.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeObject(t, s, "day.json", o.Version, "two", nil)
	if info, err := os.Stat(filepath.Join(dir, "day.json")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the mode is %v, %v, want 0644", info.Mode(), err)
	}
}

func TestFailedWritesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", map[string]string{"n": "1"})
	before := files(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"bad copy": s.Write(t.Context(), "day.json", o.Version, []rotatelog.Part{rotatelog.Data([]byte("x")), rotatelog.Copy(0, 4)}, nil),
		"conflict": s.Write(t.Context(), "day.json", "", text("two"), nil),
		"stale":    s.Write(t.Context(), "day.json", "1.000000001-3", text("two"), nil),
		"ctx":      s.Write(ctx, "day.json", o.Version, text("two"), nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if after := files(t, dir); !slices.Equal(after, before) {
		t.Errorf("files are %q, and were %q", after, before)
	}
	if after := statObject(t, s, "day.json"); after.Version != o.Version || after.Meta["n"] != "1" {
		t.Errorf("the object is %+v, and was %+v", after, o)
	}
}

// What people do to the files is a new version, and never overwritten unseen.
func TestNoticesStrangers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(path string) error
		now    string
	}{
		{"edited in place", func(path string) error { return os.WriteFile(path, []byte("edited"), 0o600) }, "edited"},
		{"touched", func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) }, "one"},
		{"touched, long ago", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(0, 0)) }, "one"},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+"~", []byte("other"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+"~", path)
		}, "other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir)
			before := writeObject(t, s, "day.json", "", "one", map[string]string{"n": "1"})
			if err := c.change(filepath.Join(dir, "day.json")); err != nil {
				t.Fatal(err)
			}
			if err := s.Write(t.Context(), "day.json", before.Version, text("two"), nil); !errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("Write over what a stranger left: %v, want ErrConflict", err)
			}
			if _, err := s.Read(t.Context(), "day.json", before.Version, 0, -1); !errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("Read of what a stranger replaced: %v, want ErrConflict", err)
			}
			wantFile(t, filepath.Join(dir, "day.json"), c.now)
			now := statObject(t, s, "day.json")
			if now.Version == before.Version || len(now.Meta) != 0 || now.Size != int64(len(c.now)) {
				t.Errorf("Stat = %+v after %+v", now, before)
			}
			if after := writeObject(t, s, "day.json", now.Version, "two", nil); after.Version == now.Version {
				t.Errorf("two versions are called %s", after.Version)
			}
			if got := files(t, filepath.Join(dir, ".rotatelog/meta")); len(got) != 0 {
				t.Errorf("the metadata of the version before the stranger's is left: %q", got)
			}
		})
	}
}

// looking is a context that does something when it is looked at for the second
// time, which a Write with a copy does while it copies.
type looking struct {
	context.Context // without a cancel function, so that Err is what is asked
	looks           *int
	second          func()
}

func (c looking) Err() error {
	if *c.looks++; *c.looks == 2 {
		c.second()
	}
	return c.Context.Err()
}

func TestNoticesStrangersWhileItCopies(t *testing.T) {
	for _, c := range []struct{ name, now string }{{"edited", "a stranger's"}, {"cut short", ""}, {"same size", "ONE"}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir)
			file := filepath.Join(dir, "day.json")
			o := writeObject(t, s, "day.json", "", "one", nil)
			ctx := looking{context.Background(), new(int), func() {
				err := errors.Join(os.WriteFile(file, []byte(c.now), 0o600), os.Chtimes(file, time.Time{}, time.Now().Add(time.Second)))
				if err != nil {
					t.Error(err)
				}
			}}
			parts := []rotatelog.Part{rotatelog.Copy(0, 3), rotatelog.Data([]byte("+"))}
			if err := s.Write(ctx, "day.json", o.Version, parts, nil); !errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("Write: %v, want ErrConflict", err)
			}
			wantFile(t, file, c.now)
		})
	}
}

func TestRemovedFile(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	before := writeObject(t, s, "a/day.json", "", "one", map[string]string{"n": "1"})
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Stat(t.Context(), "a/day.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat = %+v, %v, want fs.ErrNotExist", o, err)
	}
	if err := s.Write(t.Context(), "a/day.json", before.Version, text("two"), nil); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("Write: %v, want ErrConflict", err)
	}
	if o := writeObject(t, s, "a/day.json", "", "two", nil); len(o.Meta) != 0 {
		t.Errorf("the metadata of the removed file is back: %v", o.Meta)
	}
}

// A clock that was wrong once must not let versions share a name.
func TestTimeInTheFuture(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	writeObject(t, s, "day.json", "", "0", nil)
	future := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "day.json"), time.Time{}, future); err != nil {
		t.Fatal(err)
	}
	v := statObject(t, s, "day.json").Version
	seen := map[rotatelog.Version]bool{v: true}
	for i := range 5 {
		v = writeObject(t, s, "day.json", v, fmt.Sprint(i), nil).Version
		if seen[v] {
			t.Errorf("two versions are called %s", v)
		}
		seen[v] = true
	}
	info, err := os.Stat(filepath.Join(dir, "day.json"))
	if err != nil || !info.ModTime().After(future) || info.ModTime().After(future.Add(time.Minute)) {
		t.Errorf("the time is %v, %v, want a little after %v", info.ModTime(), err, future)
	}
}

// A copy of the directory that keeps the times has the same versions.
func TestMoves(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	before := writeObject(t, openStore(t, from), "a/day.json", "", "one", map[string]string{"n": "1"})
	for _, name := range files(t, from) {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		dst := filepath.Join(to, name)
		err = errors.Join(os.MkdirAll(filepath.Dir(dst), 0o700), os.WriteFile(dst, b, 0o600), os.Chtimes(dst, time.Time{}, info.ModTime()))
		if err != nil {
			t.Fatal(err)
		}
	}
	after := statObject(t, openStore(t, to), "a/day.json")
	if after.Version != before.Version || !maps.Equal(after.Meta, before.Meta) {
		t.Errorf("the copy is %+v, the original %+v", after, before)
	}
}

func TestSidecars(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir, sidecar string) error
		meta   map[string]string
	}{
		{"gone", func(_, sidecar string) error { return os.Remove(sidecar) }, nil},
		{"not JSON", func(_, sidecar string) error { return os.WriteFile(sidecar, []byte("{"), 0o600) }, nil},
		{"of a version that was never renamed", func(_, sidecar string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(sidecar), "1.000000001-3.json"), []byte(`{"meta":{"n":"9"}}`), 0o600)
		}, map[string]string{"n": "1"}},
		{"all gone", func(dir, _ string) error { return os.RemoveAll(filepath.Join(dir, ".rotatelog", "meta")) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir)
			before := writeObject(t, s, "day.json", "", "one", map[string]string{"n": "1"})
			own := filepath.Join(dir, ".rotatelog", "meta")
			if err := c.change(dir, filepath.Join(own, files(t, own)[0])); err != nil {
				t.Fatal(err)
			}
			o := statObject(t, s, "day.json")
			if o.Version != before.Version || !maps.Equal(o.Meta, c.meta) {
				t.Errorf("Stat = %+v, want Meta %v", o, c.meta)
			}
			o = writeObject(t, s, "day.json", o.Version, "two", map[string]string{"n": "2"})
			if !maps.Equal(o.Meta, map[string]string{"n": "2"}) {
				t.Errorf("the next write has Meta %v", o.Meta)
			}
			if got := files(t, own); len(got) != 1 {
				t.Errorf("metadata of %q is kept, want that of one version", got)
			}
		})
	}
}

func TestSweepsLeftovers(t *testing.T) {
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

func TestWaitsForTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, dir)
		o := writeObject(t, s, "day.json", "", "one", nil)
		locks, err := vfs.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer locks.Close()
		name := ".rotatelog/lock/" + files(t, filepath.Join(dir, ".rotatelog", "lock"))[0]
		lock, err := locks.Lock(name)
		if err != nil {
			t.Fatal(err)
		}

		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		err = s.Write(ctx, "day.json", o.Version, text("two"), nil)
		if !errors.Is(err, cause) || errors.Is(err, rotatelog.ErrConflict) || !strings.Contains(err.Error(), name) {
			t.Errorf("Write while another holds the lock: %v, want the cause, and the lock named", err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), "one")
		writeObject(t, s, "other.json", "", "not locked", nil)

		time.AfterFunc(10*time.Second, func() { lock.Close() })
		if err := s.Write(t.Context(), "day.json", o.Version, text("two"), nil); err != nil {
			t.Errorf("Write after the lock was given back: %v", err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), "two")
	})
}

func TestReaderNoticesEdits(t *testing.T) {
	for _, now := range []string{"", "01", "01234", "0123456789 and more"} {
		dir := t.TempDir()
		s := openStore(t, dir)
		o := writeObject(t, s, "day.json", "", "0123456789", nil)
		r, err := s.Read(t.Context(), "day.json", o.Version, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "day.json"), []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(r); !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("reading on after an edit to %q = %q, %v, want ErrConflict", now, rest, err)
		}
		r.Close()
	}
}

func TestKeys(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "store")
	s := openStore(t, dir)
	for _, key := range []string{
		"", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/.", "../a", "a/../../b", "a/..", `a\b`, "a\x00b", "\xff",
		".rotatelog", ".rotatelog/lock/x", ".ROTATELOG/x", filepath.Join(outside, "a"),
	} {
		_, statErr := s.Stat(t.Context(), key)
		_, readErr := s.Read(t.Context(), key, "v", 0, -1)
		writeErr := s.Write(t.Context(), key, "", text("x"), nil)
		for op, err := range map[string]error{"Stat": statErr, "Read": readErr, "Write": writeErr} {
			if !errors.Is(err, fs.ErrInvalid) || !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(fmt.Sprint(err), fmt.Sprintf("%q", key)) {
				t.Errorf("%s of the key %q: %v, want ErrPermanent and fs.ErrInvalid, and the key named", op, key, err)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of the key %q says that there is no object", op, key)
			}
		}
	}
	if got := files(t, outside); len(got) != 0 {
		t.Errorf("there are files: %q", got)
	}
	for _, key := range []string{"..a", ".rotatelog2", "a/.rotatelog/b", "...", "-", "a b"} {
		writeObject(t, s, key, "", "x", nil)
	}
}

func TestObstacles(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	writeObject(t, s, "file", "", "x", nil)
	writeObject(t, s, "dir/file", "", "x", nil)
	for _, key := range []string{"file/below", "file/below/it", "dir", strings.Repeat("long", 100)} {
		err := s.Write(t.Context(), key, "", text("y"), nil)
		if !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, rotatelog.ErrConflict) || !strings.Contains(err.Error(), key) {
			t.Errorf("Write of %q: %v, want ErrPermanent and the key", key, err)
		}
	}
	for _, key := range []string{"file/below", "dir"} {
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of %q: %v, want fs.ErrNotExist", key, err)
		}
	}
	wantFile(t, filepath.Join(dir, "file"), "x")
	wantFile(t, filepath.Join(dir, "dir/file"), "x")
}

func TestSymlinks(t *testing.T) {
	outside := t.TempDir()
	dir := filepath.Join(outside, "store")
	s := openStore(t, dir)
	o := writeObject(t, s, "real/day.json", "", "inside", nil)
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"secret": "../secret", "absolute": filepath.Join(outside, "secret"), "out": "..",
		"alias": "real", "latest.json": "real/day.json", "dangling": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"secret", "absolute", "out/secret", "out/new"} {
		_, statErr := s.Stat(t.Context(), key)
		_, readErr := s.Read(t.Context(), key, "v", 0, -1)
		writeErr := s.Write(t.Context(), key, "", text("x"), nil)
		for op, err := range map[string]error{"Stat": statErr, "Read": readErr, "Write": writeErr} {
			if !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("%s of %s, which leads out: %v, want ErrPermanent", op, key, err)
			}
		}
	}
	wantFile(t, filepath.Join(outside, "secret"), "secret")
	if _, err := os.Stat(filepath.Join(outside, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written outside: %v", err)
	}
	for _, key := range []string{"alias/day.json", "latest.json"} {
		if got := statObject(t, s, key); got.Version != o.Version || got.Size != o.Size {
			t.Errorf("Stat of %s, which stays inside = %+v, want %+v", key, got, o)
		}
	}
	writeObject(t, s, "latest.json", o.Version, "new", nil)
	wantFile(t, filepath.Join(dir, "latest.json"), "new")
	wantFile(t, filepath.Join(dir, "real/day.json"), "inside") // it was the link that was replaced
	if _, err := s.Stat(t.Context(), "dangling"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of a dangling link: %v, want fs.ErrNotExist", err)
	}
}

func TestNewDirStoreFails(t *testing.T) {
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

// TestNewDirStoreWithoutItsDisk: where a disk is not mounted, nothing is made in
// its place.
func TestNewDirStoreWithoutItsDisk(t *testing.T) {
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

// TestGone: a directory that is gone is not an empty one, neither is
// another in its place, and what comes back is used.
func TestGone(t *testing.T) {
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

// removing is a context that calls remove when it is asked the second time: by
// Write, right before it renames.
type removing struct {
	context.Context
	calls  int
	remove func()
}

func (c *removing) Err() error {
	if c.calls++; c.calls == 2 {
		c.remove()
	}
	return nil
}

// TestLockRemovedWhileWriting: whose lock was removed writes nothing, since
// another may hold a new one.
func TestLockRemovedWhileWriting(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", nil)
	lock, temp := "", ""
	ctx := &removing{Context: context.Background(), remove: func() {
		names := files(t, filepath.Join(dir, ".rotatelog"))
		i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "new/") })
		if i < 0 {
			t.Fatalf("nothing is being written: %q", names)
		}
		temp = filepath.Join(dir, ".rotatelog", names[i])
		lock = filepath.Join(dir, ".rotatelog/lock", filepath.Base(temp))
		if err := os.RemoveAll(filepath.Join(dir, ".rotatelog")); err != nil {
			t.Fatal(err)
		}
		openStore(t, dir) // as another process does
		for _, name := range []string{lock, temp} {
			if err := os.WriteFile(name, []byte("another's"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}}
	err := s.Write(ctx, "day.json", o.Version, text("two"), nil)
	if err == nil || errors.Is(err, rotatelog.ErrConflict) || errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), ".rotatelog was removed while the object was written") {
		t.Errorf("Write: %v", err)
	}
	wantFile(t, filepath.Join(dir, "day.json"), "one")
	wantFile(t, temp, "another's")
	writeObject(t, s, "day.json", o.Version, "two", nil)
}

// These variables make the test binary a process that works on a Store.
const (
	countIn  = "ROTATELOG_TEST_COUNT_IN"  // a directory: increments a counter there
	scrawlIn = "ROTATELOG_TEST_SCRAWL_IN" // a directory: writes until it is killed
)

// child starts this test again as a process of its own.
func child(t *testing.T, variable, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestProcesses(t *testing.T) {
	const processes, increments = 3, 20
	if dir := os.Getenv(countIn); dir != "" {
		s := openStore(t, dir)
		for range increments {
			increment(t, s)
		}
		return
	}
	dir := t.TempDir()
	s := openStore(t, dir)
	writeObject(t, s, "counter", "", "0", map[string]string{"count": "0"})
	var cmds []*exec.Cmd
	for range processes {
		cmd := child(t, countIn, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for range increments { // this process is one more
		increment(t, s)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process failed: %v", err)
		}
	}
	wantFile(t, filepath.Join(dir, "counter"), fmt.Sprint((processes+1)*increments))
}

// increment adds 1 to the counter, of which the metadata has a copy.
func increment(t *testing.T, s *dirstore.Store) {
	for {
		o := statObject(t, s, "counter")
		r, err := s.Read(t.Context(), "counter", o.Version, 0, -1)
		if errors.Is(err, rotatelog.ErrConflict) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		n, convErr := strconv.Atoi(string(b))
		if err = errors.Join(err, convErr); err != nil {
			t.Fatal(err)
		}
		if o.Meta["count"] != string(b) {
			t.Fatalf("the counter is %s, in its metadata %v", b, o.Meta)
		}
		next := fmt.Sprint(n + 1)
		err = s.Write(t.Context(), "counter", o.Version, text(next), map[string]string{"count": next})
		if err == nil {
			return
		}
		if !errors.Is(err, rotatelog.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// A process that is killed leaves a whole version with its own metadata, and
// nothing in the way of the next.
func TestKilled(t *testing.T) {
	scrawl := func(n int) string { return strings.Repeat(fmt.Sprintf("%09d\n", n), 10_000) }
	if dir := os.Getenv(scrawlIn); dir != "" {
		s := openStore(t, dir)
		for n := 0; ; n++ {
			o := statObject(t, s, "day.json")
			writeObject(t, s, "day.json", o.Version, scrawl(n), map[string]string{"n": fmt.Sprint(n)})
			fmt.Println(n)
		}
	}
	dir := t.TempDir()
	writeObject(t, openStore(t, dir), "day.json", "", scrawl(0), map[string]string{"n": "0"})
	for round := range 5 {
		cmd := child(t, scrawlIn, dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 2 + round {
			if !lines.Scan() {
				t.Fatal("the process wrote nothing")
			}
		}
		cmd.Process.Kill()
		cmd.Wait()

		s := openStore(t, dir)
		if got := files(t, filepath.Join(dir, ".rotatelog", "new")); len(got) != 0 {
			t.Errorf("temporary files are left: %q", got)
		}
		o := statObject(t, s, "day.json")
		n, err := strconv.Atoi(o.Meta["n"])
		if err != nil {
			t.Fatalf("the metadata is %v: %v", o.Meta, err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), scrawl(n))
		writeObject(t, s, "day.json", o.Version, scrawl(n), o.Meta)
	}
}
