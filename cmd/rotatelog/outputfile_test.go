package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is replaced as a whole or not at all, and what is no file, such as a link, is written
// to, not replaced.
func TestOutputFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	for _, test := range []struct{ path, text string }{{file, "first"}, {file, "second"}, {link, "third"}} {
		if err := writeFile(test.path, test.text); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != test.text {
			t.Errorf("%s: %q, %v", test.path, text, err)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != file {
		t.Errorf("the link was replaced: %q, %v", target, err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, filepath.Join(dir, "none", "file")} {
		if err := writeFile(path, "x"); err == nil || !strings.HasPrefix(err.Error(), path+" cannot be written: ") {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Errorf("%v, %v", left, err)
	}
}
