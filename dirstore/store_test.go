package dirstore_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/depth"
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

// TestStoreInAWrapper: what wraps a Store passes on streams, lists and copies.
func TestStoreInAWrapper(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) rotatelog.Store { return &storetest.Faulty{Store: openStore(t, t.TempDir())} })
}

func TestObjectsAreFiles(t *testing.T) {
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

func TestWriteKeepsTheMode(t *testing.T) {
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
		"stream":   s.Write(t.Context(), "day.json", o.Version, []rotatelog.Part{rotatelog.Stream(4, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("two")), nil })}, nil),
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

// TestErrorOfAStream: it says nothing about the directory of the store.
func TestErrorOfAStream(t *testing.T) {
	s := openStore(t, t.TempDir())
	denied := func() (io.ReadCloser, error) { return nil, fs.ErrPermission }
	err := s.Write(t.Context(), "day.json", "", []rotatelog.Part{rotatelog.Stream(4, denied)}, nil)
	if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Hint != "" || errors.Is(err, rotatelog.ErrPermanent) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, hint %q", err, e.Hint)
	}
}

func TestLostMetadata(t *testing.T) {
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
