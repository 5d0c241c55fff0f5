package main

import (
	"bytes"
	"io"
)

// output is standard output. Where it is quiet, it is kept back until the exit code is
// known.
type output struct {
	w     io.Writer
	quiet bool
	color bool
	width int

	kept bytes.Buffer
	err  error // of writing
}

// maxWidth is how wide text is printed where there is more room: long lines read badly.
const maxWidth = 80

func newOutput(e env) *output {
	return &output{w: e.Stdout, color: e.StdoutTerminal && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb", width: min(e.Width, maxWidth)}
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if o.quiet {
		return o.kept.Write(p)
	}
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// flush prints what was kept back, unless all is good.
func (o *output) flush(code int) {
	if code != codeOK {
		o.w.Write(o.kept.Bytes())
	}
	o.kept.Reset()
}

// color is an SGR sequence.
type color string

const (
	red    color = "\x1b[31m"
	yellow color = "\x1b[33m"
	green  color = "\x1b[32m"
	bold   color = "\x1b[1m"
)

// paint returns text in a color, on a terminal that has some.
func (o *output) paint(c color, text string) string {
	if !o.color || text == "" {
		return text
	}
	return string(c) + text + "\x1b[0m"
}
