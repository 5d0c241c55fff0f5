package bench

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// Day is a day that a Writer builds, for measuring at several sizes.
type Day struct {
	Stream
	Store *Rope
	Size  int64 // of the object, all but a few bytes

	log          io.Writer
	small, large *football.Feed
}

// The sizes of a fetch, and so of a batch of ten.
const (
	smallFetch = 13_000
	largeFetch = 1_800_000
	fetches    = 10 // in a batch

	smallDay = Size(20 * MB) // up to this size a day is built of small fetches
)

// NewDay returns an empty Day with its files in dir.
func NewDay(dir, prefix string, log io.Writer) (*Day, error) {
	rope, err := NewRope(dir)
	if err != nil {
		return nil, err
	}
	return &Day{
		Stream: Stream{filepath.Join(dir, "stream"), prefix}, Store: rope, log: log,
		small: football.New(1, smallFetch), large: football.New(2, largeFetch),
	}, nil
}

// Grow appends batches until the day has that size.
func (d *Day) Grow(ctx context.Context, size Size) error {
	cfg := d.Config(d.Store, d.log)
	cfg.Sync = rotatelog.SyncSeal
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	feed := d.small
	if size > smallDay {
		feed = d.large
	}
	const together = 8 // batches that wait at most
	for n := 1; d.Size < int64(size); n++ {
		for range fetches {
			fetch := feed.Next()
			if _, err := w.Append(ctx, fetch); err != nil {
				return err
			}
			d.Size += int64(len(fetch))
		}
		if n%together == 0 {
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
	}
	return w.Drain(ctx)
}

// Fork copies the Writer's files into dir, and returns the stream there. It continues
// the day as it is now, in any store: without its list of places, a spool takes the
// first place for the only one.
func (d *Day) Fork(dir string) (Stream, error) {
	spool := filepath.Join(dir, "all_api.spool")
	err := errors.Join(
		os.CopyFS(dir, os.DirFS(d.Dir)),
		os.Chmod(spool, 0o700), // CopyFS lets other users in
		os.Remove(filepath.Join(spool, "places.json")),
	)
	return Stream{dir, d.Prefix}, err
}
