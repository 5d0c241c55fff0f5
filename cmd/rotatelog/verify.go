package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/format"
)

type verifyCommand struct {
	Days    []string      `arg:"" optional:"" help:"Which days (default yesterday)."`
	Gap     time.Duration `placeholder:"15m" help:"For how long there may be no fetch (default 5 times the usual interval)."`
	Against string        `placeholder:"URL" help:"Another store, such as a mirror, whose uploads must be in the days."`
	Sample  sample        `placeholder:"1/7" help:"Read only a part of the days: each once in 7 runs, a day apart."`
	failOn
	jsonFlag
	settingsFlags
}

// Help is added to the help of the command.
func (verifyCommand) Help() string {
	return `DAYS are ` + days.Forms + `,
or several of these. Each day is read as a whole, and held against what the
spool in --dir has uploaded. With --count, matches are counted again.`
}

// Run verifies days.
func (c *verifyCommand) Run(ctx context.Context, a *app) error {
	if c.Gap < 0 {
		return usagef("--gap: it cannot be negative")
	}
	byDefault := len(c.Days) == 0
	if byDefault {
		c.Days = []string{"yesterday"}
	}
	d, err := days.Parse(c.Days, a.today())
	if err != nil {
		return usageError(err)
	}
	streams, err := a.streams()
	if err != nil {
		return err
	}
	run := verifyRun{app: a, command: c, days: d, byDefault: byDefault, progress: a.newProgress()}
	defer run.progress.hide()
	for _, s := range streams {
		err := run.stream(ctx, s)
		if err != nil && (len(streams) == 1 || exitCode(err) == codeUsage || ctx.Err() != nil) {
			return err
		}
		run.fail(s, err)
	}
	return run.end()
}

// verifyRun is one run of verify.
type verifyRun struct {
	app       *app
	command   *verifyCommand
	days      days.Days
	byDefault bool // no day was typed
	progress  *progress

	verified         int // days
	early            int // streams whose first fetch came after the days
	read             atomic.Int64
	errors, warnings int
	unreadable       int // days that could not be read
	failed           int // streams that could not be looked at
	next             []string
	headed           string // the stream whose heading has been printed last
}

// stream verifies the days of a stream.
func (r *verifyRun) stream(ctx context.Context, s stream) error {
	source, opts, err := r.open(s)
	if err != nil {
		return err
	}
	spool, err := s.spool(source)
	if err != nil {
		return err
	}
	switch {
	case spool != nil:
		defer spool.Close()
		opts.Spool = spool
	case s.Dir != "" && !r.app.grammar.Quiet:
		fmt.Fprintf(r.app.env.Stderr, "rotatelog: there is no spool of %s in %s to hold the days against\n", s.Name, s.Dir)
	}
	before := r.looked()
	for _, span := range r.days.Spans() {
		if err := r.span(ctx, s, source, span, opts); err != nil {
			return err
		}
	}
	if r.looked() == before && r.command.Sample <= 1 {
		return s.noObject()
	}
	return nil
}

// fail prints why a stream could not be verified. The others still are.
func (r *verifyRun) fail(s stream, err error) {
	if err == nil {
		return
	}
	r.progress.hide()
	if r.app.complain(s, err) {
		r.errors++
	} else {
		r.failed++
	}
}

// open opens what is verified, and says how.
func (r *verifyRun) open(s stream) (source rotatelog.Archive, opts archive.VerifyOptions, err error) {
	if source, err = s.archive(); err != nil {
		return source, opts, err
	}
	source.Store = r.progress.watch(source.Store, &r.read)
	count, err := s.countFunc()
	if err != nil {
		return source, opts, err
	}
	if count != nil {
		count = countIfThere(s.Count, count)
	}
	opts = archive.VerifyOptions{Count: count, Gap: r.command.Gap, Sample: int(r.command.Sample), Clock: s.app.env.Clock}
	if r.command.Against == "" {
		return source, opts, nil
	}
	place, err := s.placeOf("against", r.command.Against)
	if err != nil {
		return source, opts, err
	}
	other, err := s.archiveAt(place)
	opts.Against = &other
	return source, opts, err
}

// span verifies consecutive days.
func (r *verifyRun) span(ctx context.Context, s stream, source rotatelog.Archive, span days.Span, opts archive.VerifyOptions) error {
	next := span.First
	for report, err := range archive.Verify(ctx, source, span.First, span.Last, opts) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.absent(ctx, s, next, report.Day); err != nil {
			return err
		}
		if err := r.report(ctx, s, report, err, opts.Spool); err != nil {
			return err
		}
		next = report.Day.Next()
	}
	return r.absent(ctx, s, next, span.Last.Next())
}

// looked returns how much there is to say.
func (r *verifyRun) looked() int { return r.verified + r.unreadable + r.early }

