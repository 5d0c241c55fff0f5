package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.com/rotatelog/clocktest"
)

func TestColorOnlyOnATerminal(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		environ  []string
		want     string
	}{
		{true, nil, "\x1b[31mERROR\x1b[0m"},
		{false, nil, "ERROR"},
		{true, []string{"NO_COLOR=1"}, "ERROR"},
		{true, []string{"NO_COLOR="}, "\x1b[31mERROR\x1b[0m"},
		{true, []string{"TERM=dumb"}, "ERROR"},
	} {
		o := newOutput(env{StdoutTerminal: test.terminal, Environ: test.environ})
		if got := o.paint(red, "ERROR"); got != test.want {
			t.Errorf("terminal %v, %q: %q, want %q", test.terminal, test.environ, got, test.want)
		}
	}
}

func TestQuietPrintsOnlyIfSomethingIsWrong(t *testing.T) {
	for code, want := range map[int]string{codeOK: "", codeFinding: "text"} {
		var b bytes.Buffer
		o := newOutput(env{Stdout: &b})
		o.quiet = true
		o.Write([]byte("text"))
		if o.flush(code); b.String() != want {
			t.Errorf("code %d prints %q, want %q", code, b.String(), want)
		}
	}
}

// Where output cannot be written, the exit code says so.
func TestOutputThatCannotBeWritten(t *testing.T) {
	s := newShell(t)
	s.env = func(e *env) { e.Stdout = fullDisk{} }
	if s.run("version"); s.code != codeUnreachable || s.stderr != "rotatelog: no space left\n" {
		t.Errorf("exit code %d, %q", s.code, s.stderr)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// On a narrow terminal no line wraps that has spaces to break at, but commands and
// examples to paste.
func TestNarrowTerminal(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(12)
		const width = 40
		clock := w.env
		w.env = func(e *env) { clock(e); e.Width = width }
		for _, command := range []string{"status", "verify today", "help", "help gap", "verify --help", "cat --help", "help settings"} {
			w.run(strings.Fields(command)...)
			for line := range strings.Lines(w.stdout) {
				line = strings.TrimSuffix(line, "\n")
				if len(strings.Fields(line)) > 1 && !strings.Contains(line, "rotatelog ") && utf8.RuneCountInString(line) > width {
					t.Errorf("%s: this line has %d characters: %s", command, utf8.RuneCountInString(line), line)
				}
			}
		}
	})
}

func TestProgressIsALineOnATerminal(t *testing.T) {
	p, clock, b := newTestProgress(true)
	for range 3 { // the second comes too soon
		p.show("much work")
		clock.Advance(200 * time.Millisecond)
	}
	p.hide()
	p.hide()
	if want := eraseLine + "much wor" + eraseLine + "much wor" + eraseLine; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestProgressIsALineAMinuteElsewhere(t *testing.T) {
	p, clock, b := newTestProgress(false)
	for range 130 {
		p.show("work")
		clock.Advance(time.Second)
	}
	p.hide()
	if want := "work\nwork\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func newTestProgress(terminal bool) (*progress, *clocktest.Clock, *bytes.Buffer) {
	var b bytes.Buffer
	clock := clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC))
	a := &app{env: env{Stderr: &b, Clock: clock, StderrTerminal: terminal, Width: 9}}
	return a.newProgress(), clock, &b
}
