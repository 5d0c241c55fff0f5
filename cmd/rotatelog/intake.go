package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/input"
	"example.com/rotatelog/internal/jsonstream"
	"example.com/rotatelog/internal/rawjson"
)

// stdinName is what messages call standard input.
const stdinName = "standard input"

// readAll appends what is in all inputs. Its error ends the run.
func (r *appender) readAll(ctx context.Context) error {
	names := r.command.Files
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		f, name, err := r.openInput(name)
		if err != nil {
			r.refuse("%v", err)
			continue
		}
		err = r.read(ctx, name, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// openInput opens a file, or standard input, and returns what messages call it.
func (r *appender) openInput(name string) (io.ReadCloser, string, error) {
	isStdin := name == "-"
	if isStdin {
		name = stdinName
	}
	switch {
	case isStdin && r.isLocalFile(r.app.env.Stdin), !isStdin && r.holds(name):
		return nil, name, fmt.Errorf("%s is a part of the stream in %s, and so is not appended to it", name, r.stream.Dir)
	case isStdin:
		return io.NopCloser(r.app.env.Stdin), name, nil
	}
	f, err := os.Open(name)
	return f, name, err
}

// holds reports whether name is the local file, which would grow while it is read, or a
// batch that waits. What they hold goes to the store anyway.
func (r *appender) holds(name string) bool {
	return isSame(name, r.stream.localFile()) || isSame(filepath.Dir(name), r.stream.pendingDir())
}

// isLocalFile reports whether standard input is the local file.
func (r *appender) isLocalFile(stdin io.Reader) bool {
	f, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	input, errInput := f.Stat()
	local, errLocal := os.Stat(r.stream.localFile())
	return errInput == nil && errLocal == nil && os.SameFile(input, local)
}

func isSame(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// readOne reads the whole of the one input. Its error is about that.
func (r *appender) readOne(ctx context.Context) (name string, text []byte, err error) {
	name = "-"
	if len(r.command.Files) == 1 {
		name = r.command.Files[0]
	}
	f, name, err := r.openInput(name)
	if err != nil {
		return name, nil, err
	}
	defer f.Close()
	source := input.Interruptible(ctx, f)
	defer source.Close()
	in := input.Text(source)
	defer in.Close()
	text, err = io.ReadAll(io.LimitReader(in, input.MaxFetch+1)) // one more: too large
	switch {
	case err == nil && len(text) > input.MaxFetch:
		err = errors.New("it is larger than 64 MiB")
	case err == nil && input.IsDocument(text) && !(r.envelope && isAnswer(text)):
		err = errors.New("it is a daily document, not one fetch; without --one it is taken apart into its fetches")
	}
	return name, text, err
}

// isAnswer reports whether a value that begins like a daily document is none: an answer of
// the API may have uploads of its own.
func isAnswer(value []byte) bool {
	metadata, err := rawjson.Lookup(value, "daily_metadata")
	return err == nil && metadata == nil
}

// read appends the fetches of one input.
func (r *appender) read(ctx context.Context, name string, in io.Reader) error {
	source := input.Interruptible(ctx, in)
	defer source.Close()
	text := input.Text(source)
	defer text.Close()
	isDocument, rest := input.Sniff(text)
	for isDocument {
		d := input.NewDocument(rest, input.MaxFetch)
		if whole, err := r.takeApart(ctx, name, d); err != nil || !whole {
			return err
		}
		isDocument, rest = input.Sniff(d.Rest())
	}
	return r.readValues(ctx, name, jsonstream.NewReader(rest, input.MaxFetch))
}

// takeApart appends the fetches of a daily document. whole is false if it is damaged.
func (r *appender) takeApart(ctx context.Context, name string, d *input.Document) (whole bool, err error) {
	if r.envelope {
		r.refuse("%s: it is a daily document, whose fetches have envelopes; leave out --envelope", name)
		return false, nil
	}
	n, before, kept := 0, r.fetches, r.kept
	for fetch, err := range d.Fetches() {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err == nil {
			_, err = r.append(ctx, fetch)
		}
		n++
		switch {
		case errors.Is(err, rotatelog.ErrInvalidFetch):
			r.refuse("%s, fetch %d: %v", name, n, reason(err, fetch))
		case fetch == nil:
			r.refuse("%s: %v; %s before that were appended, and nothing after it is read", name, reason(err, nil), format.Plural(r.fetches+r.kept-before-kept, "fetch", "fetches"))
			return false, nil
		case err != nil:
			return false, err
		}
	}
	hint := ""
	if !r.command.Replay && d.Date != r.app.today().String() {
		hint = ", to today; --replay would put each into the day of its FETCH_HEADER"
	}
	of := ""
	if d.Date != "" {
		of = " of " + d.Date
	}
	there := ""
	if more := r.kept - kept; more > 0 {
		there = ", but for " + format.Count(more) + " that were there already"
	}
	r.journal.said("%s is a daily document%s: its %s were appended one by one%s%s", name, of, format.Plural(r.fetches+r.kept-before-kept, "fetch", "fetches"), there, hint)
	return true, nil
}

// readValues appends JSON values.
func (r *appender) readValues(ctx context.Context, name string, values *jsonstream.Reader) error {
	for {
		fetch, at, err := values.Next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == io.EOF:
			return nil
		case err != nil:
			if ended := r.resync(name, at, values, err); ended {
				return context.Cause(ctx)
			}
			continue
		}
		if input.IsDocument(fetch) {
			if _, err := r.takeApart(ctx, name, input.NewDocument(bytes.NewReader(fetch), input.MaxFetch)); err != nil {
				return err
			}
			continue
		}
		_, err = r.append(ctx, fetch)
		switch {
		case errors.Is(err, rotatelog.ErrInvalidFetch):
			r.reject(name, at, values.Offset(), err)
		case err != nil:
			return err
		}
	}
}

// resync skips what failed, and reports whether the input ends there.
func (r *appender) resync(name string, at jsonstream.Position, values *jsonstream.Reader, failed error) (ended bool) {
	end, err := values.Resync()
	r.reject(name, at, end, failed)
	if err != nil && err != io.EOF && !errors.Is(failed, err) { // otherwise it is reported already
		r.refuse("%s: %v", name, err)
	}
	return err != nil
}

// reject reports that an input is skipped from at to end.
func (r *appender) reject(name string, at jsonstream.Position, end int64, err error) {
	size := end - at.Offset
	if size == 0 {
		r.refuse("%s, line %d: %v", name, at.Line, reason(err, nil))
		return
	}
	r.refuse("%s, line %d: %v; skipped %s at offset %d", name, at.Line, reason(err, nil), format.Plural(size, "byte", "bytes"), at.Offset)
}

// named returns an error with the name of its input, if it has not that already.
func named(name string, err error) error {
	if strings.Contains(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// reason returns why a fetch was refused, without what the line already says. What is
// nothing, or a page for people, is what a failed request leaves.
func reason(err error, text []byte) error {
	if e, ok := errors.AsType[*jsonstream.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*rotatelog.Error](err); ok {
		err = e.Err
	}
	begin := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\uFEFF")), " \t\r\n")
	switch {
	case text != nil && len(begin) == 0:
		return errors.New("it is empty; see whether what should write it has failed")
	case bytes.HasPrefix(begin, []byte("<")) || strings.Contains(err.Error(), "invalid character '<' at start of value"):
		return errors.New("it is no JSON but HTML or XML, as a server's error page is; with curl, use -f")
	}
	return err
}
