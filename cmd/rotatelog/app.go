package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/settings"
	"example.com/rotatelog/internal/storeurl"
)

// app is one run of the command.
type app struct {
	env  env
	zone *time.Location
	out  *output

	troubles bytes.Buffer // to be printed on standard error if the exit code is not 0

	grammar  commands
	parser   *kong.Kong
	selected string // the command, once it is known

	settings      *settings.Settings // nil for a command without settings
	badSettings   bool               // they cannot be loaded
	typedSettings []string           // the flags among them, but --name
	keys          *storeurl.Keys
	ofAll         *streamFlags // of which no stream has its own
}

func newApp(e env) (*app, error) {
	a := &app{env: e, out: newOutput(e)}
	var err error
	if a.zone, err = time.LoadLocation("America/New_York"); err != nil {
		return a, err
	}
	a.parser, err = newParser(&a.grammar, e.Args)
	return a, err
}

// runCommand runs what the arguments say.
func (a *app) runCommand(ctx context.Context) error {
	c, err := a.parse()
	if err != nil {
		return err
	}
	a.out.quiet = a.grammar.Quiet
	return c.Run(ctx, a)
}

// saysMore returns where there is more about a usage error.
func (a *app) saysMore(err error) string {
	if _, ok := errors.AsType[*incomplete](err); ok {
		return "rotatelog help settings says more; docs/SETUP.md sets all of it up"
	}
	switch {
	case a.badSettings:
		return "rotatelog help settings says more"
	case a.selected != "":
		return "rotatelog " + a.selected + " --help says more"
	}
	return "rotatelog --help says more"
}

func (a *app) now() time.Time { return a.env.Clock.Now() }

// today returns the day it is.
func (a *app) today() rotatelog.Day { return rotatelog.DayOf(a.now(), a.zone) }

// printf prints to standard output.
func (a *app) printf(text string, args ...any) { fmt.Fprintf(a.out, text, args...) }

// println prints a line to standard output.
func (a *app) println(line string) { fmt.Fprintln(a.out, line) }

// paragraph prints text in lines that fit.
func (a *app) paragraph(text string) { a.printText("", text) }

// printText is paragraph with an indent.
func (a *app) printText(indent, text string) {
	a.println(strings.Join(format.Wrap(text, indent, a.out.width), "\n"))
}

// printNext prints the commands that come next, a line each.
func (a *app) printNext(commands []string) {
	label := "next: "
	for _, command := range commands {
		a.println(label + command)
		label = "      "
	}
}

// complain prints why a stream could not be looked at as a whole, and reports whether that
// is a finding, or something else has failed. err is not nil.
func (a *app) complain(s stream, err error) (finding bool) {
	if finding = exitCode(err) == codeFinding; !finding {
		err = fmt.Errorf("%s: %w", s.Name, err)
	}
	fmt.Fprintf(a.env.Stderr, "rotatelog: %s\n", explained(err))
	return finding
}

// printJSON prints a value as a line of JSON.
func (a *app) printJSON(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	a.println(string(line))
	return a.out.err
}
