package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/report"
)

type reportCommand struct {
	Days []string  `arg:"" optional:"" help:"Which days (default 7d)."`
	By   report.By `enum:"day,week,month" default:"day" placeholder:"PERIOD" help:"What a row stands for: day (default), week (from Monday) or month."`
	CSV  string    `name:"csv" placeholder:"FILE" help:"Write a table for other programs; - is standard output."`
	HTML string    `name:"html" placeholder:"FILE" help:"Write a page with charts, to look at, send or print."`
	jsonFlag
	settingsFlags
}

// Help is added to the help of the command.
func (reportCommand) Help() string {
	return `DAYS are ` + days.Forms + `,
or several of these. Adds up what the objects of the days say of themselves,
without reading them: a key that may only read is enough, and no spool is
needed. ` + report.MatchRecord + `

  rotatelog report 2025-07 --html july.html`
}

// Run prints a report.
func (c *reportCommand) Run(ctx context.Context, a *app) error {
	if len(c.Days) == 0 {
		c.Days = []string{"7d"}
	}
	if c.JSON && c.CSV == "-" {
		return usagef("--json and --csv=-: only one of them can be standard output")
	}
	if err := cmp.Or(hasFolder("html", c.HTML), hasFolder("csv", c.CSV)); err != nil {
		return err
	}
	d, err := days.Parse(c.Days, a.today())
	if err != nil {
		return usageError(err)
	}
	streams, err := a.streams()
	if err != nil {
		return err
	}
	for _, s := range streams {
		if err := cmp.Or(s.checkOutput("html", c.HTML), s.checkOutput("csv", c.CSV)); err != nil {
			return err
		}
	}
	run := reportRun{app: a, command: c, days: d, names: map[string]stream{}}
	for _, s := range streams {
		err := run.stream(ctx, s)
		if err != nil && (len(streams) == 1 || exitCode(err) == codeUsage || ctx.Err() != nil) {
			return err
		}
		run.fail(s, err)
	}
	if err := run.print(); err != nil {
		return err
	}
	return run.end()
}

// reportRun is one run of report.
type reportRun struct {
	app     *app
	command *reportCommand
	days    days.Days

	reports  []*report.Report
	names    map[string]stream
	findings int // days that were named and are not there, streams without any
	failed   int // days and streams that could not be looked at
}

// stream makes the report of a stream.
func (r *reportRun) stream(ctx context.Context, s stream) error {
	archive, err := s.archive()
	if err != nil {
		return err
	}
	need := report.Needed(r.days, r.command.By, r.app.today())
	known, err := r.find(ctx, s, archive, need)
	if err != nil {
		return err
	}
	made := report.New(s.Name, known, r.days, r.command.By, r.app.today())
	if !made.Sum.HasObject() {
		return s.noObject()
	}
	for _, day := range made.Sum.In(report.Missing) {
		if r.days.Named(day) {
			r.findings++
		}
	}
	for _, day := range made.Sum.Days {
		if day.Err != nil {
			r.fail(s, fmt.Errorf("%v: %w", day.Day, day.Err))
		}
	}
	r.reports = append(r.reports, made)
	r.names[s.Name] = s
	return nil
}

// find finds what is known of days. A store that says nothing for long is not waited for.
func (r *reportRun) find(ctx context.Context, s stream, archive rotatelog.Archive, need days.Span) ([]report.Day, error) {
	asked, store := untilSilent(ctx, archive.Store, askTimeout, fmt.Errorf("%s has not answered for %v", s.shown(), askTimeout))
	defer store.stop()
	archive.Store = store
	known, err := report.Find(asked, archive, need.First, need.Last, r.app.today())
	if ctx.Err() == nil && asked.Err() != nil {
		err = context.Cause(asked)
	}
	return known, err
}

// fail prints why a stream, or a day of it, could not be looked at.
func (r *reportRun) fail(s stream, err error) {
	switch {
	case err == nil:
	case r.app.complain(s, err):
		r.findings++
	default:
		r.failed++
	}
}

// print prints the reports, and writes the files.
func (r *reportRun) print() error {
	if file := r.command.HTML; file != "" && len(r.reports) > 0 {
		if err := writeFile(file, report.Page(r.reports, r.what(), r.made())); err != nil {
			return err
		}
	}
	switch {
	case r.command.CSV == "-":
		return writeReportCSV(r.app.out, r.reports)
	case r.command.CSV != "":
		var table strings.Builder
		if err := writeReportCSV(&table, r.reports); err != nil {
			return err
		}
		if err := writeFile(r.command.CSV, table.String()); err != nil {
			return err
		}
	}
	for i, made := range r.reports {
		if r.command.JSON {
			for _, row := range append(made.Rows, made.Total()) {
				if err := r.app.printJSON(periodJSONOf(made.Stream, row)); err != nil {
					return err
				}
			}
			continue
		}
		if i > 0 {
			r.app.println("")
		}
		r.app.printReport(made)
		r.printNext(made)
	}
	return nil
}

// what says which days the report is of.
func (r *reportRun) what() string {
	var parts []string
	for _, span := range r.days.Spans() {
		text := span.First.String()
		if span.Last != span.First {
			text += " to " + span.Last.String()
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// made says when and from what the page was made.
func (r *reportRun) made() string {
	var places []string
	for _, made := range r.reports {
		s := r.names[made.Stream]
		places = append(places, fmt.Sprintf("%s in %s", s.Name, s.shown()))
	}
	return fmt.Sprintf("Made %s by rotatelog report, from what the objects of the days say of themselves: %s. Days are New York calendar dates.",
		format.Time(r.app.now(), r.app.zone), strings.Join(places, "; "))
}

// printNext prints what finds out more about the days that are not as they should be.
func (r *reportRun) printNext(made *report.Report) {
	s := r.names[made.Stream]
	wrong := append(made.Sum.In(report.Missing), made.Several()...)
	if len(wrong) == 0 {
		return
	}
	var args []string
	spans := days.Of(wrong).Spans()
	for _, span := range spans[:min(len(spans), 3)] {
		arg := span.First.String()
		if span.Last != span.First {
			arg += ".." + span.Last.String()
		}
		args = append(args, arg)
	}
	r.app.println("next: " + s.typed("verify", args...))
}

// end returns what the exit code says.
func (r *reportRun) end() error {
	switch {
	case r.failed > 0:
		return &coded{code: codeUnreachable}
	case r.findings > 0:
		return errFinding()
	}
	return nil
}
