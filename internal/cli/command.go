package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/rotatelog"
)

// Command is a program that appends fetches, with its flags parsed.
type Command struct {
	Env
	Name  string // of the program
	Files []string

	Dir, Stream, Prefix string
	Batch               int
	Compression         rotatelog.Compression
	Store               rotatelog.Store
	Replay, Flush       bool
	Timeout             time.Duration
	Verbatim, Verbose   bool

	writing sync.Mutex // held while a line is written to Stderr
}

// Parse parses the flags of the program called name. If it returns no Command,
// code is what to exit with.
func Parse(env Env, name, help string) (c *Command, code int) {
	c = &Command{Env: env, Name: name}
	var store StoreFlags
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&c.Dir, "dir", ".", "`DIR` of the local file and the spool (default .)")
	f.StringVar(&c.Stream, "name", "all_api", "`NAME` of the stream, and so of its files (default all_api)")
	f.StringVar(&c.Prefix, "prefix", "", "`KEY` prefix of the daily objects (default FOLDER/, or NAME_rotating_logs/)")
	f.IntVar(&c.Batch, "batch", 10, "`N` fetches make an upload (default 10)")
	store.Define(f)
	f.TextVar(&c.Compression, "compress", rotatelog.Uncompressed, "`FORMAT` of new daily objects: none, zstd or gzip (default none)")
	f.BoolVar(&c.Replay, "replay", false, "put each fetch into the day of its FETCH_HEADER, not today's")
	f.BoolVar(&c.Flush, "flush", false, "at the end, also upload the unfinished batch; if that fails, exit with 1")
	c.Timeout = 30 * time.Second
	f.Func("timeout", "`T`ime to wait for the store at the end, such as 90s or 5m (default 30s)", func(s string) (err error) {
		c.Timeout, err = time.ParseDuration(s) // unlike DurationVar, its error says what is wrong
		return err
	})
	f.BoolVar(&c.Verbatim, "verbatim", false, "keep fetches in the local file as they are, not indented")
	f.BoolVar(&c.Verbose, "v", false, "log everything, not only warnings and errors")
	if code, done := env.ParseFlags(f, help); done {
		return nil, code
	}
	c.Files = f.Args()
	if err := c.check(&store); err != nil {
		return nil, env.UsageError(name, err)
	}
	return c, OK
}

// check checks what the flag package cannot, and fills in the store.
func (c *Command) check(store *StoreFlags) (err error) {
	if c.Batch < 1 {
		return fmt.Errorf("-batch %d: at least one fetch makes an upload", c.Batch)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("-timeout %v: it cannot be negative", c.Timeout)
	}
	var prefix string
	c.Store, prefix, err = store.Open(c.Env)
	c.Prefix = cmp.Or(c.Prefix, prefix)
	return err
}

// Errorf prints an error line.
func (c *Command) Errorf(format string, args ...any) {
	fmt.Fprintf(stderr{c}, c.Name+": "+format+"\n", args...)
}

// stderr is a Command's standard error, for the program and for the log, which
// the Writer's goroutines write.
type stderr struct{ cmd *Command }

// Write implements io.Writer.
func (s stderr) Write(p []byte) (int, error) {
	s.cmd.writing.Lock()
	defer s.cmd.writing.Unlock()
	return s.cmd.Stderr.Write(p)
}

// Open opens the Writer that the flags describe, and waits up to lockWait for
// another process to finish. If it returns no Writer it has printed why, and code is
// the exit status.
func (c *Command) Open(ctx context.Context, lockWait time.Duration) (w *rotatelog.Writer, code int) {
	cfg := rotatelog.Config{
		Dir: c.Dir, Name: c.Stream, Prefix: c.Prefix, Store: c.Store, MaxFetches: c.Batch, Compression: c.Compression,
		Clock: c.Clock, Verbatim: c.Verbatim, LockWait: lockWait, Logger: newLogger(stderr{c}, c.Verbose),
	}
	if c.Replay {
		cfg.TimeOf = rotatelog.HeaderTime
	}
	w, err := rotatelog.Open(ctx, cfg)
	switch {
	case err == nil:
		return w, OK
	case errors.Is(err, rotatelog.ErrLocked):
		c.Errorf("another process is appending to %s; wait until it ends", c.localFile())
	case !isRunError(err): // an error of the Config
		return nil, c.UsageError(c.Name, err)
	default:
		c.Errorf("%v", err)
	}
	return nil, Failure
}

func isRunError(err error) bool {
	_, ok := errors.AsType[*rotatelog.Error](err)
	return ok
}

// Deliver ends appending, so that the next process may begin, and waits at most
// -timeout for all sealed batches to be in the store; with -flush that is
// everything. What is not there in time stays on disk: with -flush that is a
// failure, otherwise a warning.
func (c *Command) Deliver(ctx context.Context, w *rotatelog.Writer) (code int) {
	label, code := "warning: ", OK
	var err error
	if c.Flush {
		label, code = "", Failure
		err = w.Seal(ctx)
	}
	if err = errors.Join(err, w.CloseAppend()); err == nil {
		limited, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		err = w.Drain(limited)
	}
	if err == nil {
		return OK
	}
	n, dir := c.Pending()
	if n == 0 && errors.Is(err, context.DeadlineExceeded) {
		return OK // there was no time to wait, and nothing to wait for
	}
	c.Errorf("%snot everything is in the store: %v\n%s on disk, in %s; the next run uploads what waits",
		label, err, Plural(n, "batch waits", "batches wait"), dir)
	return code
}

// Holds reports whether name is the local file, which would grow while it is read,
// or a batch that waits. What they hold goes to the store anyway.
func (c *Command) Holds(name string) bool {
	return same(name, c.localFile()) || same(filepath.Dir(name), c.pendingDir())
}

func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// Pending returns how many batches wait for the store, and where.
func (c *Command) Pending() (n int, dir string) {
	dir = c.pendingDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.Errorf("%v", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			n++
		}
	}
	return n, dir
}

// Unfinished returns how many fetches are in the unfinished batch, and its file.
func (c *Command) Unfinished() (n int, file string, err error) {
	file = c.localFile()
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, file, err
	}
	var fetches []json.RawMessage
	if err := json.Unmarshal(content, &fetches); err != nil {
		return 0, file, fmt.Errorf("%s: %w", file, err)
	}
	return len(fetches), file, nil
}

func (c *Command) localFile() string  { return filepath.Join(c.Dir, c.Stream+".json") }
func (c *Command) pendingDir() string { return filepath.Join(c.Dir, c.Stream+".spool", "pending") }

// Plural returns n with the noun for it, such as "1 byte" or "2 bytes".
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
