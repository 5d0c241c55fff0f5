// Append shows how fetches are kept, by two processes one after the other: each is on
// disk when Append returns, the count to ten goes on in the next process, and Drain waits
// for the full batches only, while Flush also uploads the one that is not full.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-append")
	if err != nil {
		log.Fatal(err)
	}
	cfg := rotatelog.Config{Dir: filepath.Join(dir, "local"), Logger: slog.New(slog.DiscardHandler)}
	if err := errors.Join(run(context.Background(), os.Stdout, cfg, filepath.Join(dir, "store")), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, cfg rotatelog.Config, folder string) error {
	store, err := dirstore.Open(folder)
	if err != nil {
		return err
	}
	cfg.Store = store
	if err := process(ctx, out, cfg, 7, (*rotatelog.Writer).Drain); err != nil {
		return err
	}
	return process(ctx, out, cfg, 5, (*rotatelog.Writer).Drain, (*rotatelog.Writer).Flush)
}

// process appends n fetches, and waits for the store as a process may before it ends.
func process(ctx context.Context, out io.Writer, cfg rotatelog.Config, n int, waits ...func(*rotatelog.Writer, context.Context) error) error {
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close() // does not upload; the next Open continues
	fmt.Fprintf(out, "A process appends %d fetches:\n", n)
	for range n {
		r, err := w.Append(ctx, []byte(`{"FETCH_FOOTER":{"total_matches":45}}`))
		if err != nil {
			return err // it is not acknowledged: append it again
		}
		fmt.Fprintf(out, "  fetch %d of the day is on disk, %d of %d in its batch\n", r.Number, r.Position, r.BatchSize)
	}
	for _, wait := range waits {
		if err := wait(w, ctx); err != nil {
			return err
		}
		today := w.Today()
		fmt.Fprintf(out, "  fetches in the store: %d; still only on disk: %d\n", today.Fetches, today.Waiting)
	}
	return nil
}
