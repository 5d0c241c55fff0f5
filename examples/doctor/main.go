// Doctor finds out whether a Writer works with a bucket. Run it with -h.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/s3store"
)

const help = `Usage: doctor -store s3://BUCKET[/FOLDER] -endpoint URL [flags]

Tests the connection to a bucket: whether it can be reached, written and read,
and whether the server honours the conditions that keep one upload from
overwriting another. It uses objects of its own, below FOLDER/ or, without one,
all_api_rotating_logs/, and removes them again. It also checks, without changing
anything, whether today's object belongs to the Writer whose spool is in -dir. On
a terminal it shows each step.

Flags:

` + cli.StoreHelp + `
The exit status is 0 if a Writer would work, 1 if not, or if a test failed, and 2
if the flags are wrong. For example:

  doctor -store s3://sports-json-logs-all -endpoint https://us-ord-1.linodeobjects.com
`

func main() { cli.Main(run) }

func run(ctx context.Context, env cli.Env) int { return runOn(ctx, env, cli.IsTerminal(env.Stderr)) }

func runOn(ctx context.Context, env cli.Env, terminal bool) int {
	where := cli.StoreFlags{BucketOnly: true}
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	where.Define(flags)
	quick := flags.Bool("quick", false, "skip tests that send and read 5 MiB")
	dir := flags.String("dir", ".", "`DIR` of the Writer's local file and spool (default .)")
	name := flags.String("name", "all_api", "`NAME` of the stream (default all_api)")
	if code, done := env.ParseFlags(flags, help); done {
		return code
	}
	store, prefix, err := open(env, &where, flags.Args())
	if err != nil {
		return env.UsageError(flags.Name(), err)
	}
	prefix = cmp.Or(prefix, *name+"_rotating_logs/")
	step, end := steps(env.Stderr, terminal)
	found, err := store.Probe(ctx, prefix, s3store.ProbeOptions{Quick: *quick, Progress: step})
	if *quick {
		found.CopyPart = s3store.Finding{}
	}
	today := owner{foreign: nobody}
	if found.Reach.Result == s3store.ResultYes && ctx.Err() == nil {
		step("whom today's object belongs to")
		today = lookAtToday(ctx, env, store, prefix+*name, filepath.Join(*dir, *name+".spool"))
	}
	end()
	table := rows(found, today)
	printTable(env.Stdout, table)
	printLeftover(env.Stdout, found.Leftover)
	if ctx.Err() != nil {
		fmt.Fprintf(env.Stdout, "\nInterrupted: %v\n", err)
		return cli.Failure
	}
	return conclude(env.Stdout, found, table)
}

// steps returns a function that shows a step on a line of the terminal, and one that
// erases the line. Elsewhere they do nothing.
func steps(w io.Writer, terminal bool) (step func(string), end func()) {
	if !terminal {
		return func(string) {}, func() {}
	}
	step = func(what string) { fmt.Fprintf(w, "%stesting: %s …", cli.EraseLine, what) }
	return step, func() { io.WriteString(w, cli.EraseLine) }
}

func open(env cli.Env, where *cli.StoreFlags, rest []string) (*s3store.Store, string, error) {
	if len(rest) > 0 {
		return nil, "", fmt.Errorf("unexpected argument %q", rest[0])
	}
	store, prefix, err := where.Open(env)
	if err != nil {
		return nil, "", err
	}
	return store.(*s3store.Store), prefix, nil
}

func printLeftover(w io.Writer, leftover []string) {
	if len(leftover) == 0 {
		return
	}
	fmt.Fprintln(w, "\nThis could not be removed:")
	for _, what := range leftover {
		fmt.Fprintf(w, "  %s\n", what)
	}
}

// conclude prints the conclusion, and returns the exit status.
func conclude(w io.Writer, found s3store.Capabilities, table []row) (code int) {
	fmt.Fprintln(w)
	switch bad := firstBad(table, toOwn); {
	case found.CheckExclusive() == nil && bad != "":
		fmt.Fprintf(w, "A Writer works here, but not that of this directory: %s.\n", bad)
		code = cli.Failure
	case found.CheckShared() == nil:
		fmt.Fprintln(w, "A Writer works here.\nSeveral Writers may share a key.")
		return cli.OK
	case found.CheckExclusive() == nil:
		fmt.Fprintf(w, "A Writer works here.\nSeveral Writers must not share a key: %s.\n", firstBad(table, toShare))
		code = cli.OK
	default:
		fmt.Fprintf(w, "No Writer works here: %s.\n", bad)
		code = cli.Failure
	}
	if found.Versioned.Result == s3store.ResultYes {
		fmt.Fprintln(w, "The bucket keeps versions. With versions some servers do not honour conditions: try a bucket without.")
	}
	return code
}
