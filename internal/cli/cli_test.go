package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testHelp = "Usage: test\n\nFlags:\n\nThe end.\n"

func testEnv(args ...string) (env Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return Env{Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr}, stdout, stderr
}

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"", "-store is missing"},
		{"-batch 0 -store file:///x", "-batch 0: at least one"},
		{"-batch ten -store file:///x", `invalid value "ten"`},
		{"-timeout -1s -store file:///x", "-timeout -1s: it cannot be negative"},
		{"-timeout soon -store file:///x", `invalid value "soon"`},
		{"-nope", "flag provided but not defined: -nope"},
		{"-store /srv/logs", "-store /srv/logs: it must be a URL, as in -store s3://BUCKET or -store file:///DIR"},
		{"-store file://srv/logs", "the path must be absolute, with three slashes"},
		{"-store file:logs", "the path must be absolute"},
		{"-store file://", "the path must be absolute"},
		{"-store file:///what?", "write ? as %3F"},
		{"-store file:///a?b=c", "write ? as %3F"},
		{"-store file:///a#b", "# as %23"},
		{"-store file:///100%", "invalid URL escape"},
		{"-store ftp://host/x", `unknown scheme "ftp"`},
		{"-store file:///x -endpoint https://s3.test", "are for s3://BUCKET only"},
		{"-store file:///x -region here", "are for s3://BUCKET only"},
		{"-store file:///x -path-style=false", "are for s3://BUCKET only"},
	} {
		env, stdout, stderr := testEnv(strings.Fields(test.args)...)
		c, code := Parse(env, "test", testHelp)
		if c != nil || code != Usage || stdout.Len() > 0 {
			t.Errorf("%s: code %d, stdout %q", test.args, code, stdout)
		}
		lines := strings.Split(stderr.String(), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "test: ") || !strings.Contains(lines[0], test.want) ||
			lines[1] != "run with -h for help" {
			t.Errorf("%s: stderr %q, want %q in one line, and the hint", test.args, stderr, test.want)
		}
	}
}

// A mistake that only Open finds is a usage error, too.
func TestOpenUsageError(t *testing.T) {
	dir := t.TempDir()
	env, _, stderr := testEnv("-store", "file://"+dir+"/store", "-dir", dir, "-name", "../x")
	c, _ := Parse(env, "test", testHelp)
	if w, code := c.Open(t.Context(), 0); w != nil || code != Usage || !strings.Contains(stderr.String(), `"../x"`) {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

func TestOpenFailure(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env, _, stderr := testEnv("-store", "file://"+dir+"/store", "-dir", file)
	c, _ := Parse(env, "test", testHelp)
	if w, code := c.Open(t.Context(), 0); w != nil || code != Failure || !strings.Contains(stderr.String(), file) {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

func TestHelp(t *testing.T) {
	env, stdout, stderr := testEnv("-h")
	if c, code := Parse(env, "test", testHelp); c != nil || code != OK || stderr.Len() > 0 {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	help := stdout.String()
	if !strings.HasPrefix(help, "Usage: test\n\nFlags:\n  -batch N ") || !strings.HasSuffix(help, "\n\nThe end.\n") {
		t.Errorf("help: %q", help)
	}
	for _, name := range []string{"batch", "compress", "dir", "endpoint", "flush", "name", "path-style", "prefix", "region", "replay", "store", "timeout", "v", "verbatim"} {
		if !strings.Contains(help, "\n  -"+name+" ") {
			t.Errorf("the help does not name -%s", name)
		}
	}
	for line := range strings.Lines(help) {
		if len(line) > 100 {
			t.Errorf("this line is too long: %s", line)
		}
	}
}

func TestDefaults(t *testing.T) {
	env, _, stderr := testEnv("-store", "file:///nowhere", "a", "b")
	c, code := Parse(env, "test", testHelp)
	if c == nil {
		t.Fatalf("code %d, stderr %q", code, stderr)
	}
	got := fmt.Sprint(c.Dir, c.Stream, c.Prefix, c.Batch, c.Timeout, c.Replay, c.Flush, c.Verbatim, c.Verbose, c.Files)
	if want := fmt.Sprint(".", "all_api", "", 10, 30*time.Second, false, false, false, false, []string{"a", "b"}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseFlagsContinues(t *testing.T) {
	env, stdout, stderr := testEnv("-x", "1")
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	x := flags.Int("x", 0, "")
	if code, done := env.ParseFlags(flags, testHelp); code != OK || done || *x != 1 || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("code %d, done %v, -x %d, printed %q %q", code, done, *x, stdout, stderr)
	}
}

func TestLogLines(t *testing.T) {
	at := time.Date(2025, 7, 10, 19, 45, 22, 0, time.UTC)
	record := func(level slog.Level) slog.Record {
		r := slog.NewRecord(at, level, "upload failed", 0)
		r.AddAttrs(slog.Int("attempt", 1), slog.String("aside", ""), slog.Any("err", errors.New("no route")))
		return r
	}
	var out bytes.Buffer
	quiet, verbose := newLogger(&out, false), newLogger(&out, true)
	for level, want := range map[slog.Level]bool{slog.LevelDebug: false, slog.LevelInfo: false, slog.LevelWarn: true, slog.LevelError: true} {
		if got := quiet.Enabled(t.Context(), level); got != want {
			t.Errorf("%v is logged: %v", level, got)
		}
		if !verbose.Enabled(t.Context(), level) {
			t.Errorf("-v does not log %v", level)
		}
	}
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "07/10/2025 03:45:22 PM EDT upload failed attempt=1 err=\"no route\"\n",
		slog.LevelWarn:  "07/10/2025 03:45:22 PM EDT warning: upload failed attempt=1 err=\"no route\"\n",
		slog.LevelError: "07/10/2025 03:45:22 PM EDT error: upload failed attempt=1 err=\"no route\"\n",
	} {
		out.Reset()
		if err := verbose.Handler().Handle(t.Context(), record(level)); err != nil || out.String() != want {
			t.Errorf("%v: %q, %v, want %q", level, out.String(), err, want)
		}
	}
	out.Reset()
	grouped := quiet.Handler().WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})
	want := "07/10/2025 03:45:22 PM EDT warning: upload failed a=1 g.b=2 g.attempt=1 g.err=\"no route\"\n"
	if err := grouped.Handle(t.Context(), record(slog.LevelWarn)); err != nil || out.String() != want {
		t.Errorf("with a group: %q, %v, want %q", out.String(), err, want)
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 cats", 1: "1 cat", 2: "2 cats"} {
		if got := Plural(n, "cat", "cats"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
