package dayfiles

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
)

const key = "any/all_api_json_log_2025-07-06.json"

// write writes files into a new directory; their content is their name.
func write(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read returns what the object at a key holds, "" if there is none.
func read(t *testing.T, s *Store, key string) string {
	t.Helper()
	o, err := s.Stat(t.Context(), key)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Read(t.Context(), key, o.Version, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != o.Size {
		t.Errorf("%q, %v, want %d bytes", b, err, o.Size)
	}
	return string(b)
}

func TestDaysAreFoundByTheirNames(t *testing.T) {
	dir := write(t, "all_api_json_log_2025-07-06.json", "folder/all_api_json_log_2025-07-07.json.zst", "folder/merge_json_log_2025-07-08.json",
		"folder/deep/all_api_json_log_2025-07-09.json", "damaged/all_api_json_log_2025-07-10.json-20250710T164703Z-13e7f193")
	s, err := Open(dir, "all_api")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		key: "all_api_json_log_2025-07-06.json",
		"any/all_api_json_log_2025-07-07.json.zst": "folder/all_api_json_log_2025-07-07.json.zst",
		"any/all_api_json_log_2025-07-07.json":     "",
		"any/all_api_json_log_2025-07-08.json":     "",
		"any/all_api_json_log_2025-07-09.json":     "",
		"any/all_api_json_log_2025-07-10.json":     "",
		"any/all_api":                              "",
	} {
		if got := read(t, s, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestAFileIsOneDay(t *testing.T) {
	const kept = "all_api_json_log_2025-07-06.json-20250710T164703Z-13e7f193"
	dir := write(t, kept, "day.json")
	s, err := Open(filepath.Join(dir, kept), "all_api")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, key); got != kept {
		t.Errorf("%q", got)
	}
	if got := read(t, s, "any/all_api_json_log_2025-07-07.json"); got != "" {
		t.Errorf("another day is %q", got)
	}
	if _, err := Open(filepath.Join(dir, "day.json"), "all_api"); err == nil || !strings.Contains(err.Error(), "does not say which day it is") {
		t.Errorf("%v", err)
	}
}

func TestWhereThereAreNoDays(t *testing.T) {
	dir := write(t, "merge_json_log_2025-07-08.json")
	for _, name := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := Open(name, "all_api"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadIsOfTheVersionAndWithinIt(t *testing.T) {
	dir := write(t, "all_api_json_log_2025-07-06.json")
	s, err := Open(dir, "all_api")
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), key, o.Version, 1, o.Size); err == nil {
		t.Error("a range past the end is read")
	}
	r, err := s.Read(t.Context(), key, o.Version, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); string(b) != "api" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	r.Close()
	if err := os.WriteFile(filepath.Join(dir, "all_api_json_log_2025-07-06.json"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), key, o.Version, 0, -1); !errors.Is(err, rotatelog.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	if err := s.Write(t.Context(), key, o.Version, nil, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("write: %v", err)
	}
}

// TestDaysOfAnExportAreFound: what export --raw has written can be restored from, as a
// folder or as a file.
func TestDaysOfAnExportAreFound(t *testing.T) {
	const plain, packed = "day=2025-07-06/all_api.json", "day=2025-07-07/all_api.json.zst"
	dir := write(t, plain, packed, "day=2025-07-08/merge.json", "day=2025-07-09/all_api.ndjson", "day=2025-07-06/all_api_2.json")
	s, err := Open(dir, "all_api")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{key: plain, "any/all_api_json_log_2025-07-07.json.zst": packed,
		"any/all_api_json_log_2025-07-08.json": "", "any/all_api_json_log_2025-07-09.json": ""} {
		if got := read(t, s, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	s, err = Open(filepath.Join(dir, plain), "all_api")
	if err != nil || read(t, s, key) != plain {
		t.Errorf("%v", err)
	}
	if _, err := Open(filepath.Join(dir, plain), "merge"); err == nil {
		t.Error("another stream's file is taken for one of merge")
	}
}
