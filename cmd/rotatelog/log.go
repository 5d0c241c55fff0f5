package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"example.com/rotatelog"
)

// logHandler prints what a Writer logs, from warnings on, in a journal: what happened, and
// the attributes that are not empty.
type logHandler struct {
	journal *journal
	attrs   []slog.Attr
	group   string // prefix of attribute names
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(": ")
	label := "error: "
	if r.Level < slog.LevelError {
		label = "warning: "
	}
	line.WriteString(label)
	line.WriteString(inFlags(r.Message))
	for _, a := range h.attrs {
		writeAttr(&line, a)
	}
	isOutage, isSweep := false, false
	r.Attrs(func(a slog.Attr) bool {
		isOutage = isOutage || a.Key == "waiting" // of failed uploads
		err, _ := a.Value.Any().(error)
		failed, ok := errors.AsType[*rotatelog.Error](err)
		isSweep = isSweep || ok && failed.Op == "sweep"
		writeAttr(&line, slog.Attr{Key: h.group + a.Key, Value: a.Value})
		return true
	})
	switch {
	case isOutage: // which has words of its own
	case isSweep: // which is worth a line only if the store does all else
		h.journal.hold(line.String())
	default:
		h.journal.trouble(line.String())
	}
	return nil
}

// inFlags returns what a Writer says of its Config in the words of the command.
func inFlags(text string) string {
	return strings.NewReplacer(
		"set Config.Count, to CountArray or CountMember for example (for the command, --count), to say", "set --count to say",
		"Config.Count", "--count",
		"Config.Prefix", "--prefix",
		"Config.Name", "--name",
		"Config.Dir", "--dir",
	).Replace(text)
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

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, slog.Attr{Key: h.group + a.Key, Value: a.Value})
	}
	return &with
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
