package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"example.com/rotatelog"
)

const readme = "../../README.md"

// The line of README.md for a crontab, run as cron runs it, keeps what an API answers and
// counts it.
func TestCronLineOfREADME(t *testing.T) {
	m := newMachine(t, s3Server{})
	m.install()
	answers := []string{`{"live_matches":{"results":[{"id":1},{"id":2}]}}`, "", `{"live_matches":{"results":[]}}`}
	m.answerWith(func(w http.ResponseWriter) {
		answer := answers[0]
		if answers = answers[1:]; answer == "" {
			w.WriteHeader(http.StatusBadGateway)
			answer = "<html>502</html>"
		}
		fmt.Fprint(w, answer)
	})
	line := blocks(t, readme, "crontab")[0]
	for range 3 {
		m.cron(line)
	}
	log, err := os.ReadFile(m.root + "/var/log/rotatelog.log")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^.* all_api #1: 2 matches, 1 of 10; today 2\n` +
		`.* all_api: standard input: it is empty; see whether what should write it has failed; nothing was stored\n` +
		`.* all_api #2: 0 matches, 2 of 10; today 2\n$`)
	if !want.Match(log) {
		t.Errorf("the log is\n%s", log)
	}
	status, err := rotatelog.Inspect(m.root+"/var/lib/rotatelog", "all_api")
	if err != nil || status.Unfinished.Fetches != 2 {
		t.Errorf("%d fetches are on disk, %v", status.Unfinished.Fetches, err)
	}
}

// What README.md types to move in, with an archive and a file as the replaced script left it.
func TestMovingInOfREADME(t *testing.T) {
	m := newMachine(t, s3Server{})
	m.install()
	const archive = `{"FETCH_HEADER":{"nyc_timestamp":"07/06/2025 03:45:22 PM EDT"}}` + "\n"
	const old = "=== FETCH START: #7 | ABCDEFGHIJKL | 07/07/2025 03:45:22 PM EDT ===\n" +
		"{\n    \"FETCH_HEADER\": {\n        \"nyc_timestamp\": \"07/07/2025 03:45:22 PM EDT\"\n    }\n}\n" +
		"=== FETCH END: #7 | ABCDEFGHIJKL | 07/07/2025 03:45:22 PM EDT ===\n"
	m.mkdir("/srv/store")
	m.write("/srv/archive.ndjson", archive)
	m.write("/srv/old.json", old)
	for _, script := range blocks(t, readme, "sh") {
		if regexp.MustCompile(`(?m)^rotatelog `).MatchString(script) {
			m.types(m.root+"/srv", script)
		}
	}
	for _, day := range []string{"2025-07-06", "2025-07-07"} {
		if out := m.types(m.root, "rotatelog verify "+day); !regexp.MustCompile(`\n` + day + ` ... +1 +1 `).MatchString(out) {
			t.Errorf("%s is\n%s", day, out)
		}
	}
}
