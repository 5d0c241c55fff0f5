package rotatelog

import (
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"

	"example.com/rotatelog/internal/crashfs"
)

// TestMemoryOfSealedRecords: the memory of records is used again once they are
// sealed, and not before.
func TestMemoryOfSealedRecords(t *testing.T) {
	a := array{format: (&Config{Verbatim: true}).format}
	line := func() *byte {
		b, err := a.line([]byte(`{"a":1}`))
		if err != nil || string(b) != ",\n{\"a\":1}\n]\n" {
			t.Fatalf("%q, %v", b, err)
		}
		a.lines = append(a.lines, b)
		return &b[0]
	}
	first, second := line(), line()
	if first == second {
		t.Error("two records that are not sealed share memory")
	}
	a.clear()
	if again := line(); again != first && again != second {
		t.Error("the memory of sealed records is not used again")
	}
}

// TestFailedAppendsLeaveNoLines: while the disk cannot sync, unacknowledged records
// are not kept in memory.
func TestFailedAppendsLeaveNoLines(t *testing.T) {
	var broken atomic.Bool
	disk := crashfs.New()
	disk.Before = func(op crashfs.Op) error {
		if op.Kind == "Sync" && broken.Load() {
			return syscall.EIO
		}
		return nil
	}
	w, err := Open(t.Context(), Config{Store: noStoreAtAll{}, fs: disk, reserve: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Append(t.Context(), []byte(`{"x":1}`)); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	for range 30 {
		if _, err := w.Append(t.Context(), []byte(`{"x":2}`)); err == nil {
			t.Fatal("no error")
		}
	}
	if a := &w.spool.array; len(a.lines) != 1 || len(a.records) != 1 {
		t.Errorf("%d lines are held for %d records, want one for the one", len(a.lines), len(a.records))
	}
}
