package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/rawjson"
)

type tailCommand struct {
	Last  int  `name:"last" short:"n" default:"0" placeholder:"N" help:"Begin with the last N fetches, as far as they are on disk."`
	Short bool `help:"Print a line about each fetch, not the fetch."`
	settingsFlags
}

// Help is added to the help of the command.
func (tailCommand) Help() string {
	return `Each fetch is a line of JSON (NDJSON), printed once, as it is appended. It is
read from the files in --dir, beside whatever appends to them, without a store.

  rotatelog tail | jq .FETCH_FOOTER.total_matches`
}

// tailInterval is how often the files are looked at.
const tailInterval = 500 * time.Millisecond

// check returns what is wrong with the flags.
func (c *tailCommand) check() error {
	if c.Last < 0 {
		return usagef("--last: it cannot be negative")
	}
	return nil
}

// Run prints fetches until it is interrupted.
func (c *tailCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	all, err := a.streams()
	if err != nil {
		return err
	}
	var tails []*tail
	for _, s := range all {
		t, err := c.open(&s)
		if err != nil {
			return err
		}
		defer t.spool.Close()
		tails = append(tails, t)
	}
	for {
		for _, t := range tails {
			if err := t.print(); err != nil {
				return err
			}
		}
		if a.env.Clock.Sleep(ctx, tailInterval) != nil {
			return errInterrupted()
		}
	}
}

func (c *tailCommand) open(s *stream) (*tail, error) {
	if s.Dir == "" {
		return nil, errNoDir()
	}
	count, err := s.countFunc()
	if err != nil {
		return nil, err
	}
	cfg := rotatelog.Config{Dir: s.Dir, Name: s.Name, Location: s.app.zone, Count: count}
	t := &tail{app: s.app, stream: s.Name, short: c.Short, count: count}
	if t.spool, err = rotatelog.OpenSpoolReader(cfg); err != nil {
		return nil, s.spoolError(err)
	}
	if t.count == nil {
		t.count = rotatelog.CountMember("FETCH_FOOTER", "total_matches")
	}
	t.follower, err = t.spool.Follow(c.Last)
	return t, err
}

// tail prints the fetches of a stream.
type tail struct {
	app      *app
	stream   string
	short    bool
	count    rotatelog.CountFunc
	spool    *rotatelog.SpoolReader
	follower *rotatelog.SpoolFollower

	day    rotatelog.Day // of the last fetch
	number int           // of it on that day; 0 before the first
}

// print prints what has come since it was called last.
func (t *tail) print() error {
	out := bufio.NewWriterSize(t.app.out, 64<<10)
	var line []byte
	for fetch, err := range t.follower.Fetches() {
		if err != nil {
			return err
		}
		if fetch.Day == t.day && t.number > 0 && fetch.Number > t.number+1 {
			fmt.Fprintf(t.app.env.Stderr, "rotatelog: %s: fetches #%d to #%d came and went too quickly; they are in the day's object\n", t.stream, t.number+1, fetch.Number-1)
		}
		t.day, t.number = fetch.Day, fetch.Number
		if t.short {
			line = append(line[:0], t.describe(fetch)...)
		} else if line, err = rawjson.AppendCompact(line[:0], fetch.Text); err != nil {
			return err
		}
		out.Write(append(line, '\n'))
	}
	return out.Flush()
}

// describe returns a line about a fetch.
func (t *tail) describe(f rotatelog.SpoolFetch) string {
	counted := "not counted"
	if n, err := t.count(f.Text); err == nil {
		counted = format.Plural(n, "match", "matches")
	}
	return fmt.Sprintf("%s %v #%d: %s, %s", t.stream, f.Day, f.Number, counted, format.Bytes(int64(len(f.Text))))
}
