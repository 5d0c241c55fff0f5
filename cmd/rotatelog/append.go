package main

import (
	"context"
	"time"

	"example.com/rotatelog"
)

type appendCommand struct {
	Files    []string      `arg:"" optional:"" name:"file" help:"Files to read (default standard input, which is also called -)."`
	One      bool          `help:"Insist on one fetch: anything else is refused."`
	Replay   bool          `xor:"time" help:"Put each fetch into the day of its FETCH_HEADER, not today's."`
	NoUpload bool          `xor:"upload" help:"Leave uploading to another run, or to rotatelog upload."`
	Flush    bool          `xor:"upload" help:"At the end upload the unfinished batch too; if that fails, exit with 1."`
	Wait     time.Duration `default:"30s" placeholder:"30s" help:"How long to wait for another run, and at the end for the store."`
	settingsFlags
	writerFlags
}

// Help is added to the help of the command.
func (appendCommand) Help() string {
	return `An input has one JSON object after another, on lines of their own or not, one
array of them, or a daily document, which is taken apart into its fetches. It
may be compressed with gzip or zstd. Each fetch is on disk before the next one
is read. The exit code is 0 as soon as all are on disk, whatever the store says.

  curl -fsS https://api.example/live | rotatelog append --one --envelope`
}

// check returns what is wrong with the flags.
func (c *appendCommand) check() error {
	switch {
	case c.Wait < 0:
		return usagef("--wait: it cannot be negative")
	case c.One && len(c.Files) > 1:
		return usagef("--one: one fetch cannot be in %d files", len(c.Files))
	case c.Envelope && c.Replay:
		return usagef("--envelope gives a fetch the time it is now, and --replay takes the one it has: leave one out")
	}
	return nil
}

// Run appends fetches.
func (c *appendCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	s, err := a.stream()
	if err != nil {
		return err
	}
	r, err := a.newAppender(&s, c)
	if err != nil {
		return err
	}
	defer r.news.close(ctx) // after the Writer
	if c.One {
		return r.runOne(ctx)
	}
	return r.runAll(ctx)
}

// config returns the Config of the Writer.
func (c *appendCommand) config(s *stream, flags writerFlags) (rotatelog.Config, error) {
	cfg, err := s.writerConfig(flags)
	if err != nil {
		return cfg, err
	}
	cfg.LockWait, cfg.AppendOnly = c.Wait, c.NoUpload
	if flags.Once {
		cfg.Identity = onceIdentity(flags.Envelope)
	}
	if c.Replay {
		cfg.TimeOf = rotatelog.HeaderTime
	}
	if err = s.setStore(&cfg); c.NoUpload { // which needs no store; it only says where the day's total is
		err = nil
	}
	return cfg, err
}
