package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/docs"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/markdown"
)

const operationsDocument = "../../docs/OPERATIONS.md"

// section returns a section of docs/OPERATIONS.md.
func section(t *testing.T, anchor string) string {
	t.Helper()
	text, err := os.ReadFile(operationsDocument)
	if err != nil {
		t.Fatal(err)
	}
	if anchor == "" {
		return string(text)
	}
	found, ok := markdown.Section(string(text), anchor)
	if !ok {
		t.Fatalf("%s has no section %s", operationsDocument, anchor)
	}
	return found
}

// tableRows returns the cells of the rows of the tables in a section, without their heads.
func tableRows(section string) (rows [][]string) {
	head := true
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			head = true
		case strings.HasPrefix(line, "|--"):
			head = false
		case !head:
			rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	return rows
}

// code is text in backticks.
var code = regexp.MustCompile("`([^`]+)`")

// TestCardOfOperations: whoever is woken finds each code, in the order of the documents, on
// the first screen, and to type what the section about it says too. So does who is woken
// because a heartbeat is missing, which has no code.
func TestCardOfOperations(t *testing.T) {
	card, _, _ := strings.Cut(section(t, ""), "\n- [")
	if lines := strings.Count(card, "\n"); lines > 30 {
		t.Errorf("it has %d lines, and is no first screen", lines)
	}
	var codes []health.Code
	heartbeat := false
	for _, row := range tableRows(card) {
		if len(row) != 4 {
			t.Fatalf("this row has %d cells: %q", len(row), row)
		}
		if !code.MatchString(row[3]) && !strings.Contains(row[3], "](#") {
			t.Errorf("%s: there is nothing to type", row[0])
		}
		if row[0] == "no heartbeat" {
			heartbeat = true
			continue
		}
		name := strings.Trim(row[0], "`")
		codes = append(codes, health.Code(name))
		about, _ := markdown.Section(docs.Troubleshooting(), name)
		for _, m := range code.FindAllStringSubmatch(row[3], -1) {
			if strings.HasPrefix(m[1], "rotatelog ") && !strings.Contains(about, m[1]) {
				t.Errorf("%s: the section about it does not say to type %s", name, m[1])
			}
		}
	}
	if diff := cmp.Diff(append(health.Codes(), alert.NotSeen), codes); diff != "" {
		t.Errorf("codes (-found +on the card):\n%s", diff)
	}
	if !heartbeat {
		t.Error("it does not say what to do without a heartbeat")
	}
}

// The lines for cron can be typed, and those for systemd are valid.
func TestSchedulesOfOperations(t *testing.T) {
	s := newShell(t)
	s.set("ROTATELOG_DIR", t.TempDir())
	s.set("ROTATELOG_STORE", "file://"+t.TempDir())
	const program = "/usr/local/bin/rotatelog"
	lines := cronLine.FindAllStringSubmatch(strings.Join(blocks(t, operationsDocument, "crontab"), "\n"), -1)
	for _, line := range lines {
		_, command, _ := strings.Cut(line[2], program)
		command, _, _ = strings.Cut(command, ">>")
		if err := s.canBeTyped(command); err != nil {
			t.Errorf("%s: %v", line[2], err)
		}
	}
	if len(lines) != 6 {
		t.Errorf("there are %d lines", len(lines))
	}
	folder := t.TempDir()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"verify"}
	for _, unit := range unitFile.FindAllStringSubmatch(blocks(t, operationsDocument, "ini")[0], -1) {
		for _, m := range regexp.MustCompile(program+`([^"\n]*)`).FindAllStringSubmatch(unit[2], -1) {
			if err := s.canBeTyped(m[1]); err != nil {
				t.Errorf("%s: %v", m[0], err)
			}
		}
		file := filepath.Join(folder, unit[1])
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(unit[2], program, executable)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if len(args) != 8 {
		t.Fatalf("there are %d units", len(args)-1)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "rotatelog") {
		t.Errorf("%q: %v\n%s", args, err, out)
	}
}

