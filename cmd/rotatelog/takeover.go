package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/format"
)

type takeoverCommand struct {
	Apply     bool `help:"Do it. Without this it is planned, and nothing is changed."`
	AbortOpen bool `help:"Abort writes that the lost machine has begun. None may be younger than 15 minutes."`
	settingsFlags
}

// Help is added to the help of the command.
func (takeoverCommand) Help() string {
	return `For a new machine, or a new --dir, in place of one that is lost: it continues
today's object, which belongs to the lost one. What is there now is copied
first. If the old disk turns up: rotatelog restore today --source OLDDIR`
}

// Run plans to take today's object over, and does it with --apply.
func (c *takeoverCommand) Run(ctx context.Context, a *app) error {
	s, err := a.stream()
	if err != nil {
		return err
	}
	days, err := s.archive()
	if err != nil {
		return err
	}
	cfg, err := s.config(days)
	if err != nil {
		return err
	}
	if !c.Apply && !s.hasSpool() { // a plan leaves nothing behind
		if cfg.Dir, err = os.MkdirTemp("", "rotatelog"); err != nil {
			return err
		}
		defer os.RemoveAll(cfg.Dir)
	}
	m, err := rotatelog.OpenMaintenance(ctx, cfg)
	if err != nil {
		return err
	}
	defer m.Close()
	progress := a.newProgress()
	days.Store = progress.watch(days.Store, new(atomic.Int64))
	plan, err := archive.PlanTakeover(ctx, m, days, a.today())
	progress.hide()
	if isRefusal(err) {
		return failed(err)
	}
	if err != nil {
		return err
	}
	plan.AbortOpen = c.AbortOpen
	t := takeoverRun{app: a, stream: s, Takeover: plan}
	if t.number, err = t.lastNumber(); err != nil {
		return err
	}
	if !c.Apply {
		return t.plan()
	}
	if wait := t.wait(); c.AbortOpen && wait > 0 {
		return failed(fmt.Errorf("%s was written to less than 15 minutes ago, and that may still take effect; see that the lost machine has ended, and try again in %s",
			t.Key, format.Duration(wait+time.Minute-1)))
	}
	if err := plan.Apply(ctx); err != nil {
		if isRefusal(err) || notDone(err) {
			err = failed(err)
		}
		return err
	}
	t.print(true)
	a.println("next: start what appends here, then " + s.typed("verify", "today"))
	return nil
}

// takeoverRun is one run of takeover.
type takeoverRun struct {
	app    *app
	stream stream
	*archive.Takeover
	number int // of the last fetch of the day that is in the spool of this directory
}

// lastNumber returns how far the spool of this directory is.
func (t *takeoverRun) lastNumber() (int, error) {
	status, err := rotatelog.Inspect(t.stream.Dir, t.stream.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil || status.Day != t.Day {
		return 0, err
	}
	return status.Number, nil
}

// isDone reports whether a Writer of this directory continues the day as it is.
func (t *takeoverRun) isDone() bool { return t.Mine && (t.number > 0 || t.Number == 0) }

// isBlocked reports whether the lost machine may still write to the object.
func (t *takeoverRun) isBlocked() bool {
	return len(t.Open) > 0 && !t.AbortOpen && (!t.Mine || t.Version == "")
}

// isRefusal reports whether an error says that a takeover must not be done now.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*rotatelog.Error](err)
	return ok && e.Op == "take over"
}

// wait returns how long it takes until the writes that the lost machine has begun can be
// aborted.
func (t *takeoverRun) wait() time.Duration {
	wait := time.Duration(0)
	for _, u := range t.Open {
		wait = max(wait, 15*time.Minute-u.Age)
	}
	return wait
}

// plan prints what would be done.
func (t *takeoverRun) plan() error {
	t.print(false)
	switch {
	case t.isBlocked():
		t.app.toDo("Nothing was changed. See that the lost machine has ended, then:", "--abort-open", "--apply")
		return errFinding()
	case t.isDone():
		t.app.println("Nothing to do: what appends here continues by itself.")
	default:
		t.app.toDo("Nothing was changed. See that the lost machine has ended, then:", "--apply")
	}
	return nil
}

// print prints the plan, or what was done.
func (t *takeoverRun) print(done bool) {
	t.app.println(t.Key)
	t.row("holds", t.holds())
	switch {
	case t.Version == "":
	case t.Mine && t.Owner == "":
		t.row("belongs to", "nobody: here Writers may share an object")
	case t.Mine:
		t.row("belongs to", "this directory, "+t.stream.Dir)
	case t.Owner == "":
		t.row("belongs to", "nobody yet")
	case done:
		t.row("belonged to", "the Writer "+t.Owner+", which is refused from now on")
	default:
		t.row("belongs to", "the Writer "+t.Owner)
	}
	if len(t.Open) > 0 {
		t.row("unfinished", fmt.Sprintf("%s, which the lost machine may have begun", format.Plural(len(t.Open), "write", "writes")))
	}
	if !t.isDone() {
		t.row("lost", t.Lost())
	}
	switch {
	case t.Aside == "":
	case done:
		t.app.printf("what was there before is in\n  %s\n", t.Aside)
	default:
		t.app.printf("first copies what is there now to\n  %s\n", t.Aside)
	}
	switch {
	case t.isDone():
	case done:
		t.app.printf("%s continues with fetch #%s\n", t.stream.Dir, format.Count(t.Number+1))
	default:
		t.app.printf("then %s continues with fetch #%s\n", t.stream.Dir, format.Count(t.Number+1))
	}
}

// holds returns what is in the object.
func (t *takeoverRun) holds() string {
	switch {
	case t.Version == "":
		return "nothing: there is no object of today yet"
	case t.Uploads == 0:
		return "no upload"
	}
	return fmt.Sprintf("%s, the last of %s; fetch #%s is the last in it", format.Plural(t.Uploads, "upload", "uploads"), t.Last, format.Count(t.Number))
}

// row prints a line, or some, of the plan.
func (t *takeoverRun) row(label, text string) {
	const begin = 18
	for i, line := range format.Wrap(text, strings.Repeat(" ", begin), t.app.out.width) {
		if i == 0 {
			line = fmt.Sprintf("  %-*s", begin-2, label) + line[begin:]
		}
		t.app.println(line)
	}
}
