// Rotatelog keeps every response of an API, and reads, checks and mends what it has kept.
// Run it with --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// main runs the command. The context ends at SIGINT or SIGTERM; a second signal ends the
// process at once, which costs no fetch.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, systemEnv()))
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
