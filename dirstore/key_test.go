package dirstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
)

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

func TestKeyThatIsTaken(t *testing.T) {
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
