package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/status"
)

const document = "../../docs/CLI.md"

// printed are the blocks of the document that have a command and what it prints.
var printed = regexp.MustCompile("(?ms)^```\n\\$ rotatelog ([^\n]*)\n(.*?)```$")

// The document has what the command prints, and a section for each command.
func TestDocumentIsWhatTheCommandPrints(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	blocks := 0
	want := printed.ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		args := printed.FindStringSubmatch(block)[1]
		if s.run(strings.Fields(args)...) != codeOK {
			t.Errorf("rotatelog %s: exit code %d, %s", args, s.code, s.stderr)
		}
		return "```\n$ rotatelog " + args + "\n" + s.stdout + "```"
	})
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", document, diff)
	}
	commands := s.commands()
	for _, command := range commands {
		if !strings.Contains(want, "\n## "+command+"\n\n```\n$ rotatelog "+command+" --help\n") {
			t.Errorf("%s has no section for %s", document, command)
		}
	}
	if blocks != len(commands)+2 {
		t.Errorf("%s has %d blocks, want one for each of %d commands, for all of them, and for the settings", document, blocks, len(commands))
	}
}

// The document has all members of what --json prints, and no others.
func TestDocumentHasTheShapesOfJSON(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	member := regexp.MustCompile("`([a-z_]+)`")
	for _, table := range strings.Split(string(text), "\n| member | |\n")[1:] {
		for line := range strings.Lines(table) {
			first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if !ok || !strings.HasPrefix(line, "| ") {
				if strings.HasPrefix(line, "|--") {
					continue
				}
				break
			}
			for _, m := range member.FindAllStringSubmatch(first, -1) {
				described[m[1]] = true
			}
		}
	}
	members := map[string]bool{}
	for _, shape := range []any{status.Line{}, health.Finding{}, dayJSON{}, findingJSON{}, exportJSON{}, periodJSON{}, sumJSON{}, changeJSON{}} {
		for field := range reflect.TypeOf(shape).Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" { // that of an embedded shape is
				members[name] = true
			}
		}
	}
	for name := range members {
		if !described[name] {
			t.Errorf("%s does not describe the member %s", document, name)
		}
	}
	for name := range described {
		if !members[name] {
			t.Errorf("%s describes %s, which is no member", document, name)
		}
	}
}
