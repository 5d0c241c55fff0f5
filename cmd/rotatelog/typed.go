package main

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"example.com/rotatelog/internal/settings"
)

// typed returns a command for the stream, as it is typed after this one: with the same
// settings.
func (s *stream) typed(command string, args ...string) string {
	words := append([]string{command}, args...)
	if s.Name != settings.DefaultStream || len(s.app.settings.Streams()) > 1 {
		words = append(words, "--name="+s.Name)
	}
	return typed(append(words, s.app.typedSettings...))
}

// typedAgain returns a command for all streams that this one is for, with the same settings.
func (a *app) typedAgain(command string) string {
	words := []string{command}
	if v, ok := a.settings.Lookup("name", ""); ok && v.Origin.Flag != "" {
		words = append(words, "--name="+v.Text)
	}
	return typed(append(words, a.typedSettings...))
}

// toDo prints a sentence, and after it this command with more flags.
func (a *app) toDo(sentence string, flags ...string) {
	separator := " "
	command := typed(slices.Concat(a.env.Args, flags))
	if utf8.RuneCountInString(sentence+separator+command) > a.out.width {
		separator = "\n  "
	}
	a.println(sentence + separator + command)
}

// plain is a word that means itself in a shell.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`) })

// typed returns a command for a shell.
func typed(words []string) string { return "rotatelog " + shellLine(words) }

// shellLine returns words as a shell takes them for these.
func shellLine(words []string) string {
	var line []string
	for _, w := range words {
		if !plain().MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		line = append(line, w)
	}
	return strings.Join(line, " ")
}
