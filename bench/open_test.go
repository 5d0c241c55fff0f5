package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// BenchmarkOpen opens a Writer where batches wait, as after a week without a
// store. The store hangs.
func BenchmarkOpen(b *testing.B) {
	for _, pending := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			stream := Stream{Dir: b.TempDir()}
			if err := leavePending(stream.Dir, pending); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				w := open(b, stream.Config(Hang{}, b.Output()))
				b.StopTimer()
				w.Close()
				b.StartTimer()
			}
		})
	}
}

// leavePending makes a spool in which batches wait, as docs/FORMAT.md describes it.
func leavePending(dir string, batches int) error {
	spool := filepath.Join(dir, "all_api.spool")
	if err := os.MkdirAll(filepath.Join(spool, "pending"), 0o700); err != nil {
		return err
	}
	fetch := football.New(7, 0).Next()
	array := append(append([]byte("["), bytes.Join([][]byte{fetch, fetch, fetch, fetch, fetch, fetch, fetch, fetch, fetch, fetch}, []byte(",\n"))...), "\n]\n"...)
	for n := range batches {
		name := fmt.Sprintf("2025-07-10-%08d-%06d-%06d-20250710T120000Z-PENDING%09d.json", n+1, 10*n+1, 10*n+10, n)
		if err := os.WriteFile(filepath.Join(spool, "pending", name), array, 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "all_api.json"), []byte("[\n]\n"), 0o400); err != nil {
		return err
	}
	progress := fmt.Sprintf(`{"day":"2025-07-10","first":%d,"order":%d,"last":[{"day":"2025-07-10","number":%d}]}`, 10*batches+1, batches+1, 10*batches)
	return os.WriteFile(filepath.Join(spool, "batch.json"), []byte(progress+"\n"), 0o600)
}

// TestOpenFindsThePendingBatches: a Writer finds the batches, and nothing to repair.
func TestOpenFindsThePendingBatches(t *testing.T) {
	stream := Stream{filepath.Join(t.TempDir(), "stream"), "days/"}
	if err := leavePending(stream.Dir, 3); err != nil {
		t.Fatal(err)
	}
	rope := newRope(t)
	cfg := stream.Config(rope, t.Output())
	cfg.Hooks.Repaired = func(r rotatelog.Repaired) { t.Errorf("repaired: %+v", r) }
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Append(t.Context(), football.New(7, 0).Next()); err != nil || r.Number != 31 {
		t.Errorf("%+v, %v", r, err)
	}
	if n := w.Stats().Uploaded; n != 3 {
		t.Errorf("%d batches uploaded, want 3", n)
	}
}
