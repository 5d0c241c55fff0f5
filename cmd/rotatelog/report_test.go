package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/report"
)

// fortnight writes days from June 26 to today, July 10. July 4 has no object, and July 6 is
// of the old script.
func (w *world) fortnight() {
	w.t.Helper()
	day := rotatelog.Day{Year: 2025, Month: 6, Date: 26}
	for _, fetches := range []int{20, 21, 30, 32, 20, 20, 21, 20, 0, 31, 1, 20, 22, 20, 12} {
		w.waitFor(day.String())
		if fetches > 0 {
			w.write(fetches)
		}
		day = day.Next()
	}
	w.script("2025-07-06")
}

// script has the old script write a day.
func (w *world) script(day string) {
	w.t.Helper()
	w.edit(day, func(string) string {
		return "=== FETCH START: #1 | ABCDEFGHIJKL | 07/06/2025 08:00:00 PM EDT ===\n{}\n"
	})
}

func TestReport(t *testing.T) {
	inWorld(t, "2025-06-26", func(w *world) {
		w.fortnight()
		w.want(codeOK, "report", "report")
		w.want(codeOK, "report-today", "report", "2025-07-07..2025-07-10")
		w.want(codeOK, "report-weeks", "report", "2025-06-26..2025-07-10", "--by", "week")
		w.want(codeOK, "report-months", "report", "--by", "month", "2025-06-01..2025-07-10")
		w.want(codeFinding, "report-named", "report", "2025-07-04", "2025-07-06")
		testReportCSV(t, w)
		testReportJSON(t, w)
		testReportPage(t, w)
		w.env = func(e *env) { e.Clock, e.Width = systemClock{}, 60 }
		w.want(codeOK, "report-narrow", "report")
		w.want(codeOK, "report-narrow-weeks", "report", "2025-06-26..2025-07-10", "--by", "week")
	})
}

// The spool is not looked at, and nothing is written to the store.
func TestReportNeedsOnlyAStoreToRead(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(15)
		w.waitFor("2025-07-10")
		before := w.contents()
		w.set("ROTATELOG_DIR", "")
		w.environ[1] = "OLD=" // of two variables the first counts
		if w.run("report", "--html", filepath.Join(t.TempDir(), "page.html")); w.code != codeOK || !strings.Contains(w.stdout, "\n7 days                  15        2            675") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if after := w.contents(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func TestReportOfNothing(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.wantError(codeFinding, "all_api: none of these days has an object in file:///srv/store\n", "report")
		w.write(1)
		w.wantError(codeFinding, "all_api: none of these days has an object in file:///srv/store; its first fetch came on 2025-07-10\n", "report", "2025-06")
		page := filepath.Join(t.TempDir(), "page.html")
		w.wantError(codeFinding, "new: none of these days", "report", "2025-06", "--name=new,all_api", "--html", page)
		if _, err := os.Stat(page); err == nil {
			t.Error("there is a page of nothing")
		}
		if w.run("report", "today"); w.code != codeOK || strings.Contains(w.stdout, "before") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// A day that cannot be read, and a stream that cannot, do not keep the others from being
// reported.
func TestReportGoesOn(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.set("ROTATELOG_NAME", "gone,new,all_api")
		w.set("ROTATELOG_STORE_GONE", "file:///none")
		w.want(codeUnreachable, "report-streams", "report", "2d")
	})
}

// A store that stops answering ends a report after half a minute, whatever it has answered
// before. One that is slow is waited for.
func TestReportOfAStoreThatHangs(t *testing.T) {
	for name, test := range map[string]struct {
		hangs string // the operation
		slow  time.Duration
	}{"from the beginning": {hangs: "ListObjectsV2"}, "at the days": {hangs: "GetObject"}, "slow": {slow: 12 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-10", func(w *world) {
				srv := fakes3.New(fakes3.Options{Profile: fakes3.Strict(), AccessKey: "AKIDTEST", SecretKey: testSecret})
				srv.CreateBucket("logs")
				day := rotatelog.Day{Year: 2025, Month: 1, Date: 1}
				for range 190 {
					srv.PutObject("logs", "all_api_rotating_logs/all_api_json_log_"+day.String()+".json", []byte("{}"), nil)
					day = day.Next()
				}
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if op.Name == test.hangs {
						return fakes3.Fault{Delay: 24 * time.Hour}
					}
					return fakes3.Fault{Delay: test.slow}
				}
				w.set("ROTATELOG_STORE", "s3://logs?endpoint=https://us-ord-1.linodeobjects.com&region=us-east-1")
				w.environ = append(w.environ[:1:1], w.environ[2:]...) // and not the directory
				w.set("AWS_ACCESS_KEY_ID", "AKIDTEST")
				w.set("AWS_SECRET_ACCESS_KEY", testSecret)
				w.env = func(e *env) { e.Clock, e.Transport = systemClock{}, fakes3.Transport(srv) }
				began := time.Now()
				w.run("report", "2025-01-01..2025-07-09")
				took := time.Since(began)
				if test.hangs == "" {
					if w.code != codeOK || took < 2*askTimeout {
						t.Errorf("exit code %d after %v\n%s", w.code, took, w.stderr)
					}
					return
				}
				if w.code != codeUnreachable || took > askTimeout+time.Second || !strings.HasSuffix(w.stderr, " has not answered for 30s\n") || w.stdout != "" {
					t.Errorf("exit code %d after %v\n%s%s", w.code, took, w.stdout, w.stderr)
				}
			})
		})
	}
}

