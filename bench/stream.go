package bench

import (
	"context"
	"io"
	"log/slog"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// Stream is a directory and a prefix of keys, for the batches of one day.
type Stream struct{ Dir, Prefix string }

// Key returns the key of the day's object.
func (s Stream) Key() string { return s.Prefix + "all_api_json_log_2025-07-10.json" }

// Config returns the Config of a Writer of that day, which lasts as long as the
// benchmark.
func (s Stream) Config(store rotatelog.Store, log io.Writer) rotatelog.Config {
	return rotatelog.Config{
		Dir:      s.Dir,
		Prefix:   s.Prefix,
		Store:    store,
		Verbatim: true,
		// The last batch may have 18 MB, and the next process copies it.
		KeepUploaded: -1,
		KeepFor:      -1,
		Clock:        noon{football.Start().Add(12 * time.Hour), time.Now()},
		Logger:       slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// noon is a clock that showed noon of that day when the benchmark began.
type noon struct{ noon, began time.Time }

func (c noon) Now() time.Time { return c.noon.Add(time.Since(c.began)) }

func (c noon) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Hang is a Store that never answers, so that a Writer only appends.
type Hang struct{}

// Stat implements [rotatelog.Store].
func (Hang) Stat(ctx context.Context, _ string) (rotatelog.Object, error) {
	<-ctx.Done()
	return rotatelog.Object{}, context.Cause(ctx)
}

// Read implements [rotatelog.Store].
func (Hang) Read(ctx context.Context, _ string, _ rotatelog.Version, _, _ int64) (io.ReadCloser, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// Write implements [rotatelog.Store].
func (Hang) Write(ctx context.Context, _ string, _ rotatelog.Version, _ []rotatelog.Part, _ map[string]string) error {
	<-ctx.Done()
	return context.Cause(ctx)
}
