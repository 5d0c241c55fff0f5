package main

import (
	"strings"
	"testing"
)

const setupDocument = "../../docs/SETUP.md"

// What docs/SETUP.md says, from nothing to two uploads, on the first day of a machine.
func TestServerSetUp(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary")
	}
	onServers(t, func(t *testing.T, s s3Server) {
		s.newBucket(t, "sports-json-logs-all")
		m := newMachine(t, s)
		var printed []string
		for _, script := range blocks(t, setupDocument, "sh", "crontab") {
			if !cronLine.MatchString(script) {
				printed = append(printed, m.types("../..", script))
				continue
			}
			lines := strings.SplitAfter(strings.TrimSpace(script), "\n")
			for range 10 {
				m.cron(lines[0])
			}
			for _, line := range lines[1:3] { // the last one does not end
				if mail := m.cron(line); mail != "" {
					t.Errorf("cron mails %s", mail)
				}
			}
		}
		want := [][]string{
			{}, // go build
			{}, // the settings
			{"\nA Writer works here. "},
			{" all_api #1: 2 matches, 1 of 10; today 2\n", " all_api upload 1: 1 fetch, 2 records, ", `{"live_matches":{"results":[{"id":1},{"id":2}]}}`, "\nall_api  OK "},
			{"all_api  OK ", "\n  waiting    nothing ", "  2 uploads, 11 fetches, 22 match records today\n", "\n1 day, ", ": all good\n"},
		}
		if len(printed) != len(want) {
			t.Fatalf("%s has %d blocks of commands, of which %d are known", setupDocument, len(printed), len(want))
		}
		for i, texts := range want {
			for _, text := range texts {
				if !strings.Contains(printed[i], text) {
					t.Errorf("it does not print %q:\n%s", text, printed[i])
				}
			}
		}
		// What is to be pasted is what doctor prints; but the log of who is not root is elsewhere.
		doctor := strings.ReplaceAll(printed[2], m.root, "")
		for _, script := range blocks(t, setupDocument, "crontab", "systemd") {
			for line := range strings.Lines(script) {
				if command, _, _ := strings.Cut(line, " >>"); !strings.Contains(doctor, "\n"+command) {
					t.Errorf("doctor does not print %s", command)
				}
			}
		}
	})
}
