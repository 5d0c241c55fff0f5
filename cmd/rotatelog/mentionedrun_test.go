package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/clocktest"
)

// TestCommandsInTextsRun runs each command that the texts of the documents mention, with a
// bucket that has the days of an example: none is refused, and none cannot finish. What they
// should print is wanted by the tests of the blocks and tables that they stand in.
func TestCommandsInTextsRun(t *testing.T) {
	onFake(t, func(t *testing.T, s s3Server, _ func(key string)) {
		o := newOperator(t, s)
		o.clock = clocktest.New(time.Date(2025, 7, 4, 16, 0, 0, 0, time.UTC))
		o.set("ROTATELOG_BATCH", "1")
		o.set("ROTATELOG_NOTIFY", "exec:cat >/dev/null")
		for range 7 { // until July 10
			o.fetches(3)
			o.clock.Advance(24*time.Hour - 3*time.Minute)
		}
		o.fetches(1)
		places := o.places()
		ran := 0
		for _, command := range mentionedCommands(t) {
			args := strings.Fields(places.Replace(command))
			if isEndless(args) {
				continue
			}
			o.run(args...)
			isName := len(args) == 1 && o.code == codeUsage // of a command that wants to know which day
			if o.code != codeOK && o.code != codeFinding && !isName {
				t.Errorf("rotatelog %s: exit code %d\n%s%s", command, o.code, o.stdout, o.stderr)
			}
			ran++
		}
		if ran < 40 {
			t.Errorf("ran %d commands only", ran)
		}
	})
}

// mentionedCommands returns the commands that the documents mention, each once.
func mentionedCommands(t *testing.T) (commands []string) {
	t.Helper()
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, readme) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mentioned.FindAllStringSubmatch(string(text), -1) {
			for command := range strings.SplitSeq(m[1]+m[2], "; rotatelog") {
				command, _, _ = strings.Cut(command, " | ") // what its output goes to is not run
				commands = append(commands, strings.TrimSpace(command))
			}
		}
	}
	slices.Sort(commands)
	return slices.Compact(commands)
}

// places returns what stands here for the places, days and codes of the documents.
func (o *operator) places() *strings.Replacer {
	o.t.Helper()
	here := o.t.TempDir()
	old := filepath.Join(here, "old")
	if err := os.CopyFS(old, os.DirFS(o.dir)); err != nil {
		o.t.Fatal(err)
	}
	backup := filepath.Join(here, "backup") + "/"
	if err := os.Mkdir(filepath.Join(here, "rehearsal"), 0o700); err != nil {
		o.t.Fatal(err)
	}
	o.types(codeOK, "rotatelog export 2025-07-06 --raw --out "+backup)
	return strings.NewReplacer("OLDDIR", old, "/mnt/old/rotatelog", old, "DIR", backup, "FILE", backup+"day=2025-07-06/all_api.json",
		"DAY", "2025-07-06", "CODE", "gap", "/srv/rehearsal", filepath.Join(here, "rehearsal"), "/srv/spare", filepath.Join(here, "spare"),
		"july.html", filepath.Join(here, "july.html"), "week/", filepath.Join(here, "week")+"/")
}

// isEndless reports whether a command goes on until it is interrupted.
func isEndless(args []string) bool {
	return len(args) > 0 && (args[0] == "tail" || args[0] == "serve") && !slices.Contains(args, "--help")
}
