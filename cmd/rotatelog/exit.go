package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/rotatelog"
)

// The exit codes.
const (
	codeOK          = 0
	codeFinding     = 1   // something is wrong, or was not done
	codeUsage       = 2   // what was typed, or a setting, cannot be right
	codeUnreachable = 3   // it could not look, or not finish: this says nothing about the data
	codeInterrupted = 130 // as a shell has it for SIGINT
)

// coded is an error with an exit code. Other errors mean codeUnreachable.
type coded struct {
	code int
	err  error // nil: all is said
}

// Error returns the text of the cause.
func (c *coded) Error() string {
	if c.err == nil {
		return fmt.Sprintf("exit code %d", c.code)
	}
	return c.err.Error()
}

// Unwrap returns the cause.
func (c *coded) Unwrap() error { return c.err }

// usageError is an error of what was typed, or of a setting.
func usageError(err error) error {
	if err == nil {
		return nil
	}
	return &coded{codeUsage, err}
}

func usagef(text string, args ...any) error { return &coded{codeUsage, fmt.Errorf(text, args...)} }

// incomplete is the error of settings that lack what a command cannot do without.
type incomplete struct{ err error }

// Error returns what is missing.
func (i *incomplete) Error() string { return i.err.Error() }

// Unwrap returns the cause.
func (i *incomplete) Unwrap() error { return i.err }

// failed is an error that says that something was not done, or is wrong with the data.
func failed(err error) error { return &coded{codeFinding, err} }

// notDone reports whether an error says that something was not done, rather than that it
// could not be tried, or that it is not known whether it was.
func notDone(err error) bool {
	return errors.Is(err, rotatelog.ErrLocked) || errors.Is(err, rotatelog.ErrConflict) || errors.Is(err, rotatelog.ErrPermanent)
}

// errFinding ends a command that has printed what is wrong.
func errFinding() error { return &coded{code: codeFinding} }

// errInterrupted ends a command that has no other end.
func errInterrupted() error { return &coded{code: codeInterrupted} }

// errHelp ends the parsing of arguments that ask for help, which has been printed.
var errHelp = errors.New("help was printed")

// exitCode returns the exit code of an error, unless the command was interrupted.
func exitCode(err error) int {
	if err == nil || errors.Is(err, errHelp) {
		return codeOK
	}
	if c, ok := errors.AsType[*coded](err); ok {
		return c.code
	}
	return codeUnreachable
}

// exit prints what has to be said yet, and returns the exit code.
func (a *app) exit(ctx context.Context, err error) (code int) {
	code = exitCode(err)
	switch c, isCoded := errors.AsType[*coded](err); {
	case code == codeOK:
		err = nil
	case code == codeInterrupted: // which is how the command ends
		err = nil
	case ctx.Err() != nil:
		code, err = codeInterrupted, errors.New("interrupted")
	case isCoded:
		err = c.err
	}
	a.out.flush(code)
	if code == codeOK && a.out.err != nil { // a full disk, for example: what was printed is not there
		code, err = codeUnreachable, a.out.err
	}
	if code != codeOK {
		a.env.Stderr.Write(a.troubles.Bytes())
	}
	if err != nil {
		text, refused := explain(err)
		fmt.Fprintf(a.env.Stderr, "rotatelog: %s\n", text)
		if refused {
			fmt.Fprintf(a.env.Stderr, "next: %s\n", a.afterRefusal())
		}
	}
	if code == codeUsage {
		fmt.Fprintln(a.env.Stderr, a.saysMore(err))
	}
	return code
}