// The lines for cron are run as cron runs them, on a machine that has been there for a week,
// and mail nothing. The log and the copy of yesterday are there then.
func TestCrontabOfOperations(t *testing.T) {
	m := newMachine(t, s3Server{})
	m.install()
	m.mkdir("/srv/store")
	settings, err := os.ReadFile(m.root + "/etc/rotatelog/env")
	if err != nil {
		t.Fatal(err)
	}
	m.write("/etc/rotatelog/env", string(settings)+"ROTATELOG_COUNT=RAW_API_DATA.live_matches.results\nROTATELOG_NOTIFY=exec:cat >/dev/null\n")
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now, week := time.Now().In(zone), ""
	for n := range 8 {
		noon := time.Date(now.Year(), now.Month(), now.Day()-8+n, 12, 0, 0, 0, zone)
		week += fmt.Sprintf(`{"FETCH_HEADER":{"nyc_timestamp":%q},"RAW_API_DATA":{"live_matches":{"results":[]}}}`, noon.Format(rotatelog.TimeLayout)) + "\n"
	}
	m.write("/srv/week.ndjson", week)
	m.types(m.root+"/srv", "rotatelog append --replay --flush week.ndjson")
	lines := strings.Split(strings.TrimSpace(blocks(t, operationsDocument, "crontab")[0]), "\n")
	for _, line := range lines {
		if command, _, endless := strings.Cut(line, " serve >>"); endless {
			m.serves(command + " serve --listen 127.0.0.1:0")
			continue
		}
		if mail := m.cron(strings.ReplaceAll(line, "/srv/", m.root+"/srv/")); mail != "" {
			t.Errorf("%s\nmails %s", line, mail)
		}
	}
	if log, err := os.ReadFile(m.root + "/var/log/rotatelog.log"); err != nil || !strings.Contains(string(log), " all_api #1: 2 matches, ") {
		t.Errorf("the log is %q, %v", log, err)
	}
	backup := m.root + "/srv/backup/day=" + now.AddDate(0, 0, -1).Format(time.DateOnly) + "/all_api.json"
	if _, err := os.Stat(backup); err != nil {
		t.Error(err)
	}
}

// logrotate takes the lines for it.
func TestLogrotateOfOperations(t *testing.T) {
	logrotate, err := exec.LookPath("logrotate")
	if err != nil {
		t.Skip(err)
	}
	log := filepath.Join(t.TempDir(), "rotatelog.log")
	if err := os.WriteFile(log, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "rotatelog")
	lines := strings.ReplaceAll(blocks(t, operationsDocument, "logrotate")[0], "/var/log/rotatelog.log", log)
	if err := os.WriteFile(config, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), logrotate, "--debug", config).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "considering log "+log) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCostInOperations holds the table against the benchmarks and what doctor --bucket says
