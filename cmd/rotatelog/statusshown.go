package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/status"
)

// shown returns what is to be said of the stream, with steps that can be pasted.
func (s *streamStatus) shown(a *app) *status.Stream {
	shown := &status.Stream{Summary: s.Summary, Zone: a.zone, Counted: s.Count != "", Problems: s.problems, Unknown: s.unknown}
	if s.err != nil {
		shown.Blind = s.blind()
		shown.IsNew = s.isNew()
	}
	shown.Findings = slices.Clone(s.Findings)
	for i, f := range shown.Findings {
		shown.Findings[i] = s.typedFinding(f)
	}
	return shown
}

// typedFinding returns a finding with steps that can be pasted.
func (s *stream) typedFinding(f health.Finding) health.Finding {
	f.Steps = slices.Clone(f.Steps)
	for i, step := range f.Steps {
		f.Steps[i] = s.typedStep(step)
	}
	return f
}

// isNew reports whether the directory of the stream is there, and nothing of it in there.
func (s *streamStatus) isNew() bool {
	_, err := os.Stat(s.Dir)
	return errors.Is(s.err, fs.ErrNotExist) && err == nil
}

// blind says why nothing is known.
func (s *streamStatus) blind() []string {
	if !errors.Is(s.err, fs.ErrNotExist) {
		return []string{s.err.Error()}
	}
	if _, err := os.Stat(s.Dir); err != nil {
		return []string{fmt.Sprintf("There is no directory %s (%s).", s.Dir, s.origin("dir"))}
	}
	text := []string{fmt.Sprintf("Nothing of %s was ever put on disk in %s (%s).", s.Name, s.Dir, s.origin("dir"))}
	others := slices.DeleteFunc(spoolsIn(s.Dir), func(name string) bool { return name == s.Name })
	if len(others) > 0 {
		text = append(text, "There is something of "+strings.Join(others, ", ")+": see --name.")
	}
	return text
}

// typedStep returns a step with the settings that were typed, if it is a command.
func (s *stream) typedStep(step string) string {
	return status.Typed(step, func(command string) string {
		words := strings.Fields(command)[1:]
		if i := slices.Index(words, "--name"); i >= 0 { // which typed adds, too
			words = slices.Delete(words, i, i+2)
		}
		return s.typed(words[0], words[1:]...)
	})
}
