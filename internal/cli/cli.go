// Package cli has what the example programs share: how they start and end, and their
// flags and help.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit statuses.
const (
	OK      = 0
	Failure = 1
	Usage   = 2
)

// Env is a program's environment. Tests provide their own.
type Env struct {
	Args           []string // without the program's name
	Stdout, Stderr io.Writer
}

// Main runs a program and ends the process. The context ends at SIGINT or
// SIGTERM; a second signal ends the process at once, which costs no fetch.
func Main(run func(context.Context, Env) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, Env{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr}))
}

// ParseFlags parses the arguments. If done, because help was asked for or the usage
// is wrong, code is the exit status.
func (e Env) ParseFlags(flags *flag.FlagSet, help string) (code int, done bool) {
	flags.SetOutput(io.Discard)
	err := flags.Parse(e.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		e.printHelp(flags, help)
		return OK, true
	case err != nil:
		return e.UsageError(flags.Name(), err), true
	}
	return OK, false
}

// UsageError says what is wrong with the arguments.
func (e Env) UsageError(program string, err error) int {
	fmt.Fprintf(e.Stderr, "%s: %v\nrun with -h for help\n", program, err)
	return Usage
}

// printHelp prints help, with the flags listed below its line "Flags:".
func (e Env) printHelp(flags *flag.FlagSet, help string) {
	const heading = "Flags:\n"
	before, after, _ := strings.Cut(help, heading)
	fmt.Fprint(e.Stdout, before, heading)
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(e.Stdout, "  %-17s %s\n", "-"+f.Name+" "+value, usage)
	})
	fmt.Fprint(e.Stdout, after)
}
