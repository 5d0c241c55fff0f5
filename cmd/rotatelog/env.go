package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/sleep"
)

// env is all that a command knows of the world around it. Tests provide their own.
type env struct {
	Program        string   // its path
	Args           []string // without the program's name
	Environ        []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Clock          rotatelog.Clock
	Started        func() time.Time // when the machine was; zero if that is not known
	User           func() string    // who runs this
	OutliveReaders func()           // has the process go on when nobody reads what it prints; nil: nothing to do
	DiskOf         func(dir string) (health.Disk, error)
	Transport      http.RoundTripper                                   // of requests to buckets; nil: the network
	Listen         func(network, address string) (net.Listener, error) // nil: on the network

	Width                          int // of the terminal, in characters
	StdoutTerminal, StderrTerminal bool
}

func systemEnv() env {
	e := env{
		Program: programPath(), Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Clock: systemClock{},
		Started: bootTime, User: userName, DiskOf: health.DiskOf,
		OutliveReaders: func() { signal.Ignore(syscall.SIGPIPE) },
		Width:          format.Width, StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())), StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
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

// listen listens for requests.
func (e env) listen(network, address string) (net.Listener, error) {
	if e.Listen != nil {
		return e.Listen(network, address)
	}
	return net.Listen(network, address)
}

// systemClock is the clock of the machine.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return sleep.For(ctx, d) }

// programPath returns the path of the program, its name if that cannot be found out.
func programPath() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "rotatelog"
}

// userName returns the name of the user, or the number of one without a name.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// bootTime returns when the machine was started, zero if that cannot be found out.
func bootTime() time.Time {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Time{}
	}
	first, _, _ := strings.Cut(string(text), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(seconds * float64(time.Second)))
}
