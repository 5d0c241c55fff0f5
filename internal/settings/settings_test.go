package settings

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var known = []string{"dir", "name", "store", "count", "upload-every"}

// write writes a settings file.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, src Sources) *Settings {
	t.Helper()
	src.Known = known
	s, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func want(t *testing.T, s *Settings, flag, stream, text, origin string) {
	t.Helper()
	v, ok := s.Lookup(flag, stream)
	if v.Text != text || v.Origin.String() != origin || ok != (text != "") {
		t.Errorf("--%s of %q is %q from %s, want %q from %s", flag, stream, v.Text, v.Origin, text, origin)
	}
}

func TestFlagsComeBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write(t, file, "# where\nROTATELOG_DIR=/file\n\nROTATELOG_STORE=file:///file\n; how\nROTATELOG_UPLOAD_EVERY=5m\nAPI_KEY=x y\n")
	s := load(t, Sources{Config: file, Flags: map[string]string{"dir": "/flag"}, Environ: []string{"ROTATELOG_DIR=/env", "ROTATELOG_STORE=file:///env", "ROTATELOG_UPLOAD_EVERY="}})
	want(t, s, "dir", "", "/flag", "--dir")
	want(t, s, "store", "", "file:///env", "ROTATELOG_STORE in the environment")
	want(t, s, "upload-every", "", "5m", "ROTATELOG_UPLOAD_EVERY in "+file+", line 6")
	want(t, s, "count", "", "", "default")
	if v, _ := s.Env("API_KEY"); v.Text != "x y" {
		t.Errorf("API_KEY is %q", v.Text)
	}
}

func TestTheFirstFileThereIsCounts(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, "named"), "ROTATELOG_DIR=/named\n")
	write(t, filepath.Join(home, "variable"), "ROTATELOG_DIR=/variable\n")
	environ := []string{"HOME=" + home}
	if s := load(t, Sources{Environ: environ}); s.File() != nil && s.File().Path != systemFile {
		t.Errorf("read %s", s.File().Path)
	}
	write(t, filepath.Join(home, ".config/rotatelog/env"), "ROTATELOG_DIR=/home\n")
	want(t, load(t, Sources{Environ: environ}), "dir", "", "/home", "ROTATELOG_DIR in "+home+"/.config/rotatelog/env, line 1")
	environ = append(environ, "ROTATELOG_CONFIG="+filepath.Join(home, "variable"))
	want(t, load(t, Sources{Environ: environ}), "dir", "", "/variable", "ROTATELOG_DIR in "+home+"/variable, line 1")
	want(t, load(t, Sources{Environ: environ, Config: filepath.Join(home, "named")}), "dir", "", "/named", "ROTATELOG_DIR in "+home+"/named, line 1")
}

func TestStreamsHaveSettingsOfTheirOwn(t *testing.T) {
	environ := []string{"ROTATELOG_NAME=all_api,merge-2", "ROTATELOG_COUNT=a.b", "ROTATELOG_COUNT_MERGE_2=c"}
	s := load(t, Sources{Environ: environ})
	if got := s.Streams(); !slices.Equal(got, []string{"all_api", "merge-2"}) {
		t.Errorf("streams %q", got)
	}
	want(t, s, "count", "all_api", "a.b", "ROTATELOG_COUNT in the environment")
	want(t, s, "count", "merge-2", "c", "ROTATELOG_COUNT_MERGE_2 in the environment")
	one := load(t, Sources{Environ: environ[1:2], Flags: map[string]string{"name": "merge"}})
	if got := one.Streams(); !slices.Equal(got, []string{"merge"}) {
		t.Errorf("streams %q", got)
	}
	if got := load(t, Sources{}).Streams(); !slices.Equal(got, []string{DefaultStream}) {
		t.Errorf("streams %q", got)
	}
}

