package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/sleep"
)

// env is all that a command knows of the world around it. Tests provide their own.
type env struct {
	Args           []string // without the program's name
	Environ        []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Clock          rotatelog.Clock
	Transport      http.RoundTripper // of requests to buckets; nil: the network

	Width                          int // of the terminal, in characters
	StdoutTerminal, StderrTerminal bool
}

func systemEnv() env {
	e := env{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Clock: systemClock{},
		Width: format.Width, StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())), StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && width > 0 {
		e.Width = width
	}
	if width, err := strconv.Atoi(e.getenv("COLUMNS")); err == nil && width > 0 {
		e.Width = width
	}
	return e
}

// getenv returns the value of a variable, "" if it is not set.
func (e env) getenv(name string) string {
	for _, pair := range e.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// systemClock is the clock of the machine.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return sleep.For(ctx, d) }
