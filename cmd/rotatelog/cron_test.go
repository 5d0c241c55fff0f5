package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/rotatelog"
)

// The line of README.md for a crontab, run as cron runs it, keeps what an API answers and
// counts it. What the line names is replaced by what a test can have: the command, the
// URL and the log.
func TestCronLineOfREADME(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^\* \* \* \* \* (.*)$`).FindStringSubmatch(string(readme))
	if line == nil {
		t.Fatal("README.md has no line for a crontab")
	}
	answers := []string{`{"live_matches":{"results":[{"id":1},{"id":2}]}}`, "", `{"live_matches":{"results":[]}}`}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[0]
		if answers = answers[1:]; answer == "" {
			w.WriteHeader(http.StatusBadGateway)
			answer = "<html>502</html>"
		}
		fmt.Fprint(w, answer)
	}))
	defer api.Close()

	home := t.TempDir()
	settings := fmt.Sprintf("ROTATELOG_DIR=%s\nROTATELOG_STORE=file://%[1]s/store\n", home)
	if err := os.MkdirAll(filepath.Join(home, ".config/rotatelog"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".config/rotatelog/env"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	command := line[1]
	for _, r := range [][2]string{
		{"/usr/local/bin/rotatelog", "env ROTATELOG_TEST_PROCESS=run " + os.Args[0]},
		{"https://api.example/live", api.URL},
		{"/var/log/rotatelog.log", home + "/log"},
	} {
		if !strings.Contains(command, r[0]) {
			t.Fatalf("it has no %s", r[0])
		}
		command = strings.Replace(command, r[0], r[1], 1)
	}
	for range 3 {
		sh := exec.CommandContext(t.Context(), "sh", "-c", command)
		sh.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "SHELL=/bin/sh", "LOGNAME=root"}
		sh.Run() // what it says is in the log
	}
	log, err := os.ReadFile(home + "/log")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^.* all_api #1: 2 matches, 1 of 10; today 2\n` +
		`.* all_api: standard input: it is empty; see whether what should write it has failed; nothing was stored\n` +
		`.* all_api #2: 0 matches, 2 of 10; today 2\n$`)
	if !want.Match(log) {
		t.Errorf("the log is\n%s", log)
	}
	status, err := rotatelog.Inspect(home, "all_api")
	if err != nil || status.Unfinished.Fetches != 2 {
		t.Errorf("%d fetches are on disk, %v", status.Unfinished.Fetches, err)
	}
}
