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
is called -. They stand one after the other, on lines of their own or not, or in
one array, as in all_api.json and in the batches of all_api.spool, if these are
of another -dir. Each is on disk before the next one is read; each tenth
completes an upload. What is compressed with gzip or zstd is decompressed.

Flags:

` + cli.StoreHelp + `
Each stretch of input that is no fetch is left out, and reported as file:line:
reason, with its bytes. After broken JSON, reading continues behind it if its
brackets are balanced, and else at the next line that begins with {.

The exit status is 0 if every fetch is on disk, even if the store cannot be
reached: what waits goes up at the next run. It is 1 if a fetch was refused, if
something else failed, or after a signal, and 2 if the flags are wrong.

Bring an archive to the days it was made on:

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