// A flag that selects one stream leaves the settings of the others valid.
func TestAStreamMayBeSelected(t *testing.T) {
	environ := []string{"ROTATELOG_NAME=all_api,merge", "ROTATELOG_COUNT_MERGE=c"}
	s := load(t, Sources{Environ: environ, Flags: map[string]string{"name": "all_api"}})
	if got := s.Streams(); !slices.Equal(got, []string{"all_api"}) {
		t.Errorf("streams %q", got)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	for _, test := range []struct {
		environ, text string
		want          string
	}{
		{"ROTATELOG_DIRR=/x", "", "ROTATELOG_DIRR in the environment: there is no such setting; the nearest is ROTATELOG_DIR"},
		{"", "\nROTATELOG_COUNT_MERG=x\nROTATELOG_NAME=all_api,merge\n", "ROTATELOG_COUNT_MERG in FILE, line 2: there is no such setting; the nearest is ROTATELOG_COUNT_MERGE"},
		{"", "ROTATLOG_STORE=x\n", "ROTATLOG_STORE in FILE, line 1: there is no such setting; the nearest is ROTATELOG_STORE"},
		{"", "AWS_ACCESS_KEYID=x\n", "the nearest is AWS_ACCESS_KEY_ID"},
		{"", "ROTATELOG_PAGER=x\n", "ROTATELOG_PAGER in FILE, line 1: there is no such setting; the nearest is ROTATELOG_PAGE"},
		{"", "ROTATELOG_NOTIFY_ALL_API=x\n", "there is no such setting"},
		{"", "ROTATELOG_CONFIG=/x\n", "a file cannot name another"},
		{"", "ROTATELOG_NAME=a, b\n", `"a, b" must be names with single commas between them`},
		{"ROTATELOG_NAME=../a", "", `"../a" is no name of a stream`},
		{"ROTATELOG_NAME=a,a", "", "it lists the stream a twice"},
		{"ROTATELOG_NAME=a-b,a_b", "", "the settings of the streams a-b and a_b would have the same names"},
		{"", "\ufeffROTATELOG_DIR=/x\n", "FILE, line 1: it begins with a byte order mark: sed -i "},
		{"", "ROTATELOG_DIR=/x\nROTATELOG_STORE=y\r\n", `FILE, line 2: it ends with CR LF, as on Windows: sed -i 's/\r$//' FILE`},
		{"", "ROTATELOG_DIR=\"/x\"\n", "FILE, line 1: ROTATELOG_DIR is in quotes: leave them out"},
		{"", "ROTATELOG_DIR='/x'\n", "ROTATELOG_DIR is in quotes"},
		{"", "export ROTATELOG_DIR=/x\n", `this is no shell script: leave out "export"`},
		{"", "ROTATELOG_DIR=$HOME/x\n", "no shell expands this"},
		{"", "ROTATELOG_DIR=~/x\n", "no shell expands this"},
		{"", "ROTATELOG_DIR = /x\n", "white space around the name"},
		{"", "ROTATELOG_DIR= /x\n", "ROTATELOG_DIR has white space around its value"},
		{"", "ROTATELOG_DIR=/x # here\n", "ROTATELOG_DIR is followed by a comment"},
		{"", "ROTATELOG_DIR=/x\\\n/y\n", "ROTATELOG_DIR ends with a backslash"},
		{"", "ROTATELOG-DIR=/x\n", "the name may have letters, digits and _ only"},
		{"", "ROTATELOG_DIR\n", "it is not NAME=value"},
		{"", "ROTATELOG_DIR=/x\nROTATELOG_DIR=/y\n", "line 2: ROTATELOG_DIR is set already, in line 1"},
		{"", "ROTATELOG_DIR=\xff\n", "it is not text in UTF-8"},
	} {
		write(t, file, test.text)
		_, err := Load(Sources{Config: file, Environ: []string{test.environ}, Known: known})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), file, "FILE"), test.want) {
			t.Errorf("%q %q: %v, want %s", test.environ, test.text, err, test.want)
		}
	}
}

// Who is told of alerts is a secret, which is neither listed nor in a file that others can
// read.
func TestReceiversAreSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	for _, name := range secretNames() {
		write(t, file, name+"=webhook:https://hooks.example/SECRET/abcd\n")
		s := load(t, Sources{Config: file})
		if all := s.List(); len(all) != 1 || all[0].Name != name || all[0].Text != "…abcd" {
			t.Errorf("%s is listed as %v", name, all)
		}
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(file); err == nil || !strings.Contains(err.Error(), "others can read it (mode 0640)") {
			t.Errorf("%s: %v", name, err)
		}
		os.Remove(file)
	}
}

// A variable that has two meanings is an error, which says so; without such a stream it has
// one.
func TestVariableWithTwoMeanings(t *testing.T) {
	known := []string{"dir", "expect", "expect-upload", "name"}
	for streams, want := range map[string]string{
		"all_api": "",
		"upload":  "ROTATELOG_EXPECT_UPLOAD in the environment: it could be --expect-upload, or --expect of the stream upload: rename that stream, or type the flag",
	} {
		environ := []string{"ROTATELOG_NAME=" + streams, "ROTATELOG_EXPECT_UPLOAD=1h"}
		if _, err := Load(Sources{Environ: environ, Known: known}); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%s: %v, want %q", streams, err, want)
		}
	}
	if _, err := Load(Sources{Environ: []string{"ROTATELOG_NAME=upload"}, Known: known}); err != nil {
		t.Error(err)
	}
}

// The command in the message mends the file as it stands there.
func TestCommandsMendTheFile(t *testing.T) {
	for _, text := range []string{"\ufeffROTATELOG_DIR=/x\n", "ROTATELOG_DIR=/x\r\nROTATELOG_STORE=y\r\n"} {
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadFile(file)
		if err == nil {
			t.Fatalf("%q is read", text)
		}
		_, command, ok := strings.Cut(err.Error(), ": sed ")
		if !ok {
			t.Fatalf("%v names no command", err)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", "sed "+command).CombinedOutput(); err != nil {
			t.Fatalf("sed %s: %v\n%s", command, err, out)
		}
		if _, err := ReadFile(file); err != nil {
			t.Errorf("after sed %s: %v", command, err)
		}
	}
}

