package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/storeurl"
)

type restoreCommand struct {
	Day    string   `arg:"" help:"today, yesterday or 2025-07-10, in New York."`
	Apply  bool     `help:"Do it. Without this it is planned, and nothing is changed."`
	Source []string `placeholder:"DIR|FILE|URL" sep:"none" help:"Where else uploads may be: the --dir of another machine, a file or a directory of days, a store. May be repeated."`
	To     string   `placeholder:"URL" help:"Build the day in another store, as a rehearsal."`
	settingsFlags
}

// Help is added to the help of the command.
func (restoreCommand) Help() string {
	return `Puts a day together again from what is whole in its object, the spool in --dir,
the mirror, and each --source. What is there now is copied first. The Writer may
go on meanwhile.

  rotatelog restore today --source /mnt/old/rotatelog`
}

// Run plans to restore a day, and does it with --apply.
func (c *restoreCommand) Run(ctx context.Context, a *app) error {
	day, err := a.day(c.Day)
	if err != nil {
		return err
	}
	s, err := a.stream()
	if err != nil {
		return err
	}
	r := restoreRun{app: a, command: c, stream: s, day: day, progress: a.newProgress()}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return err
	}
	if c.Apply {
		return r.apply(ctx)
	}
	return r.plan(ctx)
}

// restoreRun is one run of restore.
type restoreRun struct {
	app     *app
	command *restoreCommand
	stream  stream
	day     rotatelog.Day

	progress    *progress
	archive     rotatelog.Archive // in which the day is built
	maintenance *rotatelog.Maintenance
	sources     []*countedSource
	opts        archive.RestoreOptions
	atEnd       []func() error
}

func (r *restoreRun) close() {
	r.progress.hide()
	for _, f := range r.atEnd {
		f()
	}
}

// open opens what is restored, and all that it may be restored from.
func (r *restoreRun) open(ctx context.Context) error {
	days, err := r.stream.archive()
	if err != nil {
		return err
	}
	if r.opts.Count, err = r.stream.countFunc(); err != nil {
		return err
	}
	cfg, err := r.stream.config(days)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, r.stream.Name+".spool")); err != nil {
		return failed(fmt.Errorf("there is no spool of %s in %s: %w\nnext: on a new machine, %s", r.stream.Name, cfg.Dir, err, r.stream.typed("takeover")))
	}
	r.archive = days
	if r.command.To != "" {
		if cfg, err = r.elsewhere(cfg, days); err != nil {
			return err
		}
	}
	if r.maintenance, err = rotatelog.OpenMaintenance(ctx, cfg); err != nil {
		return err
	}
	r.atEnd = append(r.atEnd, r.maintenance.Close)
	r.archive.Store = r.progress.watch(r.archive.Store, new(atomic.Int64))
	if r.stream.Mirror != "" {
		if err := r.addStore("mirror", "the mirror", "mirror", r.stream.Mirror); err != nil {
			return err
		}
	}
	for _, name := range r.command.Source {
		if err := r.addSource(name); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere has the day built in the store --to, from a spool of its own. The stream is
// a source then.
func (r *restoreRun) elsewhere(cfg rotatelog.Config, days rotatelog.Archive) (rotatelog.Config, error) {
	place, err := r.stream.placeOf("to", r.command.To)
	if err != nil {
		return cfg, err
	}
	if err := r.checkElsewhere(place); err != nil {
		return cfg, err
	}
	if r.archive, err = r.stream.archiveAt(place); err != nil {
		return cfg, err
	}
	r.add("stream", r.stream.shown(), archive.ArchiveSource("the "+r.stream.storeNoun(), days))
	spool, err := rotatelog.OpenSpoolReader(cfg)
	if err != nil {
		return cfg, err
	}
	r.atEnd = append(r.atEnd, spool.Close)
	r.add("its spool", cfg.Dir, archive.SpoolSource("the spool", spool))
	cfg.Store, cfg.Prefix = r.archive.Store, r.archive.Prefix
	if cfg.Dir, err = os.MkdirTemp("", "rotatelog"); err != nil {
		return cfg, err
	}
	dir := cfg.Dir
	r.atEnd = append(r.atEnd, func() error { return os.RemoveAll(dir) })
	return cfg, nil
}

// checkElsewhere refuses a rehearsal on the objects of the stream. It would put the
// unfinished batch into the day, which the Writer uploads yet.
func (r *restoreRun) checkElsewhere(to *storeurl.Place) error {
	for flag, url := range map[string]string{"store": r.stream.Store, "mirror": r.stream.Mirror} {
		if url == "" {
			continue
		}
		own, err := r.stream.placeOf(flag, url)
		if err != nil {
			return err
		}
		if own.Same(to) && r.stream.keyAt(own, r.day) == r.stream.keyAt(to, r.day) {
			return usagef("--to is the %s of %s itself: name an empty place, such as file:///tmp/rehearsal", flag, r.stream.Name)
		}
	}
	return nil
}

// plan prints what would be done.
func (r *restoreRun) plan(ctx context.Context) error {
	p, err := archive.PlanRestore(ctx, r.maintenance, r.archive, r.day, r.opts)
	if err != nil {
		return err
	}
	if err := r.print(p, false); err != nil {
		return err
	}
	whole := p.Report.Worst() != archive.Error && len(p.Missing) == 0
	waits, command := r.stream.notUploaded(r.day)
	switch {
	case p.Version == "" && len(p.Uploads()) == 0 && waits != "":
		r.app.paragraph("Nothing to restore: " + waits + ".")
		r.app.println("next: " + command)
		return errFinding()
	case len(p.Uploads()) == 0:
		r.app.println("No upload of the day was found: name another --source.")
		return errFinding()
	case p.Uncounted:
		r.app.println("It cannot be done so: --count must say how its Writer counted matches.")
		return errFinding()
	case p.Needed():
		r.app.toDo("Nothing was changed. To do it:", "--apply")
		whole = len(p.Missing) == 0
	case whole:
		r.app.println("Nothing to do: the day is whole.")
	case len(p.Missing) > 0:
		r.app.println("Nothing to do: what is missing was not found. Name another --source.")
	default:
		r.app.println("Nothing to do: what is wrong is for people. See " + r.stream.typed("verify", p.Day.String()))
	}
	if !whole {
		return errFinding()
	}
	return nil
}

// apply restores the day.
func (r *restoreRun) apply(ctx context.Context) error {
	p, report, err := archive.Restore(ctx, r.maintenance, r.archive, r.day, r.opts)
	switch {
	case p == nil:
		return err
	case err != nil && (notDone(err) || p.Uncounted || len(p.Uploads()) == 0):
		return failed(err)
	case err != nil:
		return err
	case !p.Needed():
		return r.plan(ctx)
	}
	if err := r.print(p, true); err != nil {
		return err
	}
	row := dayResult{Report: report, stream: r.stream.Name}
	row.print(r.app)
	if r.command.To == "" {
		r.app.println("next: " + r.stream.typed("verify", r.day.String()))
	}
	if len(p.Missing) > 0 || report.Worst() == archive.Error {
		return errFinding()
	}
	return nil
}
