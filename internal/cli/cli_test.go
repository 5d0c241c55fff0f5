package cli

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"example.com/rotatelog"
)

const testHelp = "Usage: test\n\nFlags:\n\nThe end.\n"

func testEnv(args ...string) (env Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return Env{Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr}, stdout, stderr
}

// parsed is the store that flags name.
type parsed struct {
	Store  rotatelog.Store
	Prefix string
}

// parse parses the flags of a program that has no others.
func parse(env Env) (*parsed, int) {
	var where StoreFlags
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	where.Define(f)
	if code, done := env.ParseFlags(f, testHelp); done {
		return nil, code
	}
	store, prefix, err := where.Open(env)
	if err != nil {
		return nil, env.UsageError("test", err)
	}
	return &parsed{store, prefix}, OK
}

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"", "-store is missing"},
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
		c, code := parse(env)
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

func TestHelp(t *testing.T) {
	env, stdout, stderr := testEnv("-h")
	if c, code := parse(env); c != nil || code != OK || stderr.Len() > 0 {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	help := stdout.String()
	if !strings.HasPrefix(help, "Usage: test\n\nFlags:\n  -endpoint URL ") || !strings.HasSuffix(help, "\n\nThe end.\n") {
		t.Errorf("help: %q", help)
	}
	for _, name := range []string{"endpoint", "path-style", "region", "store"} {
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

func TestParseFlagsContinues(t *testing.T) {
	env, stdout, stderr := testEnv("-x", "1")
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	x := flags.Int("x", 0, "")
	if code, done := env.ParseFlags(flags, testHelp); code != OK || done || *x != 1 || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("code %d, done %v, -x %d, printed %q %q", code, done, *x, stdout, stderr)
	}
}
