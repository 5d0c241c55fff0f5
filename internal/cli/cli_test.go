package cli

import (
	"bytes"
	"flag"
	"testing"
)

const testHelp = "Usage: test\n\nFlags:\n\nThe end.\n"

func testEnv(args ...string) (env Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return Env{Args: args, Stdout: stdout, Stderr: stderr}, stdout, stderr
}

func testFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.String("dir", "", "`DIR` of the files")
	return flags
}

func TestUsageErrors(t *testing.T) {
	env, stdout, stderr := testEnv("-nope")
	code, done := env.ParseFlags(testFlags(), testHelp)
	if want := "test: flag provided but not defined: -nope\nrun with -h for help\n"; code != Usage || !done || stdout.Len() > 0 || stderr.String() != want {
		t.Errorf("code %d, done %v, stdout %q, stderr %q", code, done, stdout, stderr)
	}
}

func TestHelp(t *testing.T) {
	env, stdout, stderr := testEnv("-h")
	code, done := env.ParseFlags(testFlags(), testHelp)
	want := "Usage: test\n\nFlags:\n  -dir DIR          DIR of the files\n\nThe end.\n"
	if code != OK || !done || stderr.Len() > 0 || stdout.String() != want {
		t.Errorf("code %d, done %v, stdout %q, stderr %q", code, done, stdout, stderr)
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