// rows returns what report --csv prints, by the name of the column.
func (w *world) rows(args ...string) []map[string]string {
	w.t.Helper()
	if w.run(args...); w.code != codeOK {
		w.t.Fatalf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	records, err := csv.NewReader(strings.NewReader(w.stdout)).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// testReportCSV checks the table for other programs.
func testReportCSV(t *testing.T, w *world) {
	t.Helper()
	rows := w.rows("report", "--csv", "-")
	if len(rows) != 7 {
		t.Fatalf("%d rows:\n%s", len(rows), w.stdout)
	}
	for i, want := range []map[string]string{
		{"from": "2025-07-03", "fetches": "20", "uploads": "2", "match_records": "900", "first_upload": "07/03/2025 10:09:00 AM EDT", "before_from": "2025-06-26", "before_fetches": "20"},
		{"from": "2025-07-04", "fetches": "0", "missing": "1", "first_upload": "", "before_fetches": "21"},
		{"from": "2025-07-05", "fetches": "31", "missing": "0", "not_known": "0"},
		{"from": "2025-07-06", "fetches": "", "uploads": "", "match_records": "", "bytes": "71", "not_known": "1"},
	} {
		for name, value := range want {
			if got, ok := rows[i][name]; !ok || got != value {
				t.Errorf("row %d: %s is %q, want %q", i, name, got, value)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "report.csv")
	table := w.stdout
	if w.run("report", "--csv", file); w.code != codeOK || !strings.HasPrefix(w.stdout, "all_api ") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != table {
		t.Errorf("%s, %v", text, err)
	}
	if weeks := w.rows("report", "2025-06-26..2025-07-10", "--by=week", "--csv=-"); len(weeks) != 3 || weeks[1]["whole"] != "true" || weeks[0]["whole"] != "false" {
		t.Errorf("%v", weeks)
	}
}

// testReportJSON checks the lines of --json.
func testReportJSON(t *testing.T, w *world) {
	t.Helper()
	if w.run("report", "--json"); w.code != codeOK {
		t.Fatalf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	var rows []map[string]any
	for line := range strings.Lines(w.stdout) {
		row := map[string]any{}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		rows = append(rows, row)
	}
	if len(rows) != 8 || rows[7]["by"] != "all" {
		t.Fatalf("%s", w.stdout)
	}
	get := func(row map[string]any, member string) any { return row[member] }
	sum := rows[7]
	before, _ := sum["before"].(map[string]any)
	change, _ := sum["change"].(map[string]any)
	if get(sum, "fetches") != 113.0 || get(before, "fetches") != 164.0 || get(before, "from") != "2025-06-26" || get(before, "to") != "2025-07-02" {
		t.Errorf("%v", sum)
	}
	// Of six days that are known, against seven.
	if c, ok := change["fetches"].(float64); !ok || c < 113.0/6/(164.0/7)-1.0001 || c > 113.0/6/(164.0/7)-0.9999 {
		t.Errorf("changed by %v", change)
	}
	if fmt.Sprint(sum["missing"], sum["not_known"]) != "[2025-07-04] [2025-07-06]" {
		t.Errorf("%v", sum)
	}
	if _, ok := rows[3]["fetches"]; ok || rows[3]["bytes"] != 71.0 {
		t.Errorf("a day that is not known: %v", rows[3])
	}
}

// testReportPage checks that the page is written, and says what it is.
func testReportPage(t *testing.T, w *world) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "july.html")
	if w.run("report", "--html", file); w.code != codeOK || !strings.HasPrefix(w.stdout, "all_api ") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>Report of 2025-07-03 to 2025-07-09</title>", ">5,085<", "2025-07-04 Fri: no object of 2025-07-04<",
		"Made 07/10/2025 10:12:00 AM EDT by rotatelog report", "all_api in file://" + w.store, "A match record is one match in one fetch: a match counts once a minute."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestReportUsage(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		for args, want := range map[string]string{
			"report tomorrow":       `"tomorrow" names no day`,
			"report --by year":      "--by must be one of day, week, month\n",
			"report --html /none/a": "--html: there is no folder /none: make it with mkdir\n",
			"report --csv /none/a":  "--csv: there is no folder /none: make it with mkdir\n",
			"report --json --csv -": "--json and --csv=-: only one of them can be standard output",
		} {
			w.wantError(codeUsage, want, strings.Fields(args)...)
		}
		w.write(1)
		folder := t.TempDir()
		w.wantError(codeUnreachable, folder+" cannot be written: ", "report", "today", "--html", folder)
	})
}

// Numbers of two columns do not become one, however long they are.
func TestColumnsStayApart(t *testing.T) {
	var screen strings.Builder
	a := &app{out: &output{w: &screen, width: 80}}
	long := report.Texts{Fetches: "1,000,000,000,000,000", Uploads: "100,000,000", Matches: "9,223,372,036,854,775,807", Bytes: "9.22 EB"}
	reportTable{a, report.ByDay}.line("2025-07-03 Thu", "", long, "first", "last")
	reportTable{a, report.ByWeek}.line("2025-07-03 Thu", "123 of 1,234", long, "+100 %")
	want := [][]string{{long.Fetches, long.Uploads, long.Matches, "9.22", "EB", "first", "last"}, {"123", "of", "1,234", long.Fetches, long.Uploads, long.Matches, "9.22", "EB", "+100", "%"}}
	for i, line := range strings.Split(strings.TrimSpace(screen.String()), "\n") {
		if got := strings.Fields(line)[2:]; !slices.Equal(got, want[i]) {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
}
