package dirstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
)

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

// What people do to the files makes a new version, which is never overwritten
// unnoticed.
func TestForeignWritesAreNoticed(t *testing.T) {
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

// looking is a context that does something when it is asked the second time, which
// a Write with a copy does while it copies.
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

func TestForeignWriteDuringACopyIsNoticed(t *testing.T) {
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
func TestVersionsAfterATimeInTheFuture(t *testing.T) {
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
func TestCopiedDirectoryKeepsItsVersions(t *testing.T) {
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
