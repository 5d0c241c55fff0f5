// Package sleep waits on the system's clock for as long as a context lives.
package sleep

import (
	"context"
	"time"
)

// For waits that long, or until ctx is done, which is an error: its cause.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
