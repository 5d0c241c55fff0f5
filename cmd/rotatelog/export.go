package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/days"
)

type exportCommand struct {
	Days  []string `arg:"" help:"Which days."`
	Out   string   `placeholder:"FOLDER/" help:"A folder with a file for each day, or one FILE for all."`
	Each  *string  `placeholder:"PATH" xor:"each" help:"Each element of this array is a line, not each fetch."`
	CSV   *string  `name:"csv" placeholder:"PATH,…" xor:"csv" help:"A table with these columns, in place of NDJSON."`
	Where []string `sep:"none" placeholder:"PATH=VALUE" help:"Only lines that have this; may be repeated, and then all must hold."`
	From  string   `placeholder:"15:00" help:"Only fetches made at that time of the day or later, in New York."`
	To    string   `placeholder:"16:30" help:"Only fetches made before that time."`
	Raw   bool     `xor:"each,csv" help:"The object as it is in the store."`
	Zstd  bool     `help:"Compress each file with zstd; its name ends with .zst."`
	Again bool     `help:"Export also the days that the folder has already."`
	jsonFlag
	settingsFlags
}

// Help is added to the help of the command.
func (exportCommand) Help() string {
	return `DAYS are ` + days.Forms + `,
or several of these. A fetch is a line of JSON (NDJSON). A PATH is names of
members with dots between them. With --each, an element of an array is a line,
and begins with _day, _time, _fetch and _upload, which are also columns, and
conditions. A key that may only read is enough.

A folder gets a file for each day, such as day=2025-07-10/all_api.ndjson; days
that are in it, and have not changed since, are left as they are. A file appears
when it is complete. docs/READING.md goes on with SQL and pandas.

  rotatelog export 7d --each RAW_API_DATA.results --out week/
  rotatelog export 2025-07 --csv _time,FETCH_FOOTER.total_matches --out july.csv`
}

// Run exports days.
func (c *exportCommand) Run(ctx context.Context, a *app) error {
	opts, err := c.options()
	if err != nil {
		return err
	}
	d, err := days.Parse(c.Days, a.today())
	if err != nil {
		return usageError(err)
	}
	toFolder, err := c.toFolder()
	if err != nil {
		return err
	}
	if c.Raw && !toFolder && len(d.All()) > 1 {
		return usagef("--raw: the objects of several days do not go into one file: name a folder, as --out %s/", c.Out)
	}
	s, err := a.stream()
	if err != nil {
		return err
	}
	if err := s.checkOutput("out", c.Out); err != nil {
		return err
	}
	source, err := s.archive()
	if err != nil {
		return err
	}
	run := exportRun{app: a, stream: s, command: c, days: d, progress: a.newProgress(), toFolder: toFolder}
	defer run.progress.hide()
	if !run.progress.terminal {
		run.progress.w = io.Discard
	}
	source.Store = run.progress.watch(source.Store, &run.read)
	var results iter.Seq2[archive.ExportedDay, error]
	if toFolder {
		results = archive.ExportFolder(ctx, source, c.Out, d.All(), opts)
	} else {
		results = archive.ExportFile(ctx, source, c.Out, d.All(), opts)
	}
	return run.all(ctx, results)
}

// options returns what the flags say.
func (c *exportCommand) options() (o archive.ExportOptions, err error) {
	o = archive.ExportOptions{Raw: c.Raw, Zstd: c.Zstd, Again: c.Again}
	if c.Each != nil {
		if o.Each, err = archive.ParsePath(*c.Each); err != nil {
			return o, usagef("--each: %w", err)
		}
	}
	if c.CSV != nil {
		for path := range strings.SplitSeq(*c.CSV, ",") {
			names, err := archive.ParsePath(path)
			if err != nil {
				return o, usagef("--csv: %w", err)
			}
			o.Columns = append(o.Columns, names)
		}
	}
	for _, text := range c.Where {
		condition, err := archive.ParseCondition(text)
		if err != nil {
			return o, usagef("--where: %w", err)
		}
		o.Where = append(o.Where, condition)
	}
	if o.From, err = sinceMidnight("from", c.From); err == nil {
		o.To, err = sinceMidnight("to", c.To)
	}
	if err != nil {
		return o, err
	}
	return o, usageError(o.Check())
}

