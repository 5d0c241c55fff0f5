package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/archive"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/health"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shell runs commands as a person would, on 10 July 2025.
type shell struct {
	t       *testing.T
	ctx     context.Context
	clock   *clocktest.Clock
	environ []string
	stdin   string
	in      io.Reader         // standard input, if it is not the text above
	env     func(*env)        // changes what else differs from a pipe
	replace *strings.Replacer // of what differs from run to run
	golden  string            // folder of golden files

	code           int
	stdout, stderr string
}

func newShell(t *testing.T) *shell {
	clock := clocktest.New(time.Date(2025, 7, 10, 16, 47, 3, 0, time.UTC))
	golden, err := filepath.Abs("testdata") // the test may go elsewhere
	if err != nil {
		t.Fatal(err)
	}
	return &shell{t: t, ctx: t.Context(), clock: clock, environ: []string{"HOME=" + t.TempDir()}, replace: strings.NewReplacer(), golden: golden}
}

// set sets a variable of the environment.
func (s *shell) set(name, value string) { s.environ = append(s.environ, name+"="+value) }

// run runs the command.
func (s *shell) run(args ...string) (code int) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	e := env{Program: "/usr/local/bin/rotatelog", Args: args, Environ: s.environ, Stdin: strings.NewReader(s.stdin), Stdout: &stdout, Stderr: &stderr,
		Clock: s.clock, Started: func() time.Time { return time.Time{} }, User: func() string { return "root" }, DiskOf: diskOf, Width: 80}
	if s.in != nil {
		e.Stdin = s.in
	}
	if s.env != nil {
		s.env(&e)
	}
	s.code = run(s.ctx, e)
	s.stdout, s.stderr = s.stable(stdout.String()), s.stable(stderr.String())
	return s.code
}

// diskOf is a disk that is always as full.
func diskOf(string) (health.Disk, error) {
	return health.Disk{FreeBytes: 61_000_000_000, FreeInodes: -1}, nil
}

// kept is how the key of a copy ends: with the time and a part of the version, which is
// another each time.
var kept = regexp.MustCompile(`(-[0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}\b`)

var (
	writer    = regexp.MustCompile(`by pid [0-9]+ on [^ ]+\.`) // who wrote the state of a Writer
	probeName = regexp.MustCompile(`rotatelog-probe-[a-z2-7]{26}`)
	requestID = regexp.MustCompile(`(RequestID:\s+)[0-9A-F]+`)
)

// stable returns text without what differs from run to run.
func (s *shell) stable(text string) string {
	text = kept.ReplaceAllString(s.replace.Replace(text), "$1-5f1c9a02")
	text = probeName.ReplaceAllString(requestID.ReplaceAllString(text, "${1}1"), "rotatelog-probe-xyz")
	return writer.ReplaceAllString(text, "by pid 1234 on web1.")
}

// toldToHaveWon finds how many of the writers that doctor has race are told that they
// succeeded, where a server lets several: that is chance.
var toldToHaveWon = regexp.MustCompile(`of 8 writers at once \d+ were`)

// want runs the command, and checks the exit code and all that is printed. A golden file
// has the command, both outputs, and the exit code.
func (s *shell) want(code int, golden string, args ...string) {
	s.t.Helper()
	s.run(args...)
	if s.code != code {
		s.t.Errorf("%q: exit code %d, want %d; stderr:\n%s", args, s.code, code, s.stderr)
	}
	got := "$ rotatelog " + s.replace.Replace(strings.Join(args, " ")) + "\n" + s.stdout
	if s.stderr != "" {
		got += "-- stderr\n" + s.stderr
	}
	got = toldToHaveWon.ReplaceAllString(got, "of 8 writers at once N were")
	golden = filepath.Join(s.golden, golden+".txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
	s.wantNarrow()
}

// toPaste is a line to paste: a command, or a line for cron or systemd.
var toPaste = regexp.MustCompile(`^\s*(rotatelog|aws|radosgw-admin|systemctl|[*/0-9]+( [*/0-9]+){4}|@reboot|ExecStart=\S+) `)

// wantNarrow checks that no line of standard output is wider than 80 columns, unless it
// is one word, such as a key, or a command to paste.
func (s *shell) wantNarrow() {
	s.t.Helper()
	for line := range strings.Lines(s.stdout) {
		if words := strings.Fields(line); len(words) == 1 || toPaste.MatchString(line) {
			continue
		}
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			s.t.Errorf("this line has %d characters: %s", n, line)
		}
	}
}

