package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// odd is a directory whose name means something to a shell, to cron and to systemd.
const odd = "100% of $HOME's \"spools\""

// newScheduled returns a shell in which doctor prints a schedule for this program.
func newScheduled(t *testing.T, program string) *shell {
	t.Helper()
	s := newShell(t)
	s.env = func(e *env) { e.Program = program }
	s.set("ROTATELOG_STORE", "file://"+t.TempDir())
	return s
}

// cronLine is a line of a crontab: when, and what.
var cronLine = regexp.MustCompile(`(?m)^((?:[*/0-9]+ ){5}|@reboot )(.*)$`)

// TestCrontabRuns runs the lines as cron does: with sh, nearly no environment, and % for the
// end of a line unless it is quoted.
func TestCrontabRuns(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	program, called := filepath.Join(folder, "rotatelog"), filepath.Join(folder, "called")
	script := "#!/bin/sh\nfor word; do echo \"$word\"; done >>" + called + "\ncase $1 in append) cat >>" + called + ";; esac\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("answer\n")) }))
	defer api.Close()
	dir := filepath.Join(t.TempDir(), odd)
	s := newScheduled(t, program)
	if s.run("doctor", "--dir", dir); s.code != codeOK {
		t.Fatalf("exit code %d\n%s%s", s.code, s.stdout, s.stderr)
	}
	lines := cronLine.FindAllStringSubmatch(s.stdout, -1)
	if len(lines) < 4 {
		t.Fatalf("there are too few:\n%s", s.stdout)
	}
	for _, line := range lines {
		command := strings.ReplaceAll(line[2], exampleURL, api.URL)
		if _, err := exec.LookPath("curl"); err != nil && strings.HasPrefix(command, "curl ") {
			continue
		}
		if strings.Contains(strings.ReplaceAll(command, `\%`, ""), "%") {
			t.Errorf("cron ends this line early: %s", command)
		}
		os.Remove(called)
		cmd := exec.CommandContext(t.Context(), "env", "-i", "HOME="+folder, "PATH=/usr/bin:/bin", "sh", "-c", strings.ReplaceAll(command, `\%`, "%"))
		out, err := cmd.CombinedOutput()
		words, _ := os.ReadFile(called)
		if err != nil || !strings.Contains(string(words), "\n--dir="+dir+"\n") {
			t.Errorf("%s: %v\n%s\n%s", command, err, out, words)
		}
		if strings.HasPrefix(command, "curl ") && !strings.HasSuffix(string(words), "\nanswer\n") {
			t.Errorf("%s: it gets %s", command, words)
		}
	}
}

// unitFile is a unit as doctor prints it.
var unitFile = regexp.MustCompile(`(?m)^# /etc/systemd/system/(.*)\n((?:[^#\n].*\n|\n)*)`)

func TestUnitsAreValid(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := newScheduled(t, program)
	s.run("doctor", "--dir", filepath.Join(t.TempDir(), odd))
	text, _, _ := strings.Cut(s.stdout, "systemctl ")
	units := unitFile.FindAllStringSubmatch(text, -1)
	if len(units) < 2 {
		t.Fatalf("there are %d:\n%s", len(units), s.stdout)
	}
	folder := t.TempDir()
	args := []string{"verify"}
	for _, unit := range units {
		file := filepath.Join(folder, unit[1])
		if err := os.WriteFile(file, []byte(unit[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "rotatelog") {
		t.Errorf("%q: %v\n%s", args, err, out)
	}
	// What is said of a broken unit, or the program checks nothing here.
	broken := filepath.Join(folder, "rotatelog-broken.service")
	if err := os.WriteFile(broken, []byte("[Service]\nExecStart=none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", broken).CombinedOutput(); err == nil {
		t.Skipf("it finds nothing wrong with a broken unit: %s", out)
	}
}

// Each of several streams has its lines.
func TestScheduleOfSeveralStreams(t *testing.T) {
	s := newScheduled(t, "/usr/local/bin/rotatelog")
	s.set("ROTATELOG_NAME", "all_api,merge")
	s.set("ROTATELOG_DIR", t.TempDir())
	s.run("doctor")
	for _, want := range []string{
		"\n* * * * * curl -fsS -m 50 https://api.example/live | /usr/local/bin/rotatelog append --one --envelope --name=all_api >>",
		" --envelope --name=merge >>", "\n*/5 * * * * /usr/local/bin/rotatelog status --quiet\n",
		"\n30 3 * * * /usr/local/bin/rotatelog verify --quiet\n",
		"\n@reboot /usr/local/bin/rotatelog serve >>/var/log/rotatelog.log 2>&1\n", "\nExecStart=/usr/local/bin/rotatelog serve\n",
		" --now rotatelog-all_api.timer rotatelog-merge.timer rotatelog-status.timer rotatelog-verify.timer rotatelog-serve.service\n",
	} {
		if strings.Count(s.stdout, want) != 1 {
			t.Errorf("%q should be there once:\n%s", want, s.stdout)
		}
	}
}

func TestWordsOfUnits(t *testing.T) {
	for word, want := range map[string]string{
		"status": "status", "100%": "100%%", "$HOME": `"$$HOME"`, `it's "so"`: `"it's \"so\""`, `a\b`: `"a\\b"`,
	} {
		if got := systemdWord(word); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}
