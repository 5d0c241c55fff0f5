package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/rotatelog"
)

// newLogger returns a log for people: warnings and errors, or everything if verbose.
// It is safe for concurrent use if w is.
func newLogger(w io.Writer, verbose bool) *slog.Logger {
	h := &logHandler{w: w, level: slog.LevelWarn, zone: time.UTC}
	if verbose {
		h.level = slog.LevelDebug
	}
	if zone, err := time.LoadLocation("America/New_York"); err == nil {
		h.zone = zone
	}
	return slog.New(h)
}

// logHandler writes records as lines: the time in New York, the level, what
// happened, and the attributes that are not empty.
type logHandler struct {
	w     io.Writer
	level slog.Level
	zone  *time.Location
	attrs []slog.Attr
	group string // prefix of attribute names
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Time.In(h.zone).Format(rotatelog.TimeLayout) + " ")
	switch {
	case r.Level >= slog.LevelError:
		line.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		line.WriteString("warning: ")
	}
	line.WriteString(r.Message)
	for _, a := range h.attrs {
		writeAttr(&line, a)
	}
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&line, slog.Attr{Key: h.group + a.Key, Value: a.Value})
		return true
	})
	line.WriteByte('\n')
	_, err := io.WriteString(h.w, line.String())
	return err
}

func writeAttr(line *strings.Builder, a slog.Attr) {
	value := a.Value.Resolve().String()
	if value == "" {
		return
	}
	if strings.ContainsAny(value, " \"\n=") {
		value = strconv.Quote(value)
	}
	fmt.Fprintf(line, " %s=%s", a.Key, value)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, slog.Attr{Key: h.group + a.Key, Value: a.Value})
	}
	return &with
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
