package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// TestDrainReturnsAPermanentError: at once, and not when its context ends, since no
// waiting helps.
func TestDrainReturnsAPermanentError(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		denied := fmt.Errorf("403 AccessDenied: %w", rotatelog.ErrPermanent)
		b.onStore(func(op storetest.Op) storetest.Fault {
			if op.Name == "write" {
				return storetest.Fault{Err: denied, Skip: true}
			}
			return storetest.Fault{}
		})
		b.open()
		b.append(1)
		if err := b.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // before the first attempt, and long after it
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			begin := time.Now()
			err := b.Drain(ctx)
			cancel()
			if !errors.Is(err, rotatelog.ErrPermanent) || time.Since(begin) > time.Minute {
				t.Errorf("Drain returned %v after %v, want ErrPermanent at once", err, time.Since(begin))
			}
			time.Sleep(12 * time.Hour)
		}
		b.onStore(nil)
		b.flush() // and it is not remembered
	})
}
