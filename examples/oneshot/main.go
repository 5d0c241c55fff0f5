// Oneshot appends one fetch per process. Run it with -h.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/input"
)

const help = `Usage: oneshot -store URL [flags] <fetch

Appends exactly one fetch, read from standard input, and prints its receipt. It
is made for cron: the count continues from run to run, so ten runs make one
upload, and runs may overlap. It first reads the whole fetch, which may be
compressed with gzip or zstd, and then waits up to -timeout while another run
appends.

Flags:

` + cli.StoreHelp + `
The exit status is 0 once the fetch is on disk, even if the store cannot be
reached: a later run uploads what waits. It is 1 if the input is not one fetch
(nothing, two of them, an array, broken JSON), if it could not be written to
disk, or if -flush failed, and 2 if the flags are wrong.

Every minute, in a crontab:

  * * * * *  curl -s https://api.example/live | oneshot -store file:///srv/logs -dir /var/spool/live >>/var/log/live.log 2>&1
`

func main() { cli.Main(run) }

func run(ctx context.Context, env cli.Env) int {
	cmd, code := cli.Parse(env, "oneshot", help)
	if cmd == nil {
		return code
	}
	if len(cmd.Files) > 0 {
		return cmd.UsageError(cmd.Name, fmt.Errorf("%s: the fetch comes from standard input, not from a file", cmd.Files[0]))
	}
	fetch, err := readFetch(ctx, cmd.Stdin)
	if err != nil {
		cmd.Errorf("standard input: %v", err)
		return cli.Failure
	}
	w, code := cmd.Open(ctx, cmd.Timeout)
	if w == nil {
		return code
	}
	defer w.Close()
	return appendFetch(ctx, cmd, w, fetch)
}

// readFetch reads the whole input. Append checks that it is one fetch.
func readFetch(ctx context.Context, r io.Reader) ([]byte, error) {
	source := input.Interruptible(ctx, r)
	defer source.Close()
	text := input.Text(source)
	defer text.Close()
	fetch, err := io.ReadAll(io.LimitReader(text, input.MaxFetch+1)) // one more: too large
	if err == nil && len(bytes.TrimSpace(fetch)) == 0 {
		err = errors.New("there is no fetch")
	}
	return fetch, err
}

// appendFetch appends the fetch, and then lets the next process append while
// this one waits for the store.
func appendFetch(ctx context.Context, cmd *cli.Command, w *rotatelog.Writer, fetch []byte) (code int) {
	r, err := w.Append(ctx, fetch)
	if err != nil {
		cmd.Errorf("%v", err)
		return cli.Failure
	}
	fmt.Fprintf(cmd.Stdout, "%v #%d: %d matches, %d of %d\n", r.Day, r.Number, r.Matches, r.Position, r.BatchSize)
	return cmd.Deliver(ctx, w)
}