// sinceMidnight parses a time of the day, as 15:45 or 3:45 PM. 24:00 is its end.
func sinceMidnight(flag, text string) (time.Duration, error) {
	switch text {
	case "":
		return 0, nil
	case "24:00":
		return 24 * time.Hour, nil
	}
	if t, ok := parseClock(text); ok {
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second, nil
	}
	return 0, usagef("--%s: %q is no time: use 15:45 or 3:45 PM", flag, text)
}

// toFolder reports whether the days are exported to a folder: one that is there, or whose
// name ends with a slash.
func (c *exportCommand) toFolder() (bool, error) {
	if c.Out == "" {
		return false, usagef("--out: say where, as week/ for a folder with a file for each day, or july.csv for one file")
	}
	if info, err := os.Stat(c.Out); strings.HasSuffix(c.Out, "/") || err == nil && info.IsDir() {
		return true, nil
	}
	isZstd := strings.HasSuffix(c.Out, ".zst")
	switch {
	case c.Again:
		return false, usagef("--again: one file begins anew each time; it is for a folder, as --out %s/", c.Out)
	case isZstd && !c.Zstd && !c.Raw:
		return false, usagef("--out: %s would not be compressed: add --zstd", c.Out)
	case c.Zstd && !isZstd:
		return false, usagef("--zstd: name the file %s.zst, so that it is known for what it is", c.Out)
	}
	return false, hasFolder("out", c.Out)
}

// exportRun is one run of export.
type exportRun struct {
	app      *app
	stream   stream
	command  *exportCommand
	days     days.Days
	progress *progress
	toFolder bool

	read      atomic.Int64
	headed    bool
	written   int // days
	unchanged int
	empty     int // without a line
	missing   int // without an object
	named     int // of these, that were named
	failed    int
	rows      int64
	lacks     lacks
	next      []string
}

// all prints what was exported, and returns what the exit code says.
func (r *exportRun) all(ctx context.Context, results iter.Seq2[archive.ExportedDay, error]) error {
	for day, err := range results {
		r.progress.hide()
		r.lacks.add(day)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			r.good(day)
		case errors.Is(err, fs.ErrNotExist):
			r.absent(day)
		case errors.Is(err, rotatelog.ErrDamaged), errors.Is(err, archive.ErrUnfit), errors.Is(err, archive.ErrNothing):
			r.bad(day, err)
		default:
			return r.unfinished(day, err)
		}
	}
	return r.end()
}

// unfinished returns the error of an export that could not go on.
func (r *exportRun) unfinished(day archive.ExportedDay, err error) error {
	if errors.Is(err, rotatelog.ErrReplaced) {
		err = fmt.Errorf("%v was replaced while it was exported: %w", day.Day, err)
	}
	e, ok := errors.AsType[*rotatelog.Error](err)
	if next := "next: the same command again"; refusedKey(err) == "" && (!ok || e.Hint == "") {
		if r.toFolder && r.written+r.unchanged > 0 {
			next += ", which goes on with the days that are not there"
		}
		err = fmt.Errorf("%w\n%s", err, next)
	}
	return err
}

// end prints the sums, and returns what the exit code says.
func (r *exportRun) end() error {
	found := r.written + r.unchanged + r.empty + r.failed
	if found == 0 && r.named == 0 {
		return r.stream.noObject()
	}
	if !r.command.JSON {
		r.app.paragraph(r.summary())
		r.printLacks()
		r.app.printNext(r.next)
	}
	switch {
	case r.failed+r.named > 0:
		return errFinding()
	case r.empty == found && r.command.JSON:
		return errFinding()
	case r.empty == found:
		return failed(errors.New("no line was found: nothing is exported"))
	case len(r.lacks.all) > 0: // a misspelled column is empty, and nobody looks at it
		return errFinding()
	}
	return nil
}
