package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// commands is what can be typed. Each command is in a file of its name.
type commands struct {
	Help  helpFlag `help:"Print this." short:"h"`
	Quiet bool     `help:"Print only if the exit code is not 0." short:"q"`

	Append appendCommand `cmd:"" group:"minute" help:"Keep fetches: on disk at once, then in the store."`

	Upload uploadCommand `cmd:"" group:"minute" help:"Send what waits."`

	Tail tailCommand `cmd:"" group:"look" help:"Follow fetches as they are appended."`

	Cat catCommand `cmd:"" group:"read" help:"The fetches of a day, one a line."`

	Verify verifyCommand `cmd:"" group:"mend" help:"Read days as a whole, and find what is wrong with them."`

	Restore  restoreCommand  `cmd:"" group:"mend" help:"Put a broken day together again."`
	Takeover takeoverCommand `cmd:"" group:"mend" help:"Continue the stream of a lost machine."`

	Help_   helpCommand    `cmd:"" name:"help" group:"more" help:"What a code means, and what to do."`
	Version versionCommand `cmd:"" group:"more" help:"Which version this is."`
}

// usage returns the error of what was typed.
func (a *app) usage(err error) error {
	if errors.Is(err, errHelp) {
		return err
	}
	text := err.Error()
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if parse.Context != nil && parse.Context.Selected() != nil {
			a.selected = parse.Context.Selected().Path()
		}
		text = errors.Unwrap(parse).Error()
	}
	return usageError(errors.New(a.withOrigin("", text)))
}

// withOrigin adds to an error about a flag where its value comes from, if it was not
// typed.
func (a *app) withOrigin(stream, text string) string {
	flag, _, ok := strings.Cut(strings.TrimPrefix(text, "--"), ":")
	if !ok || a.settings == nil || !strings.HasPrefix(text, "--") {
		return text
	}
	v, set := a.settings.Lookup(flag, stream)
	if !set || v.Origin.Flag != "" {
		return text
	}
	return fmt.Sprintf("%s: %s", v.Origin, text)
}
