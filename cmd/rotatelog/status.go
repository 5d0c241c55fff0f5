package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

type statusCommand struct {
	Notify bool `help:"Tell those whom the settings name what is new, once."`
	Test   bool `help:"With --notify: send one message of each kind now, and do no more."`
	expectFlags
	failOn
	jsonFlag
	settingsFlags
}

// expectFlags say what is expected of a stream. Each may have its own, also as settings.
type expectFlags struct {
	Every        time.Duration `setting:"" placeholder:"1m" help:"Time between two fetches (default: as they came lately)."`
	Expect       window        `setting:"" placeholder:"11:00-01:00" help:"When fetches come, in New York (default: always)."`
	ExpectUpload time.Duration `setting:"" placeholder:"1h" help:"For how long a batch may wait (default: it goes up at once)."`

	KeySince      rotatelog.Day `setting:"" placeholder:"DAY" help:"When the store's key was made (default: as the settings file that has it)."`
	DayLimit      byteSize      `setting:"" placeholder:"SIZE" help:"How large a day may be (default 5GiB in a bucket)."`
	StorageBudget byteSize      `setting:"" placeholder:"SIZE" help:"How much all days may have, as 2TB (default: no limit)."`
}

// window is the value of --expect.
type window struct{ health.Window }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (w *window) UnmarshalText(text []byte) (err error) {
	w.Window, err = health.ParseWindow(string(text))
	return err
}

// Help is added to the help of the command.
func (statusCommand) Help() string {
	return `The spool in --dir says it, beside a running Writer or after a killed one. The
store is asked for the days that are over, for seconds at most and without
downloading any; what it does not say is not known, and no finding. Without a
command, rotatelog does the same. The exit code is 1 for an error, which is
worth a mail, and for what is critical, which is worth waking somebody.

With --notify it tells of that: at the second run that finds it, and once more
when it was gone for ten minutes. What is critical goes to ROTATELOG_PAGE at
once. Errors and warnings go to ROTATELOG_NOTIFY, between 10 PM and 8 AM not
before 8 AM, when there is a line about each stream every day. Both are lists of
ntfy:URL, webhook:URL and exec:CMD. ROTATELOG_HEARTBEAT is a URL to ask every
five minutes. These are settings without a flag. The exit code is 1 then if
something could not be sent; it is tried again by the next run.

  */5 * * * * /usr/local/bin/rotatelog status --notify --quiet`
}

// Run prints what is wrong with the streams, and what is going on.
func (c *statusCommand) Run(ctx context.Context, a *app) error {
	streams, err := a.streams()
	if err != nil {
		return err
	}
	var notify *notifier
	if c.Notify {
		if notify, err = c.newNotifier(a, streams); err != nil {
			return err
		}
	}
	switch {
	case c.Test && !c.Notify:
		return usagef("--test is for --notify")
	case c.Test:
		return notify.test(ctx)
	}
	all, err := lookAt(ctx, a, streams)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	slices.SortStableFunc(all, func(x, y streamStatus) int { return cmp.Compare(y.shown(a).Rank(), x.shown(a).Rank()) })
	if c.JSON {
		err = printStatusJSON(a, all)
	} else {
		printStatus(a, all)
	}
	if err == nil && notify != nil {
		return notify.run(ctx, all)
	}
	return cmp.Or(err, c.end(all))
}

// end returns what the exit code says.
func (c *statusCommand) end(all []streamStatus) error {
	limit := health.Error
	if c.FailOn == "warning" {
		limit = health.Warning
	}
	worst, blind := health.OK, false
	for _, s := range all {
		worst = max(worst, s.worst())
		blind = blind || s.err != nil || len(s.problems) > 0
	}
	switch {
	case worst >= limit:
		return errFinding()
	case blind:
		return &coded{code: codeUnreachable}
	}
	return nil
}