// of such days.
func TestCostInOperations(t *testing.T) {
	text, err := os.ReadFile("../../docs/BENCHMARKS.md")
	if err != nil {
		t.Fatal(err)
	}
	measured := string(text)
	memory, _ := markdown.Section(measured, "memory")
	compression, _ := markdown.Section(measured, "compression")
	for _, figure := range []string{"a day of 2.6 GB", "a day of 18.6 MB", "ten fetches of 13 kB", "ten of 1.8 MB"} {
		if !strings.Contains(measured, figure) {
			t.Errorf("docs/BENCHMARKS.md has no %q any more", figure)
		}
	}
	ratio := number(t, compression, `(?m)^\| 18 MB, zstd \| ([0-9.]+) \|`)
	linode := providers()[".linodeobjects.com"].prices
	var want strings.Builder
	for _, kind := range []struct {
		name   string
		size   float64
		memory float64 // resident, the most
	}{
		{"13 kB", 18.6e6, number(t, memory, `(?m)^\| \d+ MB, 130 kB \| [0-9.]+ \| ([0-9.]+) \|`)},
		{"1.8 MB", 2.6e9, number(t, memory, `(?m)^\| \S+ [MG]B, 18 MB \| [0-9.]+ \| ([0-9.]+) \|`)},
		{"1.8 MB, zstd", 2.6e9 / ratio, number(t, compression, `(?m)^\| 18 MB, zstd \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \| ([0-9.]+) \|`)},
	} {
		var u usage
		var day rotatelog.DayMetadata
		day.Size, day.Totals.Uploads = int64(kind.size), 144
		u.add(day)
		fmt.Fprintf(&want, "| %s | %s | %s | %s | %s | %s | $%.2f a month | %.0f MiB |\n", kind.name,
			format.Bytes(int64(u.bytes)), format.Bytes(int64(month*u.sent)), format.Bytes(int64(reads*month*u.bytes)),
			format.Count(int64(month*(u.put+u.get))), format.Bytes(int64(year*u.bytes)), linode.month(year*u.bytes, u), kind.memory)
	}
	document := section(t, "")
	table := regexp.MustCompile(`(?s)(\| a fetch \| a day .*?\|\n\|---[^\n]*\n)(.*?)\n\n`)
	m := table.FindStringSubmatchIndex(document)
	if m == nil {
		t.Fatal("there is no table")
	}
	if got := document[m[4]:m[5]] + "\n"; *update {
		if err := os.WriteFile(operationsDocument, []byte(document[:m[4]]+strings.TrimSuffix(want.String(), "\n")+document[m[5]:]), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

// number returns the largest number that a pattern finds.
func number(t *testing.T, text, pattern string) float64 {
	t.Helper()
	var all []float64
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		t.Fatalf("nothing is %s", pattern)
	}
	return slices.Max(all)
}

// TestPlacesOfFetchesInOperations: no file of the machine has a fetch but those that the
// document lists, and nobody else can read them. What is to be done to empty them does.
func TestPlacesOfFetchesInOperations(t *testing.T) {
	onFake(t, func(t *testing.T, s s3Server, _ func(key string)) {
		o := newOperator(t, s)
		o.set("ROTATELOG_BATCH", "1")
		o.fetches(14)
		o.environ = o.environ[:len(o.environ)-1]
		o.fetches(3)
		var listed []string
		for _, row := range tableRows(section(t, "where-fetches-lie")) {
			for _, m := range code.FindAllStringSubmatch(row[0], -1) {
				if place, ok := strings.CutPrefix(m[1], "/var/lib/rotatelog/"); ok {
					listed = append(listed, strings.Replace(place, "body-2025-07-10", "body-", 1))
				}
			}
		}
		with := o.filesWithFetches()
		for _, place := range []string{"all_api.json", "all_api.last.json", "all_api.spool/uploaded/", "all_api.spool/body-"} {
			if !slices.ContainsFunc(with, func(file string) bool { return strings.HasPrefix(file, place) }) {
				t.Errorf("no file of %s has a fetch: %q", place, with)
			}
		}
		for _, file := range with {
			if !slices.ContainsFunc(listed, func(place string) bool { return strings.HasPrefix(file, place) }) {
				t.Errorf("%s has a fetch, and is not listed", file)
			}
			if info, err := os.Stat(filepath.Join(o.dir, file)); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others can read %s: %v, %v", file, info.Mode(), err)
			}
		}
		o.set("ROTATELOG_KEEP_FOR", "0")
		o.types(codeOK, "rotatelog upload --partial")
		kept := 0
		for _, file := range o.filesWithFetches() {
			if strings.HasPrefix(file, "all_api.spool/uploaded/") {
				kept++
			} else if file == "all_api.json" || strings.HasPrefix(file, "all_api.spool/pending/") {
				t.Errorf("%s still has a fetch", file)
			}
		}
		if kept > 10 {
			t.Errorf("%d batches are kept", kept)
		}
	})
}

// filesWithFetches returns the files of the operator's directory that have a fetch.
func (o *operator) filesWithFetches() (found []string) {
	o.t.Helper()
	dir := os.DirFS(o.dir)
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := fs.ReadFile(dir, name)
		if fetch := regexp.MustCompile(`"fetch": ?[0-9]`); err == nil && (fetch.Match(text) || strings.HasSuffix(name, ".json.zst")) {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return found
}
