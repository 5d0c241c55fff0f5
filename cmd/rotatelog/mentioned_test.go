package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mentioned are commands in the text of a document, and those with what they print.
var mentioned = regexp.MustCompile("(?m)`rotatelog( [^`]*)?`|^\\$ rotatelog( .*)?$")

// What documents say can be typed can be typed: the commands and their flags are there.
func TestCommandsInDocumentsCanBeTyped(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.set("ROTATELOG_DIR", t.TempDir())
	s.set("ROTATELOG_STORE", "file://"+t.TempDir())
	s.set("ROTATELOG_MIRROR", "file://"+t.TempDir())
	n := 0
	for _, document := range append(documents, readme) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mentioned.FindAllStringSubmatch(string(text), -1) {
			for command := range strings.SplitSeq(m[1]+m[2], "; rotatelog") {
				n++
				if err := s.canBeTyped(command); err != nil {
					t.Errorf("%s: rotatelog%s: %v", document, command, err)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("found %d commands only", n)
	}
}

// canBeTyped returns what is wrong with a command. A name alone stands for the command.
func (s *shell) canBeTyped(command string) error {
	command, _, _ = strings.Cut(command, " | ")
	args := strings.Fields(strings.NewReplacer("DAY", "today", "CODE", "gap").Replace(command))
	if len(args) == 1 && slices.Contains(commandNames(), args[0]) {
		return nil
	}
	a, err := newApp(env{Args: withCommand(args), Environ: s.environ, Stdout: io.Discard, Stderr: io.Discard, Clock: s.clock, Width: 80})
	if err == nil {
		_, err = a.parse()
	}
	if errors.Is(err, errHelp) {
		return nil
	}
	return err
}
