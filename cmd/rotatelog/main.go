// Rotatelog keeps every response of an API, and reads, checks and mends what it has kept.
// Run it with --help.
package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
)

// main runs the command. The context ends at SIGINT or SIGTERM; a second signal ends the
// process at once, which costs no fetch.
func main() {
	log.SetOutput(withoutUnasked{os.Stderr})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, systemEnv()))
}

// withoutUnasked drops what net/http logs when a server sends bytes that nobody asked for:
// RGW 16 may end a body that it did not announce. Cron would mail it.
type withoutUnasked struct{ io.Writer }

func (w withoutUnasked) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("Unsolicited response received on idle HTTP channel")) {
		return len(line), nil
	}
	return w.Writer.Write(line)
}

// run runs the command that the arguments name, and returns the exit code.
func run(ctx context.Context, e env) int {
	e.Args = withCommand(e.Args)
	a, err := newApp(e)
	if err == nil {
		err = a.runCommand(ctx)
	}
	return a.exit(ctx, err)
}
