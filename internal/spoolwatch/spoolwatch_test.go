package spoolwatch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/rotatelog"
)

// A spool is read when one of its files has changed, or may have.
func TestSpoolIsReadWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	pending := filepath.Join(dir, "all_api.spool", "pending")
	if err := os.MkdirAll(pending, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "all_api.json")
	if err := os.WriteFile(file, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := func(path string, ago time.Duration) {
		t.Helper()
		at := time.Now().Add(-ago)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{file, filepath.Dir(pending), pending} {
		set(path, time.Hour)
	}
	reads := 0
	w := New(dir, "all_api", func(string, string) (rotatelog.SpoolStatus, error) {
		reads++
		return rotatelog.SpoolStatus{Number: reads}, nil
	})
	want := func(what string, n int) {
		t.Helper()
		for range 3 {
			if _, err := w.Look(); err != nil {
				t.Fatal(err)
			}
		}
		if reads != n {
			t.Errorf("%s: %d readings, want %d", what, reads, n)
		}
	}
	want("nothing has changed", 1)
	set(file, time.Minute)
	want("a fetch", 2)
	set(pending, time.Minute)
	want("a batch", 3)
	set(filepath.Dir(pending), time.Minute)
	want("a state file", 4)
	set(file, -time.Hour)
	want("a time in the future", 7)
}

// What could not be read is tried again, though no file has changed: a permission that is given
// back, or a disk that answers again, changes no time of a file.
func TestFailureIsNotRemembered(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "all_api.spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "all_api.spool"), old, old); err != nil {
		t.Fatal(err)
	}
	answers := []struct {
		spool rotatelog.SpoolStatus
		err   error
	}{
		{err: os.ErrPermission}, {spool: rotatelog.SpoolStatus{Problems: []string{"read state.append.json: permission denied"}}},
		{spool: rotatelog.SpoolStatus{Number: 1}}, {spool: rotatelog.SpoolStatus{Number: 2}},
	}
	reads := 0
	w := New(dir, "all_api", func(string, string) (rotatelog.SpoolStatus, error) {
		reads++
		return answers[reads-1].spool, answers[reads-1].err
	})
	for i, want := range []int{1, 2, 3, 3, 3} {
		spool, err := w.Look()
		if at := answers[want-1]; !errors.Is(err, at.err) || len(spool.Problems) != len(at.spool.Problems) || spool.Number != at.spool.Number {
			t.Errorf("look %d: %+v, %v, want answer %d", i+1, spool, err, want)
		}
	}
}
