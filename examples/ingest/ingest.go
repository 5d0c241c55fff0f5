package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/input"
	"example.com/rotatelog/internal/jsonstream"
)

// ingest is one run of the program.
type ingest struct {
	cmd      *cli.Command
	w        *rotatelog.Writer
	progress *progress

	fetches   int   // appended
	matches   int64 // in them
	bytes     int64
	days      map[rotatelog.Day]bool
	refused   bool  // an input, or a fetch in it
	stretches int   // of input that were skipped
	skipped   int64 // bytes in them
}

// readAll appends what is in all inputs. Its error ends the run.
func (in *ingest) readAll(ctx context.Context) error {
	names := in.cmd.Files
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if err := in.readFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (in *ingest) readFile(ctx context.Context, name string) error {
	if name == "-" {
		return in.read(ctx, "stdin", in.cmd.Stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		in.refuse("%v", err)
		return nil
	}
	defer f.Close()
	if in.cmd.Holds(name) {
		in.refuse("%s: it is part of the stream in this -dir; use another -dir to import it", name)
		return nil
	}
	return in.read(ctx, name, f)
}

// read appends the fetches of one input.
func (in *ingest) read(ctx context.Context, name string, r io.Reader) error {
	source := input.Interruptible(ctx, r)
	defer source.Close()
	text := input.Text(source)
	defer text.Close()
	values := jsonstream.NewReader(text, input.MaxFetch)
	for {
		fetch, at, err := values.Next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == io.EOF:
			return nil
		case err != nil:
			if ended := in.resync(name, at, values, err); ended {
				return context.Cause(ctx)
			}
			continue
		}
		receipt, err := in.w.Append(ctx, fetch)
		switch {
		case errors.Is(err, rotatelog.ErrInvalidFetch):
			in.reject(name, at, values.Offset(), err)
		case err != nil:
			return err
		default:
			in.count(receipt, len(fetch))
		}
	}
}

// resync skips what failed, and reports whether the input ends there.
func (in *ingest) resync(name string, at jsonstream.Position, values *jsonstream.Reader, failed error) (ended bool) {
	end, err := values.Resync()
	in.reject(name, at, end, failed)
	if err != nil && err != io.EOF && !errors.Is(failed, err) { // otherwise it is reported already
		in.refuse("%s: %v", name, err)
	}
	return err != nil
}

// reject reports that an input is skipped from at to end.
func (in *ingest) reject(name string, at jsonstream.Position, end int64, err error) {
	size := end - at.Offset
	if size == 0 {
		in.refuse("%s:%d: %v", name, at.Line, reason(err))
		return
	}
	in.stretches++
	in.skipped += size
	in.refuse("%s:%d: %v; skipped %s at offset %d", name, at.Line, reason(err), cli.Plural(size, "byte", "bytes"), at.Offset)
}

func (in *ingest) refuse(format string, args ...any) {
	in.refused = true
	in.cmd.Errorf(format, args...)
}

// reason returns why a fetch was refused, without what the line already says.
func reason(err error) error {
	if e, ok := errors.AsType[*jsonstream.Error](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*rotatelog.Error](err); ok {
		return e.Err
	}
	return err
}

func (in *ingest) count(r rotatelog.Receipt, size int) {
	in.fetches++
	in.matches += r.Matches
	in.bytes += int64(size)
	in.days[r.Day] = true
	in.progress.update(in.fetches, in.bytes)
}

// finish uploads what was read, unless reading ended with err.
func (in *ingest) finish(ctx context.Context, err error) (code int) {
	switch {
	case ctx.Err() != nil:
		in.cmd.Errorf("interrupted: %v", context.Cause(ctx))
		return cli.Failure
	case err != nil:
		in.cmd.Errorf("%v", err)
		return cli.Failure
	}
	if code = in.cmd.Deliver(ctx, in.w); in.refused {
		code = cli.Failure
	}
	return code
}

// summary prints what was done, and what is on disk.
func (in *ingest) summary() (code int) {
	waiting, dir := in.cmd.Pending()
	unfinished, file, err := in.cmd.Unfinished()
	if err != nil {
		in.cmd.Errorf("%v", err)
		code = cli.Failure
	}
	out := in.cmd.Stdout
	fmt.Fprintf(out, "fetches appended   %6d\n", in.fetches)
	fmt.Fprintf(out, "matches in them    %6d\n", in.matches)
	fmt.Fprintf(out, "days               %6d\n", len(in.days))
	fmt.Fprintf(out, "uploads done       %6d\n", in.w.Stats().Uploaded)
	fmt.Fprintf(out, "batches waiting    %6d  in %s\n", waiting, dir)
	fmt.Fprintf(out, "fetches unfinished %6d  in %s\n", unfinished, file)
	if in.stretches > 0 {
		fmt.Fprintf(out, "stretches skipped  %6d  with %s\n", in.stretches, cli.Plural(in.skipped, "byte", "bytes"))
	}
	return code
}

func (in *ingest) closed() (code int) {
	if err := in.w.Close(); err != nil {
		in.cmd.Errorf("%v", err)
		return cli.Failure
	}
	return cli.OK
}
