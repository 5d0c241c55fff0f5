package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/rawjson"
)

type catCommand struct {
	Day    string `arg:"" help:"today, yesterday or 2025-07-10, in New York."`
	Upload *int   `placeholder:"N" xor:"part" help:"Only the fetches of upload N."`
	At     string `placeholder:"15:45" xor:"part" help:"Only the fetches of the first upload made at that time or later, in New York."`
	Raw    bool   `xor:"part" help:"The document as it is, decompressed."`
	settingsFlags
}

// Help is added to the help of the command.
func (catCommand) Help() string {
	return `Each fetch is a line of JSON (NDJSON). A key that may only read is enough.

  rotatelog cat today | tail -n 1 | jq .FETCH_HEADER`
}

// Run prints the fetches of a day.
func (c *catCommand) Run(ctx context.Context, a *app) error {
	if c.Upload != nil && *c.Upload < 1 {
		return usagef("--upload: there is no upload %d; the first is 1", *c.Upload)
	}
	day, err := a.day(c.Day)
	if err != nil {
		return err
	}
	s, err := a.stream()
	if err != nil {
		return err
	}
	archive, err := s.archive()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Raw {
		err = catRaw(ctx, out, archive, day)
	} else {
		err = c.catFetches(ctx, out, archive, day)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text := fmt.Sprintf("there is no object of %v in %v", day, s.shown())
		if waits, command := s.notUploaded(day); waits != "" {
			text += ": " + waits + "\nnext: " + command
		}
		return failed(errors.New(text))
	case errors.Is(err, rotatelog.ErrDamaged):
		return failed(fmt.Errorf("%w\nnext: %s", err, s.typed("verify", day.String())))
	}
	return err
}

// catRaw prints the text of a day's object.
func catRaw(ctx context.Context, w io.Writer, archive rotatelog.Archive, day rotatelog.Day) error {
	text, err := archive.Text(ctx, day)
	if err != nil {
		return err
	}
	r := text.Open(ctx)
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// catFetches prints the fetches of a day, or of an upload of it.
func (c *catCommand) catFetches(ctx context.Context, w *bufio.Writer, archive rotatelog.Archive, day rotatelog.Day) error {
	d, err := archive.Open(ctx, day)
	if err != nil {
		return err
	}
	uploads, one, err := c.uploads(ctx, d, day, archive.Location)
	if err != nil {
		return err
	}
	printed := 0
	for u, err := range uploads {
		if err != nil {
			return err
		}
		if c.Upload != nil && u.Sequence != *c.Upload {
			break
		}
		if err := printFetches(w, u); err != nil {
			return err
		}
		if printed++; one {
			break
		}
	}
	if one && printed == 0 {
		m := d.Metadata()
		return failed(fmt.Errorf("%v has no such upload: the last is %d, at %s", day, m.LastSequence, m.Last))
	}
	return nil
}

// uploads returns the uploads to print. one reports whether only the first is wanted.
func (c *catCommand) uploads(ctx context.Context, d *rotatelog.DayReader, day rotatelog.Day, zone *time.Location) (
	uploads iter.Seq2[*rotatelog.Upload, error], one bool, err error,
) {
	switch {
	case c.Upload != nil:
		return d.UploadsFrom(ctx, *c.Upload), true, nil
	case c.At != "":
		at, err := timeOfDay(c.At, day, zone)
		return d.UploadsSince(ctx, at), true, err
	}
	return d.Uploads(ctx), false, nil
}

// printFetches prints the fetches of an upload, each on a line.
func printFetches(w *bufio.Writer, u *rotatelog.Upload) error {
	var line []byte
	for fetch, err := range u.Fetches() {
		if err == nil {
			line, err = rawjson.AppendCompact(line[:0], fetch)
		}
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// timeOfDay parses a time of a day, as 15:45 or 3:45 PM. Where the clocks are set back it
// is the earlier of two.
func timeOfDay(text string, day rotatelog.Day, zone *time.Location) (time.Time, error) {
	if t, ok := parseClock(text); ok {
		return time.Date(day.Year, day.Month, day.Date, t.Hour(), t.Minute(), t.Second(), 0, zone), nil
	}
	return time.Time{}, usagef("--at: %q is no time: use 15:45 or 3:45 PM", text)
}

// parseClock parses what a clock shows, as 15:45, 3:45 PM or 3:45pm.
func parseClock(text string) (t time.Time, ok bool) {
	for _, layout := range []string{"15:04", "15:04:05", "3:04 PM", "3:04:05 PM", "3:04PM", "3:04:05PM"} {
		if t, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
			return t, true
		}
	}
	return t, false
}

// day returns the one day that an argument names.
func (a *app) day(arg string) (rotatelog.Day, error) {
	d, err := days.Parse([]string{arg}, a.today())
	if err != nil {
		return rotatelog.Day{}, usageError(err)
	}
	all := d.All()
	if len(all) != 1 {
		return rotatelog.Day{}, usagef("%s is not one day: use today, yesterday or 2025-07-10", arg)
	}
	return all[0], nil
}
