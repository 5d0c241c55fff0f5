package input

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestInterruptibleReads(t *testing.T) {
	r := Interruptible(t.Context(), strings.NewReader("all of it"))
	if err := iotest.TestReader(r, []byte("all of it")); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken pipe")
	if _, err := io.ReadAll(Interruptible(t.Context(), iotest.ErrReader(broken))); err != broken {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestInterruptEndsAStuckRead(t *testing.T) {
	stuck, release := io.Pipe()
	defer release.Close()
	cause := errors.New("signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := Interruptible(ctx, stuck)
	go release.Write([]byte("x"))
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel(cause)
	if got, err := io.ReadAll(r); len(got) > 0 || err != cause {
		t.Errorf("got %q, %v, want the cause", got, err)
	}
}
