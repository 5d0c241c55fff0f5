package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// openAtOnce opens a Writer, and does not wait until its publisher has looked around.
func (b *bench) openAtOnce() {
	b.t.Helper()
	w, err := rotatelog.Open(b.t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
	if err != nil {
		b.t.Fatal(err)
	}
	b.Writer = w
}

// TestShortProcessesMakeRoom: on a full disk one that lives for a fetch has seen no batch in
// its day's object before it appends. It makes room for the next one while it drains,
// though nothing of its own waits.
func TestShortProcessesMakeRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 2
		b.open()
		for n := range 5 {
			b.append(n, n)
		}
		b.flush()
		b.append(5)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Delay: 100 * time.Millisecond} })
		b.whileMany(2, syscall.ENOSPC)
		var failed []int
		for n := range 4 {
			b.openAtOnce()
			if _, err := b.Append(t.Context(), counted(6)); err != nil {
				if !errors.Is(err, syscall.ENOSPC) {
					t.Error(err)
				}
				failed = append(failed, n)
			}
			if err := errors.Join(b.CloseAppend(), b.Drain(t.Context()), b.Close()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		if len(failed) > 1 {
			t.Errorf("processes %v were refused; %d batches are kept\n%s", failed, len(b.uploaded()), b.log)
		}
	})
}

// TestAppendOnlyHasRoomMade: one process only appends, and has no room. The one that uploads
// makes it, whether it runs for a moment or stays.
func TestAppendOnlyHasRoomMade(t *testing.T) {
	for _, stays := range []bool{false, true} {
		t.Run(fmt.Sprint("stays ", stays), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				keptFour(b)
				b.openAtOnce()
				publisher := b.Writer
				defer publisher.Close()
				if err := publisher.CloseAppend(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if len(b.uploaded()) != 4 {
					t.Fatal("batches were deleted while there was room")
				}
				b.whileMany(1, syscall.ENOSPC)
				b.cfg.AppendOnly = true
				b.openAtOnce()
				defer b.Close()
				if _, err := b.Append(t.Context(), counted(5)); !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("append: %v", err)
				}
				if stays {
					time.Sleep(time.Minute)
				} else if err := publisher.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.append(5, 6)
				if _, err := b.disk.Stat("all_api.spool/tight"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the mark is left: %v", err)
				}
			})
		})
	}
}

// TestDrainOnAFullDiskEnds: when the days cannot be looked at, because the store is away or
// does not answer, and without an error, since nothing waits.
func TestDrainOnAFullDiskEnds(t *testing.T) {
	for name, fault := range map[string]storetest.Fault{
		"away":    {Err: errors.New("away"), Skip: true},
		"hanging": {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				keptFour(b)
				b.onStore(func(storetest.Op) storetest.Fault { return fault })
				b.whileMany(1, syscall.ENOSPC)
				b.openAtOnce()
				for range 3 {
					if _, err := b.Append(t.Context(), counted(5)); !errors.Is(err, syscall.ENOSPC) {
						t.Errorf("append: %v", err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					if err := b.Drain(ctx); err != nil || fault.Err != nil && ctx.Err() != nil {
						t.Errorf("drain: %v, at the end of its time: %v", err, ctx.Err())
					}
					cancel()
				}
				if kept := b.uploaded(); len(kept) != 4 {
					t.Errorf("uploaded/ has %q", kept)
				}
			})
		})
	}
}
