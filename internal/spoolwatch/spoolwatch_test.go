package spoolwatch

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
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
	w := New(dir, "all_api", func() (rotatelog.SpoolStatus, error) {
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
	w := New(dir, "all_api", func() (rotatelog.SpoolStatus, error) {
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

// A change is noticed in each directory of the spool, and in the unfinished batch. A
// directory that a later version adds has to be looked at, too.
func TestEachChangeIsNoticed(t *testing.T) {
	dir := t.TempDir()
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: dir, Store: storetest.NewMem(), MaxFetches: 2, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.Append(t.Context(), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Drain(t.Context()), w.Close()); err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(dir, "all_api.spool")
	entries, err := os.ReadDir(spool)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(dir, "all_api.json"), spool}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "reserve" { // which says nothing
			paths = append(paths, filepath.Join(spool, e.Name()))
		}
	}
	if len(paths) < 5 {
		t.Fatalf("found only %q", paths)
	}
	old := time.Now().Add(-time.Hour)
	for _, path := range paths {
		for _, path := range paths {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		before := stampsOf(dir, "all_api")
		if !slices.Equal(settled(before), stampsOf(dir, "all_api")) {
			t.Errorf("%s: nothing has changed, and it looks so", path)
		}
		if err := os.Chtimes(path, old, old.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(before, stampsOf(dir, "all_api")) {
			t.Errorf("a change of %s is not noticed", path)
		}
	}
}
