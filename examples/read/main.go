// Read shows how days are read from the store: which there are and what is in them, by
// one request each; the uploads of a day, and the fetches of each; and only what came from
// a time on, without reading what was before it. Nothing larger than a fetch is in memory.
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
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/dirstore"
)

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-read")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(run(context.Background(), os.Stdout, dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dir string) error {
	store, err := dirstore.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	if err := fill(ctx, filepath.Join(dir, "local"), store); err != nil {
		return err
	}
	days := rotatelog.Archive{Store: store}
	july9 := rotatelog.Day{Year: 2025, Month: time.July, Date: 9}
	for m, err := range days.Days(ctx, july9, july9.Next()) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%v: %d uploads, %d fetches, %d matches\n", m.Totals.Day, m.Totals.Uploads, m.Totals.Fetches, m.Totals.Matches)
	}
	day, err := days.Open(ctx, july9.Next())
	if err != nil {
		return err
	}
	from := time.Date(2025, time.July, 10, 20, 0, 0, 0, time.UTC) // 4 PM in New York
	fmt.Fprintf(out, "\nSealed on the 10th from 4 PM on:\n")
	for upload, err := range day.UploadsSince(ctx, from) { // Uploads would begin at the first
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "upload %d, of %s:\n", upload.Sequence, upload.Timestamp)
		for fetch, err := range upload.Fetches() {
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  %s\n", fetch)
		}
	}
	return nil
}

// fill uploads the fetches of two afternoons, one an hour.
func fill(ctx context.Context, dir string, store rotatelog.Store) error {
	clock := clocktest.New(time.Date(2025, time.July, 9, 17, 0, 0, 0, time.UTC)) // 1 PM in New York
	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: dir, Store: store, MaxFetches: 2, Clock: clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer w.Close()
	for n := range 10 {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"n":%d,"FETCH_FOOTER":{"total_matches":%d}}`, n+1, 30+n)); err != nil {
			return err
		}
		clock.Advance(time.Hour)
		if n == 4 {
			clock.Advance(19 * time.Hour)
		}
	}
	return w.Flush(ctx)
}
