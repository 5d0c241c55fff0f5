// Ingest appends the fetches of files, or of standard input, to a stream and
// brings them to the store. Run it with -h.
package main

import (
	"context"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cli"
)

const help = `Usage: ingest -store URL [flags] [file…]

Appends every fetch in the files, or in standard input if there are none or one
is called -. An input has one JSON object after another, on separate lines or
not, or one array of them, such as the all_api.json of another -dir. It may be
compressed with gzip or zstd. Each fetch is on disk before the next one is read;
every tenth completes an upload.

Flags:

` + cli.StoreHelp + `
Input that is not a fetch is skipped, and reported as file:line: reason, with its
bytes. After broken JSON, reading continues where its brackets are balanced,
otherwise at the next line that begins with {.

The exit status is 0 if every fetch is on disk, even if the store cannot be
reached: the next run uploads what waits. It is 1 if a fetch was refused, if
something else failed, or after a signal, and 2 if the flags are wrong.

To import an archive, each fetch into the day on which it was made:

  ingest -store s3://sports-json-logs-all -endpoint https://us-ord-1.linodeobjects.com \
    -dir work -replay -flush archive.ndjson
`

func main() { cli.Main(run) }

func run(ctx context.Context, env cli.Env) int {
	cmd, code := cli.Parse(env, "ingest", help)
	if cmd == nil {
		return code
	}
	progress := newProgress(cmd)
	w, code := cmd.Open(ctx, 0)
	if w == nil {
		return code
	}
	defer w.Close()
	in := &ingest{cmd: cmd, w: w, progress: progress, days: map[rotatelog.Day]bool{}}
	code = in.finish(ctx, in.readAll(ctx))
	progress.clear()
	return max(code, in.summary(), in.closed())
}