// isEarly reports whether verify was typed without days, and yesterday was before the first
// fetch of the stream, and says so. Whoever names a day expects something of it.
func (r *verifyRun) isEarly(s stream, yesterday rotatelog.Day) bool {
	if !r.byDefault {
		return false
	}
	first, ok := s.firstDay()
	if !ok || yesterday.Compare(first) >= 0 {
		return false
	}
	r.early++
	if !r.command.JSON {
		r.progress.hide()
		r.app.printf("%s: nothing to verify yet, its first fetch came on %v\n", s.Name, first)
		r.then(s.typed("verify", "today"))
	}
	return true
}

// absent reports the days of which there is no report, from one day until before another.
// Those that were named must be there.
func (r *verifyRun) absent(ctx context.Context, s stream, from, until rotatelog.Day) error {
	for day := from; day != until; day = day.Next() {
		if !r.days.Named(day) || !archive.InSample(day, r.app.today(), int(r.command.Sample)) || r.isEarly(s, day) {
			continue
		}
		missing := archive.Finding{Code: archive.DayMissing, Day: day, Text: "there is no object of the day"}
		if err := r.report(ctx, s, archive.Report{Day: day, Findings: []archive.Finding{missing}}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// report prints what was found of a day, and leaves it in the spool.
func (r *verifyRun) report(ctx context.Context, s stream, report archive.Report, err error, spool *rotatelog.SpoolReader) error {
	r.progress.hide()
	row := dayResult{Report: report, stream: s.Name, err: err, named: r.days.Named(report.Day)}
	if err != nil {
		r.unreadable++
	} else {
		r.verified++
	}
	if refusedKey(err) != "" {
		r.then(r.app.afterRefusal())
	}
	errors, warnings := row.counts()
	r.errors += errors
	r.warnings += warnings
	waits, command := "", ""
	if row.has(archive.DayMissing) { // else the spool need not be looked at for each day
		waits, command = s.notUploaded(report.Day)
	}
	switch {
	case row.has(archive.NoCount):
		r.then(fmt.Sprintf("correct %s, and verify again", s.origin("count")))
	case row.instead() != "":
		r.then(row.instead())
	case waits != "":
		row.Findings = []archive.Finding{{Code: archive.DayMissing, Day: report.Day, Text: waits}}
		r.then(command)
	case errors > 0 || row.has(archive.SequenceGap) || row.has(archive.DayMissing):
		r.then(s.typed("restore", report.Day.String()))
	}
	if err := r.printDay(row); err != nil || spool == nil || row.err != nil || row.has(archive.NoCount) {
		return err
	}
	if err := archive.SaveVerified(ctx, spool, r.app.now(), report); err != nil && ctx.Err() == nil {
		fmt.Fprintf(r.app.env.Stderr, "rotatelog: %v\n", err) // it is news only
	}
	return nil
}

// printDay prints what was found of a day, below the name of its stream.
func (r *verifyRun) printDay(row dayResult) error {
	if r.command.JSON {
		return r.app.printJSON(row.json())
	}
	if r.headed != row.stream {
		if r.headed != "" {
			r.app.println("")
		}
		r.headed = row.stream
		r.app.println(r.app.heading(row.stream))
	}
	row.print(r.app)
	return nil
}

// then has a command, or something else to do next, printed at the end.
func (r *verifyRun) then(step string) {
	if !slices.Contains(r.next, step) {
		r.next = append(r.next, step)
	}
}

// end prints the sums, and returns what the exit code says.
func (r *verifyRun) end() error {
	if !r.command.JSON {
		if r.early == 0 || r.verified+r.unreadable+r.failed > 0 {
			r.app.println(r.summary())
		}
		r.app.printNext(r.next)
	}
	switch {
	case r.errors > 0, r.warnings > 0 && r.command.FailOn == "warning":
		return errFinding()
	case r.unreadable+r.failed > 0:
		return &coded{code: codeUnreachable}
	}
	return nil
}

// summary returns a line, as "7 days, 18.9 GB read in 66 s: 1 error, 1 warning".
func (r *verifyRun) summary() string {
	var found []string
	if r.errors > 0 {
		found = append(found, format.Plural(r.errors, "error", "errors"))
	}
	if r.warnings > 0 {
		found = append(found, format.Plural(r.warnings, "warning", "warnings"))
	}
	if r.unreadable > 0 {
		found = append(found, format.Plural(r.unreadable, "day", "days")+" could not be read")
	}
	if r.failed > 0 {
		found = append(found, format.Plural(r.failed, "stream", "streams")+" could not be read")
	}
	if len(found) == 0 {
		found = append(found, "all good")
	}
	return fmt.Sprintf("%s, %s read in %s: %s", format.Plural(r.verified+r.unreadable, "day", "days"), format.Bytes(r.read.Load()),
		format.Duration(r.progress.took()), strings.Join(found, ", "))
}
