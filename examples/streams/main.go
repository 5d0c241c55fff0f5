// Streams shows how one program keeps several streams: a Writer for each, with a Name of
// its own, in one directory and one store. They count, fill batches and upload each for
// itself, and Seal and Flush are a stream's own.
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
	dir, err := os.MkdirTemp("", "rotatelog-streams")
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
	for name, matches := range map[string]int{"football": 30, "tennis": 12} {
		if err := stream(ctx, cfg, name, matches); err != nil {
			return err
		}
	}
	for _, name := range []string{"football", "tennis"} {
		status, err := rotatelog.Inspect(cfg.Dir, name)
		if err != nil {
			return err
		}
		stored, err := rotatelog.Archive{Store: store, Name: name}.Stat(ctx, status.Day)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d fetches and %d matches in the store, %d fetches in the batch being filled\n",
			name, stored.Totals.Fetches, stored.Totals.Matches, status.Unfinished.Fetches)
	}
	for _, pattern := range []string{filepath.Join(cfg.Dir, "*.json"), filepath.Join(folder, "*_rotating_logs")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			fmt.Fprintln(out, " ", filepath.Base(name))
		}
	}
	return nil
}

// stream appends a dozen fetches to a stream, and waits for its full batch.
func stream(ctx context.Context, cfg rotatelog.Config, name string, matches int) error {
	cfg.Name = name
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	for range 12 {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"FETCH_FOOTER":{"total_matches":%d}}`, matches)); err != nil {
			return err
		}
	}
	return w.Drain(ctx)
}
