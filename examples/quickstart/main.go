// Quickstart shows what rotatelog does, in a second and on this machine only. Run it
// with -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/rotatelog/internal/cli"
)

const help = `Usage: quickstart [-dir DIR]

Plays an evening of live football: an API is fetched every minute, on a simulated
clock, until half an hour after midnight in New York. Each fetch is on disk at
once. Every ten are uploaded to the day's object, over HTTP to an S3 server inside
the program that behaves like Linode's. For half an hour that server fails.

The files stay in a new folder:

  all_api.json     fetches that are not uploaded yet
  all_api.spool/   batches that wait for the store, and the last ones uploaded
  store/           the server's objects at the end, one a day
  fetches.ndjson   all fetches, for rotatelog append

Flags:

It needs no network, no credentials, and about a second.
`

func main() { cli.Main(run) }

func run(ctx context.Context, env cli.Env) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	dir := flags.String("dir", "rotatelog-quickstart", "the new folder is `DIR`, or DIR-2 and so on if that exists")
	if code, done := env.ParseFlags(flags, help); done {
		return code
	}
	if flags.NArg() > 0 {
		return env.UsageError(flags.Name(), fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	if err := play(ctx, env, *dir); err != nil {
		fmt.Fprintf(env.Stderr, "quickstart: %v\n", err)
		return cli.Failure
	}
	return cli.OK
}

// play plays the evening in a new folder, and checks what it left there.
func play(ctx context.Context, env cli.Env, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // of real time: only a failure takes so long
	defer cancel()
	dir, err := makeNew(dir)
	if err != nil {
		return err
	}
	store, err := startService()
	if err != nil {
		return err
	}
	defer store.stop()
	s, err := newShow(env.Stdout, dir, store)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "In the folder %s, fetching each minute from %s:\n\n", dir, s.now())
	appended, err := s.run(ctx)
	if err = errors.Join(err, store.save(context.WithoutCancel(ctx), dir)); err != nil {
		return err
	}
	found, err := readBack(dir)
	if err != nil {
		return err
	}
	found.print(env.Stdout)
	if err := found.check(appended); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "\nok: each of the %d fetches is in the daily files or in all_api.json, exactly once\n", len(appended))
	return offerReplay(env, dir, found)
}

// makeNew creates a folder called dir, with a number after it if that exists.
func makeNew(dir string) (string, error) {
	name := dir
	for n := 2; ; n++ {
		err := os.Mkdir(name, 0o777)
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
		name = fmt.Sprintf("%s-%d", dir, n)
	}
}

// offerReplay writes fetches.ndjson, and says how to replay it.
func offerReplay(env cli.Env, dir string, found *kept) error {
	feed := filepath.Join(dir, "fetches.ndjson")
	if err := os.WriteFile(feed, found.ndjson(), 0o666); err != nil {
		return err
	}
	again := filepath.Join(dir, "replayed")
	abs, err := filepath.Abs(again)
	if err != nil {
		return err
	}
	store := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(abs, "store"))}
	fmt.Fprintf(env.Stdout, "\nAll fetches are in %s. To import them into another folder:\n\n", feed)
	fmt.Fprintf(env.Stdout, "  go run ./cmd/rotatelog append --replay --dir %s --store %s %s\n",
		quoted(again), quoted(store.String()), quoted(feed))
	return nil
}

// quoted returns s as one word for a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