func TestErrorsDoNotContainValues(t *testing.T) {
	const secret = "HIDDEN"
	for _, line := range []string{"%s", "AWS_SECRET_ACCESS_KEY='%s'", "AWS_SECRET_ACCESS_KEY=%s ", "A B=%s", "AWS_SECRET_ACCESS_KY=%s"} {
		file := filepath.Join(t.TempDir(), "env")
		write(t, file, strings.ReplaceAll(line, "%s", secret)+"\n")
		if _, err := Load(Sources{Config: file, Known: known}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestFilesThatOthersCanUseAreRefused(t *testing.T) {
	const key = "AWS_SECRET_ACCESS_KEY=x\n"
	for _, test := range []struct {
		text string
		mode os.FileMode
		want string // "": it is read
	}{
		{key, 0o600, ""},
		{key, 0o400, ""},
		{key, 0o640, "FILE has a key in it, and others can read it (mode 0640): chmod 600 FILE"},
		{key, 0o604, "others can read it (mode 0604)"},
		{"API_TOKEN=x\n", 0o644, "others can read it"},
		{"ROTATELOG_DIR=/x\n", 0o644, ""},
		{"ROTATELOG_DIR=/x\n", 0o664, "FILE can be written by others (mode 0664): chmod 600 FILE"},
	} {
		file := filepath.Join(t.TempDir(), "env")
		write(t, file, test.text)
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(Sources{Config: file, Known: known})
		text := ""
		if err != nil {
			text = strings.ReplaceAll(err.Error(), file, "FILE")
		}
		if (test.want == "") != (err == nil) || !strings.Contains(text, test.want) {
			t.Errorf("%q with mode %o: %v, want %q", test.text, test.mode, err, test.want)
		}
	}
}

func TestFileOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	file := filepath.Join(t.TempDir(), "env")
	write(t, file, "ROTATELOG_DIR=/x\n")
	if err := os.Chown(file, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Sources{Config: file, Known: known}); err == nil || !strings.Contains(err.Error(), "belongs to the user 4711, not to 0, who runs this: chown 0 "+file) {
		t.Errorf("%v", err)
	}
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(Sources{Config: dir + "/none", Known: known}); err == nil || !strings.Contains(err.Error(), dir+"/none: no such file") {
		t.Errorf("%v", err)
	}
	if _, err := Load(Sources{Config: dir, Known: known}); err == nil || !strings.Contains(err.Error(), dir+" is not a file") {
		t.Errorf("%v", err)
	}
	pipe := dir + "/pipe" // to which nobody writes
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Sources{Config: pipe, Known: known}); err == nil || !strings.Contains(err.Error(), pipe+" is not a file") {
		t.Errorf("%v", err)
	}
	if _, err := Load(Sources{Environ: []string{"ROTATELOG_CONFIG=env"}, Known: known}); err == nil || !strings.Contains(err.Error(), `"env" is not an absolute path`) {
		t.Errorf("%v", err)
	}
}

func TestFileIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write(t, file, "AWS_SECRET_ACCESS_KEY=first\n")
	live := load(t, Sources{Config: file}).Live()
	wantLive := func(text string) {
		t.Helper()
		if v, _ := live.Env("AWS_SECRET_ACCESS_KEY"); v.Text != text {
			t.Errorf("the key is %q, want %q", v.Text, text)
		}
	}
	wantLive("first")
	write(t, file, "AWS_SECRET_ACCESS_KEY=second-one\n")
	wantLive("second-one")
	write(t, file, "AWS_SECRET_ACCESS_KEY='broken\n")
	wantLive("second-one")
	if err := live.Refresh(); err == nil || !strings.Contains(err.Error(), "is in quotes") {
		t.Errorf("Refresh: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wantLive("second-one")
	write(t, file, "AWS_SECRET_ACCESS_KEY=third\n")
	wantLive("third")
	if err := live.Refresh(); err != nil {
		t.Errorf("Refresh: %v", err)
	}
}

// With systemd's EnvironmentFile, the file is in the environment, too.
func TestFileThatIsInTheEnvironmentIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write(t, file, "AWS_ACCESS_KEY_ID=first\nAWS_SECRET_ACCESS_KEY=first\n")
	live := load(t, Sources{Config: file, Environ: []string{"AWS_ACCESS_KEY_ID=first", "AWS_SECRET_ACCESS_KEY=other"}}).Live()
	write(t, file, "AWS_ACCESS_KEY_ID=second\nAWS_SECRET_ACCESS_KEY=second\n")
	for name, want := range map[string]string{"AWS_ACCESS_KEY_ID": "second", "AWS_SECRET_ACCESS_KEY": "other"} {
		if v, _ := live.Env(name); v.Text != want {
			t.Errorf("%s is %q, want %q", name, v.Text, want)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	for secret, want := range map[string]string{"": "…", "short": "…", "AKIAIOSFODNN7EXAMPLE": "…MPLE"} {
		if got := Mask(secret); got != want {
			t.Errorf("Mask(%q) is %q, want %q", secret, got, want)
		}
	}
}
