package dirstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/rotatelog/dirstore"
)

func list(t *testing.T, s *dirstore.Store, prefix string) (keys []string, err error) {
	for key, err := range s.List(t.Context(), prefix) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// TestListIsOfPlainFiles: whoever made them, through links too, and nothing else.
func TestListIsOfPlainFiles(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := openStore(t, dir)
	writeObject(t, s, "logs/b.json", "", "b", map[string]string{"n": "1"})
	writeObject(t, s, "logs-1", "", "c", nil)
	for _, name := range []string{"foreign", "logs/a.json", ".hidden", "bad\\name", "not utf-8 \xff"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil && utf8.ValidString(name) { // macOS has no such names
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"link": "logs", "logs/link.json": "a.json", "logs/up": "..", "self": "self", "nowhere": "none", "out": outside, "out.json": filepath.Join(outside, "secret"), "below": "logs/a.json/x",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	const inLogs = "a.json b.json link.json"
	in := func(dir string) []string {
		var keys []string
		for name := range strings.FieldsSeq(inLogs) {
			keys = append(keys, dir+name)
		}
		return keys
	}
	all := slices.Concat([]string{".hidden", "foreign"}, in("link/"), []string{"logs-1"}, in("logs/"))
	for prefix, want := range map[string][]string{
		"": all, "l": all[2:], "logs": all[5:], "logs/": all[6:], "logs/b": {"logs/b.json"}, "logs/b.json/": nil, "link/": in("link/"), ".": {".hidden"},
		".rotatelog": nil, ".rotatelog/": nil, ".ROTATELOG/meta": nil, "empty": nil, "logs/up/": nil,
	} {
		if got, err := list(t, s, prefix); err != nil || !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, %v, want %q", prefix, got, err, want)
		}
	}
}

// TestListOfAMissingDirectory is an error, and not an empty list.
func TestListOfAMissingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := openStore(t, dir)
	writeObject(t, s, "a", "", "a", nil)
	if err := os.Rename(dir, dir+" moved"); err != nil {
		t.Fatal(err)
	}
	if keys, err := list(t, s, ""); err == nil || len(keys) > 0 || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q, %v, want an error", keys, err)
	}
}
