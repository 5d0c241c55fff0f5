package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A command gets the message as JSON on its standard input, and no key of the environment.
func TestCommandGetsTheMessage(t *testing.T) {
	wantShell(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
	t.Setenv("ROTATELOG_NOTIFY", "exec:SECRET")
	t.Setenv("LC_ALL", "C")
	dir := t.TempDir()
	e := evaluator(t, Config{Dir: dir})
	m := example(t, Firing)
	if err := e.send(t.Context(), receivers(t, fmt.Sprintf("exec:cat >%s/in; env >%[1]s/env", dir))[0], m); err != nil {
		t.Fatal(err)
	}
	in, err := os.ReadFile(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	var got Message
	if err := json.Unmarshal(in, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("it gets (-want +got):\n%s", diff)
	}
	environ, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil || strings.Contains(string(environ), "SECRET") || !strings.Contains(string(environ), "PATH=") || !strings.Contains(string(environ), "LC_ALL=C") {
		t.Errorf("%v, %s", err, environ)
	}
}

func wantShell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("/bin/sh"); err != nil {
		t.Skip(err)
	}
}

// What a command says of its failure is part of the error, but for its own words.
func TestCommandFails(t *testing.T) {
	wantShell(t)
	e := evaluator(t, Config{Dir: "/x"})
	for command, want := range map[string]string{
		"exit 3":                                 "exit status 3",
		"echo first >&2; echo second >&2; false": "exit status 1: …",
		"sh -c 'echo no route for token=SECRETtoken >&2; exit 1'": "exit status 1: no … for …=…",
	} {
		if err := e.send(t.Context(), receivers(t, "exec:"+command)[0], example(t, Firing)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", command, err, want)
		}
	}
	if got := withoutWords("sh: 1: tell: not found", wordsOf("tell SECRET")); got != "sh: 1: tell: not found" {
		t.Errorf("%s", got)
	}
}

// Whatever a command prints is a line of text in the error: bytes that are no characters, and
// those that move the cursor of a terminal.
func TestCommandPrintsNonsense(t *testing.T) {
	for said, want := range map[string]string{
		strings.Repeat("\x80", 2*maxSaid):                        "?",
		"ok\n" + strings.Repeat("\xe2\x82", maxSaid):             "",
		"\x1b[2J\x1b[31mall is well\x1b[0m\rgone\x00":            "[2J [31mall is well [0m gone",
		"first\nsecond\r\n\n":                                    "second",
		strings.Repeat("x", maxSaid-1) + "é and more":            strings.Repeat("x", maxSaid-1) + "…",
		strings.Repeat("y", maxSaid):                             strings.Repeat("y", maxSaid),
		strings.Repeat("z", 10<<10) + strings.Repeat("é", 5<<10): "",
	} {
		var printed tail
		for part := range slices.Chunk([]byte(said), 1000) {
			printed.Write(part)
		}
		got := printed.line()
		if want != "" && got != want || len(got) > maxSaid+len("…") || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%.40q: %q, want %q", said, got, want)
		}
	}
	wantShell(t)
	e := evaluator(t, Config{Dir: "/x"})
	command := `exec:i=0; while [ $i -lt 400 ]; do printf '\200' >&2; i=$((i+1)); done; false`
	if err := e.send(t.Context(), receivers(t, command)[0], example(t, Firing)); err == nil || !strings.HasPrefix(err.Error(), "exit status 1") {
		t.Errorf("%v", err)
	}
}

// A command that does not read, or closes its input, has had the message all the same.
func TestCommandThatDoesNotRead(t *testing.T) {
	wantShell(t)
	m := example(t, Firing)
	m.Lines = []string{strings.Repeat("x", 1<<20)}
	e := evaluator(t, Config{Dir: "/x"})
	if err := e.send(t.Context(), receivers(t, "exec:true")[0], m); err != nil {
		t.Error(err)
	}
}

// A command that hangs is ended, with all that it has started.
func TestCommandThatHangs(t *testing.T) {
	wantShell(t)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fifo := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), write.Fd())
	if _, err := os.Stat(fifo); err != nil {
		t.Skip(err)
	}
	ended := make(chan error)
	command := fmt.Sprintf("exec 9>%s; sh -c 'echo $$ >&9; exec sleep 1000' & wait # %s", fifo, dir)
	go func() { ended <- runCommand(ctx, command, example(t, Firing)) }()
	var pid int
	if _, err := fmt.Fscan(read, &pid); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("it ends well")
	}
	write.Close()
	if n, err := read.Read(make([]byte, 9)); n > 1 { // until nobody has the pipe open: a line end, and the end
		t.Errorf("%d bytes, %v", n, err)
	}
	for {
		if _, err := read.Read(make([]byte, 9)); err != nil {
			break
		}
	}
}