// wantError runs the command, which should print nothing but an error with this text.
func (s *shell) wantError(code int, text string, args ...string) {
	s.t.Helper()
	if s.run(args...); s.code != code || s.stdout != "" || !strings.Contains(s.stderr, text) || !strings.HasPrefix(s.stderr, "rotatelog: ") {
		s.t.Errorf("%q: exit code %d, stdout %q, stderr %q, want %d and %q", args, s.code, s.stdout, s.stderr, code, text)
	}
}

// Whoever adds a command gives it the Run that is looked for.
func TestCommandsCanBeRun(t *testing.T) {
	a, err := newApp(env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range a.parser.Model.Children {
		if _, ok := c.Target.Addr().Interface().(command); !ok {
			t.Errorf("%s is no command", c.Name)
		}
	}
}

// The linker leaves out what nobody calls, as the many methods of the AWS SDK's client,
// unless something looks up methods by their names: see parse.
func TestBinaryIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary")
	}
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	binary := filepath.Join(t.TempDir(), "rotatelog")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatalf("go tool nm: %v", err)
	}
	if !bytes.Contains(symbols, []byte("s3.(*Client).PutObject\n")) || bytes.Contains(symbols, []byte("s3.(*Client).PutBucketAcl\n")) {
		t.Error("the binary lacks a method that is called, or has one that is not")
	}
}

// docs/CLI.md has what the help says.
func TestHelpIsNarrow(t *testing.T) {
	s := newShell(t)
	for _, command := range append(s.commands(), "") {
		if s.run(strings.Fields(command + " --help")...); s.code != codeOK || s.stderr != "" || !strings.HasPrefix(s.stdout, "Usage: rotatelog ") {
			t.Errorf("%s --help: exit code %d\n%s%s", command, s.code, s.stdout, s.stderr)
		}
		s.wantNarrow()
	}
}

// commands returns the names of all commands.
func (s *shell) commands() []string {
	s.t.Helper()
	return commandNames()
}

func TestHelpOfACode(t *testing.T) {
	s := newShell(t)
	if s.run("help", "counts"); s.code != codeOK || !strings.HasPrefix(s.stdout, "Counts\n\n") || s.stderr != "" {
		t.Errorf("%d\n%s%s", s.code, s.stdout, s.stderr)
	}
	s.wantError(codeUsage, `there is nothing about "cuonts"; the nearest is counts`, "help", "cuonts")
	codes := []string{"settings"}
	for _, code := range health.Codes() {
		codes = append(codes, string(code))
	}
	for _, code := range archive.Codes() {
		codes = append(codes, string(code))
	}
	for _, code := range codes {
		if s.run("help", code); s.code != codeOK || !strings.HasPrefix(s.stdout, code+"\n") && code != "settings" {
			t.Errorf("help %s: exit code %d\n%s%s", code, s.code, s.stdout, s.stderr)
		}
		s.wantNarrow()
	}
	for _, command := range s.commands() {
		s.run(command, "--help")
		want := s.stdout
		if s.run("help", command); s.code != codeOK || s.stdout != want {
			t.Errorf("help %s: exit code %d\n%s%s\nwant\n%s", command, s.code, s.stdout, s.stderr, want)
		}
	}
	if s.run("help", "upload_refused"); !strings.Contains(s.stdout, "see The store refuses (rotatelog\n   help the-store-refuses).") {
		t.Errorf("a link leads nowhere:\n%s", s.stdout)
	}
	s.run("help")
	all := s.stdout
	if s.run("--help"); s.stdout != all || all == "" {
		t.Errorf("help prints\n%s\n--help prints\n%s", all, s.stdout)
	}
}

