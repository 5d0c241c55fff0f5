package rotatelog_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// TestFailedOpensLeakNothing: a supervisor that keeps starting a Writer on a bad
// directory must not run out of descriptors.
func TestFailedOpensLeakNothing(t *testing.T) {
	inUse := func() (descriptors, goroutines int) {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skipf("descriptors cannot be counted here: %v", err)
		}
		return len(names), runtime.NumGoroutine()
	}
	for name, spoil := range map[string]func(spool string) error{
		"batch.json is a directory": func(spool string) error { return os.Mkdir(filepath.Join(spool, "batch.json"), 0o700) },
		"pending is a file":         func(spool string) error { return os.WriteFile(filepath.Join(spool, "pending"), nil, 0o600) },
		"spare is a directory": func(spool string) error {
			return os.MkdirAll(filepath.Join(spool, "spare.json/with a file"), 0o700)
		},
		"lock is a directory": func(spool string) error { return os.Mkdir(filepath.Join(spool, "lock"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spool := filepath.Join(dir, "all_api.spool")
			if err := os.Mkdir(spool, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := spoil(spool); err != nil {
				t.Fatal(err)
			}
			open := func() {
				cfg := rotatelog.Config{Dir: dir, Store: storetest.NewMem(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
				if w, err := rotatelog.Open(t.Context(), cfg); err == nil {
					w.Close()
					t.Fatal("it opens")
				}
			}
			open()
			descriptors, goroutines := inUse()
			for range 50 {
				open()
			}
			if d, g := inUse(); d > descriptors+2 || g > goroutines+2 {
				t.Errorf("%d descriptors, then %d; %d goroutines, then %d", descriptors, d, goroutines, g)
			}
		})
	}
}
