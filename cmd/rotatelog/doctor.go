package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/storeurl"
	"example.com/rotatelog/s3store"
)

type doctorCommand struct {
	Quick  bool `help:"Leave out tests that send and read 5 MiB."`
	Bucket bool `help:"Test nothing. Print how to set the bucket and its key up, how it is set up now, and what a month takes."`
	settingsFlags
}

// Help is added to the help of the command.
func (doctorCommand) Help() string {
	return `Prints the settings and where each comes from, and tests whether the bucket can
be reached, written and read, and whether the server honours the conditions that
keep one upload from overwriting another. It uses objects of its own next to the
days, and removes them again. Ends with lines for cron and systemd to paste.`
}

// Run tests the connection.
func (c *doctorCommand) Run(ctx context.Context, a *app) error {
	streams, err := a.streams()
	if err != nil {
		return err
	}
	if c.Bucket {
		return a.printBuckets(ctx, streams)
	}
	a.printSettingsInUse()
	var worst error
	for _, s := range streams {
		a.println("")
		if len(streams) > 1 {
			a.println(a.out.paint(bold, s.Name))
		}
		err := c.examine(ctx, s)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, isCoded := errors.AsType[*coded](err); err != nil && !isCoded {
			return err
		}
		if err == nil {
			s.printWaiting()
		}
		worst = worse(worst, err)
	}
	if worst == nil {
		a.printSchedule(streams)
	}
	return worst
}

// printWaiting says what becomes of batches that wait, now that a Writer works.
func (s *stream) printWaiting() {
	spool, err := rotatelog.Inspect(s.Dir, s.Name)
	if err != nil || len(spool.Pending) == 0 {
		return
	}
	s.app.println(format.Plural(len(spool.Pending), "batch waits on disk, and goes", "batches wait on disk, and go") + " up with the next fetch, or now:")
	s.app.println("  " + s.typed("upload"))
}

// worse returns the error with the code that matters more: 2 and 1 before 3.
func worse(a, b error) error {
	x, _ := errors.AsType[*coded](a)
	y, _ := errors.AsType[*coded](b)
	if x == nil || y != nil && x.code == codeUnreachable {
		return b
	}
	return a
}

// printSettingsInUse prints each setting, and where it comes from.
func (a *app) printSettingsInUse() {
	file := "no file"
	if f := a.settings.File(); f != nil {
		file = f.Path
	}
	a.printf("%s (%s)\n", a.out.paint(bold, "settings"), file)
	for _, setting := range a.settings.List() {
		value := setting.Text
		if storeurl.MayHoldKey(value) {
			value = "… (it may hold a key)"
		}
		origin := "environment"
		switch {
		case setting.Origin.Flag != "":
			origin = "typed"
		case setting.Origin.File != "":
			origin = fmt.Sprintf("line %d", setting.Origin.Line)
		}
		a.printf("  %-11s  %s=%s\n", origin, setting.Name, value)
	}
}

// examine tests the directory and the store of a stream.
func (c *doctorCommand) examine(ctx context.Context, s stream) error {
	place, err := s.place()
	if err != nil {
		return err
	}
	disk := s.localDisk()
	if place.Dir != "" {
		return s.examineDirectory(place, disk)
	}
	archive, err := s.archiveAt(place)
	if err != nil {
		return err
	}
	store, ok := archive.Store.(*s3store.Store)
	if !ok {
		return fmt.Errorf("%s: %T cannot be tested", place, archive.Store)
	}
	progress := s.app.newProgress()
	defer progress.hide()
	step := func(what string) { progress.show("testing: " + what + " …") }
	found, err := store.Probe(ctx, prefixOf(archive), s3store.ProbeOptions{Quick: c.Quick, Progress: step})
	if c.Quick {
		found.CopyPart = s3store.Finding{}
	}
	today := owner{foreign: nobody}
	if found.Reach.Result == s3store.ResultYes && ctx.Err() == nil {
		step("whom today's object belongs to")
		today = s.lookAtToday(ctx, archive)
	}
	progress.hide()
	table := append([]row{disk}, rows(found, today)...)
	s.app.printTable(table)
	s.app.printLeftover(found.Leftover)
	if ctx.Err() != nil {
		return err
	}
	return s.app.conclude(found, table)
}

func (a *app) printLeftover(leftover []string) {
	if len(leftover) == 0 {
		return
	}
	a.println("\nThis could not be removed:")
	for _, what := range leftover {
		a.println("  " + what)
	}
}

// conclude prints the conclusion, and returns what the exit code says.
func (a *app) conclude(found s3store.Capabilities, table []row) error {
	a.println("")
	exclusive, bad := found.CheckExclusive(), firstBad(table, toOwn)
	switch {
	case exclusive == nil && bad == "" && found.CheckShared() == nil:
		a.println("A Writer works here. Several Writers may share a key.")
	case exclusive == nil && bad == "":
		a.paragraph("A Writer works here. Several must not share a key: " + firstBad(table, toShare) + ".")
	case exclusive == nil:
		a.paragraph("A Writer works here, but not that of this directory: " + bad + ".")
	default:
		a.paragraph("No Writer works here: " + bad + ".")
	}
	if refusedKey(found.Reach.Err) != "" {
		a.printNext([]string{a.afterRefusal()})
	}
	if found.Versioned.Result == s3store.ResultYes {
		a.paragraph("The bucket keeps versions. With versions some servers do not honour conditions: try a bucket without.")
	}
	switch {
	case exclusive == nil && bad == "":
		return nil
	case slices.ContainsFunc(table, func(r row) bool { return r.need == toOwn && r.finding.Result == s3store.ResultNo }):
		return errFinding()
	}
	return &coded{code: codeUnreachable}
}
