package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cutoff"
	"example.com/rotatelog/internal/sleep"
)

// objectCopy copies an object as it is. Where a connection breaks it reads the rest with
// another request.
type objectCopy struct {
	archive rotatelog.Archive
	rotatelog.DayMetadata
	out      *sheet
	copied   int64
	failures int   // in a row
	failed   error // of writing
}

// maxCopyFailures is how many attempts to read may fail in a row.
const maxCopyFailures = 8

func copyObject(ctx context.Context, out *sheet, a rotatelog.Archive, m rotatelog.DayMetadata) error {
	c := objectCopy{archive: a, DayMetadata: m, out: out}
	for c.copied < c.Size {
		err := c.some(ctx)
		switch {
		case c.failed != nil:
			return c.failed
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			continue
		case errors.Is(err, rotatelog.ErrConflict), errors.Is(err, fs.ErrNotExist): // the version is gone
			return &rotatelog.Error{Op: "export", Key: c.Key, Err: rotatelog.ErrReplaced, Hint: "export the day again"}
		}
		if c.failures++; errors.Is(err, rotatelog.ErrPermanent) || c.failures == maxCopyFailures {
			return &rotatelog.Error{Op: "export", Key: c.Key, Err: err}
		}
		if err := c.wait(ctx, time.Duration(c.failures)*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// some copies what one request returns.
func (c *objectCopy) some(ctx context.Context) error {
	body, err := c.archive.Store.Read(ctx, c.Key, c.Version, c.copied, c.Size-c.copied)
	if err != nil {
		return err
	}
	defer body.Close()
	b := make([]byte, 64<<10)
	for c.copied < c.Size {
		n, err := body.Read(b[:min(int64(len(b)), c.Size-c.copied)])
		if n > 0 {
			c.failures = 0
			c.copied += int64(n)
			if c.failed = c.out.write(b[:n]); c.failed != nil {
				return c.failed
			}
		}
		if err == io.EOF && c.copied < c.Size {
			return cutoff.Errorf("the store ended at byte %d of %d", c.copied, c.Size)
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

func (c *objectCopy) wait(ctx context.Context, d time.Duration) error {
	if clock := c.archive.Clock; clock != nil {
		return clock.Sleep(ctx, d)
	}
	return sleep.For(ctx, d)
}
