package main

import (
	"context"
	"log/slog"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

type uploadCommand struct {
	Partial bool          `help:"Send the unfinished batch too."`
	Wait    time.Duration `default:"5m" placeholder:"5m" help:"How long to wait for another run, and for each upload (default 5m)."`
	settingsFlags
}

// Help is added to the help of the command.
func (uploadCommand) Help() string {
	return `Runs of append, and a running poll, upload by themselves. This is for what they
have left, after an outage or with --no-upload.`
}

// check returns what is wrong with the flags.
func (c *uploadCommand) check() error {
	if c.Wait < 0 {
		return usagef("--wait: it cannot be negative")
	}
	return nil
}

// Run uploads what waits.
func (c *uploadCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	s, err := a.stream()
	if err != nil {
		return err
	}
	j := a.newJournal(&s)
	o, sent := newOutage(j), 0
	cfg, err := c.config(&s)
	if err != nil {
		return err
	}
	cfg.Logger = slog.New(&logHandler{journal: j})
	news := s.newUploadNews(j)
	defer news.close(ctx) // after the Writer
	cfg.Hooks = rotatelog.Hooks{Failed: o.happened, Uploaded: func(u rotatelog.Uploaded) {
		sent++
		o.over()
		j.uploaded(u)
		news.uploaded(u)
	}}
	if _, err := rotatelog.Inspect(s.Dir, s.Name); err != nil { // a Writer would make a new spool
		return s.spoolError(err)
	}
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return s.openError(err)
	}
	defer w.Close()
	d := delivery{stream: &s, w: w, outage: o, journal: j, wait: c.Wait, partial: c.Partial, eager: true, patient: true}
	if err := d.run(ctx); err != nil {
		return errFinding()
	}
	w.Close() // before what was sent is counted
	result := "nothing waited"
	if sent > 0 {
		result = format.Plural(sent, "batch", "batches") + " sent, nothing waits"
	}
	j.said("%s", result)
	if n := d.unfinished(); n > 0 {
		j.said("%s unfinished (--partial)", format.Plural(n, "fetch is", "fetches are"))
	}
	return nil
}

// config returns the Config of the Writer.
func (c *uploadCommand) config(s *stream) (rotatelog.Config, error) {
	flags, err := s.writerFlags(nil)
	if err != nil {
		return rotatelog.Config{}, err
	}
	cfg, err := s.writerConfig(flags)
	if err == nil {
		err = s.setStore(&cfg)
	}
	cfg.LockWait = c.Wait
	return cfg, err
}
