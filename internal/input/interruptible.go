package input

import (
	"context"
	"io"
)

// Interruptible returns a reader of r whose Read fails when ctx ends, even while r's
// own Read is stuck, as that of a terminal or a pipe can be.
func Interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		_, err := io.Copy(in, r)
		in.CloseWithError(err) // nil means io.EOF
	}()
	return out
}