func TestVersion(t *testing.T) {
	s := newShell(t)
	if s.run("version"); s.code != codeOK || !strings.HasPrefix(s.stdout, "rotatelog ") || strings.Count(s.stdout, "\n") != 1 {
		t.Errorf("%d %q %q", s.code, s.stdout, s.stderr)
	}
	if s.run("version", "--quiet"); s.code != codeOK || s.stdout+s.stderr != "" {
		t.Errorf("%d %q %q", s.code, s.stdout, s.stderr)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct {
		args, want string
	}{
		{"tail --last=x", "--last: \"x\" is no whole number\nrotatelog tail --help says more\n"},
		{"verify --gap=5", "--gap: \"5\" is no duration: use 90s, 15m or 48h\nrotatelog verify --help says more\n"},
		{"vresion", "there is no command vresion, did you mean \"version\"?\nrotatelog --help says more\n"},
		{"version now", "unexpected argument now\nrotatelog version --help says more\n"},
		{"cat today --config /none", "settings file: open /none: no such file or directory\nrotatelog help settings says more\n"},
		{"version --dir=x", "unknown flag --dir\nrotatelog version --help says more\n"},
	} {
		newShell(t).wantError(codeUsage, "rotatelog: "+test.want, strings.Fields(test.args)...)
	}
}

// Whoever has set nothing yet is told where settings are described.
func TestNothingIsSet(t *testing.T) {
	const more = "\nrotatelog help settings says more; docs/SETUP.md sets all of it up\n"
	for args, want := range map[string]string{
		"":                                     "--dir is not set: ",
		"append":                               "--dir is not set: ",
		"upload":                               "--dir is not set: ",
		"tail":                                 "--dir is not set: ",
		"append --dir=/none":                   "--store is not set: ",
		"doctor":                               "--store is not set: ",
		"verify":                               "--store is not set: ",
		"restore today":                        "--store is not set: ",
		"report":                               "--store is not set: ",
		"takeover":                             "--store is not set: ",
		"cat today":                            "--store is not set: ",
		"export today --out=x":                 "--store is not set: ",
		"takeover --store=file:///":            "--dir is not set: ",
		"cat today --store=" + storeWithoutKey: "neither the environment nor a settings file sets AWS_ACCESS_KEY_ID",
		"append --dir=/none --store=" + storeWithoutKey: "neither the environment nor a settings file sets AWS_ACCESS_KEY_ID",
	} {
		s := newShell(t)
		if s.run(strings.Fields(args)...); s.code != codeUsage || !strings.HasPrefix(s.stderr, "rotatelog: ") || !strings.Contains(s.stderr, want) || !strings.HasSuffix(s.stderr, more) {
			t.Errorf("%q: exit code %d, %q", args, s.code, s.stderr)
		}
	}
	s := newShell(t)
	if s.run("help", "settings"); s.code != codeOK || !strings.Contains(s.stdout, "\ndocs/SETUP.md goes from nothing to the first upload.\n") {
		t.Errorf("exit code %d\n%s%s", s.code, s.stdout, s.stderr)
	}
}

const storeWithoutKey = "s3://logs?endpoint=https://us-ord-1.linodeobjects.com"

// The names of settings that are found without the parser are those of its flags.
func TestSettingNames(t *testing.T) {
	a, err := newApp(env{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, command := range a.parser.Model.Children {
		for _, flag := range command.Flags {
			if isSetting(flag) {
				want = append(want, flag.Name)
			}
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), settingNames(reflect.TypeFor[commands]())); diff != "" {
		t.Errorf("(-flags +found):\n%s", diff)
	}
}
