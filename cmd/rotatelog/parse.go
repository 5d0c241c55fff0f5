package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// command is what each command is.
type command interface {
	Run(ctx context.Context, a *app) error
}

// parse parses the arguments and the settings, and returns the command. It takes kong's
// steps one by one: kong's Parse and Run look up methods by their names, for which the
// linker would keep each method of each type, and the AWS SDK has so many that the
// binary would be 40 % larger. So a command has no kong hooks, and of what the tags of
// flags can demand, check looks at enum and xor.
func (a *app) parse() (command, error) {
	parsed, err := kong.Trace(a.parser, a.env.Args)
	if err == nil {
		err = parsed.Error
	}
	if err != nil {
		return nil, a.usage(parsed, err)
	}
	if given(parsed, "help") {
		a.printHelp(parsed.Selected())
		return nil, errHelp
	}
	selected := parsed.Selected()
	if selected == nil {
		return nil, a.usage(parsed, errors.New("say what to do, as in rotatelog verify"))
	}
	if slices.ContainsFunc(selected.Flags, isSetting) {
		err = a.loadSettings(parsed)
	}
	if err == nil {
		err = apply(parsed)
	}
	if err != nil {
		return nil, a.usage(parsed, err)
	}
	a.selected = selected.Path()
	c := selected.Target.Addr().Interface().(command)
	if f, ok := c.(interface{ ofAll() *streamFlags }); ok {
		a.ofAll = f.ofAll()
	}
	return c, nil
}

// apply gives the flags and arguments their values.
func apply(parsed *kong.Context) error {
	if err := parsed.Reset(); err != nil {
		return err
	}
	if err := parsed.Resolve(); err != nil {
		return err
	}
	if _, err := parsed.Apply(); err != nil {
		return err
	}
	return check(parsed)
}

// given reports whether a flag was typed.
func given(parsed *kong.Context, name string) bool {
	return slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name })
}

// check checks that the arguments are there, and what the tags of flags demand.
func check(parsed *kong.Context) error {
	if selected := parsed.Selected(); selected != nil {
		for _, arg := range selected.Positional {
			if arg.Required && !slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Positional == arg }) {
				return fmt.Errorf("%s is missing", strings.ToUpper(arg.Name))
			}
		}
	}
	together := map[string]string{} // the flags by what they exclude
	for _, p := range parsed.Path {
		if p.Flag == nil {
			continue
		}
		if enum := p.Flag.EnumSlice(); p.Flag.Enum != "" && !slices.Contains(enum, flagText(parsed.FlagValue(p.Flag))) {
			return fmt.Errorf("--%s must be one of %s", p.Flag.Name, strings.Join(enum, ", "))
		}
		for _, group := range p.Flag.Xor {
			if other, ok := together[group]; ok && other != p.Flag.Name {
				return fmt.Errorf("--%s and --%s exclude each other", other, p.Flag.Name)
			}
			together[group] = p.Flag.Name
		}
	}
	return nil
}

// usage returns the error of what was typed, or of a setting.
func (a *app) usage(parsed *kong.Context, err error) error {
	if parsed != nil && parsed.Selected() != nil {
		a.selected = parsed.Selected().Path()
	}
	return usageError(errors.New(a.withOrigin("", inWords(a.selected, err.Error()))))
}

// inWords returns what kong says, in the words of this command.
func inWords(selected, text string) string {
	if selected == "" {
		return strings.Replace(text, "unexpected argument ", "there is no command ", 1)
	}
	flag, value, ok := strings.Cut(text, ": expected ")
	if !ok {
		return text
	}
	if what, got, ok := strings.Cut(value, " but got "); ok {
		quoted, err := strconv.QuotedPrefix(got)
		switch {
		case err != nil:
		case what == "duration":
			return fmt.Sprintf("%s: %s is no duration: use 90s, 15m or 48h", flag, quoted)
		case strings.HasPrefix(what, "a valid ") && strings.HasSuffix(what, " bit int"):
			return fmt.Sprintf("%s: %s is no whole number", flag, quoted)
		}
	}
	return text
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
