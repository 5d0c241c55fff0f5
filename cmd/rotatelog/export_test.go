package main

import (
	"context"
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
)

// matches writes n fetches with two matches each, a minute apart.
func (w *world) matches(n int) {
	w.t.Helper()
	wr, err := rotatelog.Open(w.t.Context(), w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	defer wr.Close()
	for range n {
		w.n++
		data := fmt.Appendf(nil, `{"results":[{"id":"a","status_id":2,"minute":%d,"league":{"name":"Serie A"}},{"id":"b","status_id":1}]}`, w.n)
		if _, err := wr.AppendFetch(w.t.Context(), rotatelog.Fetch{Data: data, TotalMatches: 2, ID: fmt.Sprintf("ID%010d", w.n)}); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
	if err := wr.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// threeDays writes July 8 to 10, and returns a folder for exports, shown as week.
func (w *world) threeDays() (folder string) {
	w.t.Helper()
	w.matches(25)
	w.waitFor("2025-07-09")
	w.matches(30)
	w.waitFor("2025-07-10")
	w.matches(12)
	folder = filepath.Join(w.t.TempDir(), "week")
	w.replace = strings.NewReplacer(append(w.shows, folder, "week")...)
	return folder
}

// fileLines returns the lines of a file.
func (w *world) fileLines(name string) []string {
	w.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestExport(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		folder := w.threeDays()
		args := []string{"export", "7d", "today", "--each", "RAW_API_DATA.results", "--out", folder + "/"}
		w.want(codeOK, "export", args...)
		got := w.fileLines(folder + "/day=2025-07-08/all_api.ndjson")
		const want = `{"_day":"2025-07-08","_time":"2025-07-08T10:00:00-04:00","_fetch":1,"_upload":1,"id":"a","status_id":2,"minute":1,"league":{"name":"Serie A"}}`
		if len(got) != 50 || got[0] != want {
			t.Errorf("%d lines, the first is %s", len(got), got[0])
		}
		w.matches(2)
		w.want(codeOK, "export-goes-on", args...)
		w.env = func(e *env) { e.Clock, e.Width = systemClock{}, 40 }
		w.want(codeOK, "export-narrow", args...)
		if w.run(append(args, "-q")...); w.code != codeOK || w.stdout+w.stderr != "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestExportOfATable(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		file := w.threeDays() + ".csv"
		w.want(codeOK, "export-table", "export", "2025-07", "--each=RAW_API_DATA.results", "--csv=_time,id,minute,league.name",
			"--where=id=a", "--where", "_upload=1", "--from=10:05", "--to", "10:07am", "--out", file)
		want := []string{"_time,id,minute,league.name", "2025-07-08T10:05:00-04:00,a,6,Serie A", "2025-07-08T10:06:00-04:00,a,7,Serie A",
			"2025-07-09T10:05:00-04:00,a,31,Serie A", "2025-07-09T10:06:00-04:00,a,32,Serie A", "2025-07-10T10:05:00-04:00,a,61,Serie A", "2025-07-10T10:06:00-04:00,a,62,Serie A"}
		if got := w.fileLines(file); !slices.Equal(got, want) {
			t.Errorf("the table is\n%s", strings.Join(got, "\n"))
		}
	})
}

// A column or a condition that nothing has is misspelled, and that is said, also when the
// folder has the days already. One that only some have stays empty.
func TestExportOfAMisspelledPath(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(3) // without results
		w.waitFor("2025-07-10")
		w.matches(3)
		out := filepath.Join(t.TempDir(), "out")
		each := "--each=RAW_API_DATA.results"
		for _, test := range []struct {
			args []string
			code int
			says string // besides, after all else
		}{
			{[]string{each, "--csv=id,minute,_day"}, codeOK, ""},
			{[]string{each, "--csv=id,leage.name"}, codeFinding, "no element has leage.name; the nearest name is league\n"},
			{[]string{each, "--csv=id,league.nam,minuet"}, codeFinding, "no element has league.nam; the nearest name is league.name\nno element has minuet; the nearest name is minute\n"},
			{[]string{each, "--where=statusid=2"}, codeFinding, "no element has statusid; the nearest name is status_id\n"},
			{[]string{each, "--where=statusid=null"}, codeFinding, "no element has statusid; the nearest name is status_id\n"},
			{[]string{each, "--where=id=a", "--where=minute=null"}, codeFinding, ""},
			{[]string{each, "--where=status_id=1", "--csv=minute"}, codeOK, ""}, // only others have it
			{[]string{"--csv=FETCH_FOOTER.total_match"}, codeFinding, "no fetch has FETCH_FOOTER.total_match; the nearest name is FETCH_FOOTER.total_matches\n"},
		} {
			w.run(append([]string{"export", "today", "--out", out}, test.args...)...)
			_, after, _ := strings.Cut(w.stdout, " read in ")
			_, says, _ := strings.Cut(after, "\n")
			if w.code != test.code || strings.ReplaceAll(says, " is\n", " is ") != test.says {
				t.Errorf("%q: exit code %d\n%s%s", test.args, w.code, w.stdout, w.stderr)
			}
		}
		if w.run("export", "today", "--out", out, each, "--csv=id,leage"); w.code != codeFinding || len(w.fileLines(out)) != 7 {
			t.Errorf("exit code %d, %q", w.code, w.fileLines(out))
		}
		out += "folder"
		columns := "--csv=RAW_API_DATA.n,RAW_API_DATA.m" // n is in the first day only
		for range 2 {
			if w.run("export", "2d", "today", "--out", out+"/", columns); w.code != codeFinding || !strings.HasSuffix(w.stdout, "\nno fetch has RAW_API_DATA.m; the nearest name is RAW_API_DATA.n\n") {
				t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
			}
			out += "s"
			if w.run("export", "2d", "today", "--out", out+"/", "--json", columns); w.code != codeFinding || strings.Count(w.stdout, `"lacks":["RAW_API_DATA.m"]`) != 1 || w.stderr != "" {
				t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
			}
			out = out[:len(out)-1]
		}
		if w.run("export", "2d", "today", "--out", out+"/", "--csv=RAW_API_DATA.n"); w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestExportOfObjects(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		folder := w.threeDays()
		w.want(codeOK, "export-objects", "export", "7d", "--raw", "--out", folder+"/")
		text, err := os.ReadFile(folder + "/day=2025-07-08/all_api.json")
		object, err2 := os.ReadFile(filepath.Join(w.store, "all_api_rotating_logs/all_api_json_log_2025-07-08.json"))
		if err != nil || err2 != nil || string(text) != string(object) {
			t.Errorf("%d bytes, %d in the store, %v, %v", len(text), len(object), err, err2)
		}
		if w.run("export", "2025-07-08", "--zstd", "--out", folder+".zst"); w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if text, err := os.ReadFile(folder + ".zst"); err != nil || !strings.HasPrefix(string(text), "\x28\xb5\x2f\xfd") {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// A comma in a condition is a comma.
func TestExportWithACommaInACondition(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.matches(3)
		file := filepath.Join(t.TempDir(), "x")
		if w.run("export", "today", "--where", `RAW_API_DATA.results=[{"id":"a","status_id":2,"minute":2,"league":{"name":"Serie A"}},{"id":"b","status_id":1}]`, "--out", file); w.code != codeOK || len(w.fileLines(file)) != 1 {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What the old script, or a proxy, has left in place of a day is damage.
func TestExportOfWhatIsNoDay(t *testing.T) {
	for name, text := range map[string]string{
		"html": "<html>503</html>", "empty": "", "log": "=== FETCH START: #1 | ABCDEFGHIJKL | 07/09/2025 08:00:00 PM EDT ===\n{}\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-10", func(w *world) {
				w.matches(3)
				w.edit("2025-07-10", func(string) string { return text })
				if w.run("export", "today", "--out", t.TempDir()); w.code != codeFinding || !strings.Contains(w.stdout, "  DAMAGED\n") || !strings.HasSuffix(w.stdout, "\nnext: rotatelog verify 2025-07-10\n") {
					t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
				}
			})
		})
	}
}

// A day that is damaged, or named and not there, is said, and the others are exported.
func TestExportOfBadDays(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		folder := w.threeDays()
		w.edit("2025-07-08", func(s string) string { return strings.Replace(s, `"minute":15`, `"minute":16`, 1) })
		w.want(codeFinding, "export-bad-days", "export", "2025-07-07", "7d", "--out", folder+"/")
		if _, err := os.Stat(folder + "/day=2025-07-08"); err == nil {
			t.Error("the damaged day is there")
		}
		if got := w.fileLines(folder + "/day=2025-07-09/all_api.ndjson"); len(got) != 30 {
			t.Errorf("July 9 has %d lines", len(got))
		}
		w.want(codeFinding, "export-bad-path", "export", "2025-07-09", "--each=RAW_API_DATA.matches", "--out", folder+".ndjson")
		w.want(codeFinding, "export-nothing", "export", "yesterday", "today", "--where=status_id=2", "--out", folder+"2/")
		if w.run("export", "yesterday", "--where=status_id=2", "--out", folder+"/"); w.code != codeFinding || !strings.Contains(w.stdout, "NOT EXPORTED") ||
			!strings.Contains(strings.Join(strings.Fields(w.stdout), " "), "nothing was found, and the file is left as it is; remove it if it is not wanted any more") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if got := w.fileLines(folder + "/day=2025-07-09/all_api.ndjson"); len(got) != 30 {
			t.Errorf("July 9 has %d lines", len(got))
		}
		w.wantError(codeFinding, "all_api: none of these days has an object in file:///srv/store; its first fetch came on 2025-07-08\n", "export", "2025-06", "--out", folder+"3/")
		for _, name := range []string{folder + "3", folder + "2/day=2025-07-09/all_api.ndjson", folder + ".ndjson"} {
			if _, err := os.Stat(name); err == nil {
				t.Errorf("there is %s", name)
			}
		}
	})
}

func TestExportBeforeTheUpload(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.n++
		w.stdin = `{"results":[]}`
		if w.run("append", "--one", "--no-upload"); w.code != codeOK {
			t.Fatal(w.stdout, w.stderr)
		}
		if w.run("export", "today", "--out", filepath.Join(t.TempDir(), "x")); w.code != codeFinding || !strings.Contains(w.stdout, "next: rotatelog upload --partial\n") ||
			!strings.Contains(w.stdout, "nothing of 2025-07-10 was uploaded yet") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestExportJSON(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		folder := w.threeDays()
		w.edit("2025-07-08", func(s string) string { return strings.Replace(s, `"minute":15`, `"minute":16`, 1) })
		w.run("export", "7d", "2025-07-01", "--json", "--out", folder+"/")
		var results []string
		for line := range strings.Lines(w.stdout) {
			var day exportJSON
			if err := json.Unmarshal([]byte(line), &day); err != nil {
				t.Fatal(err)
			}
			results = append(results, fmt.Sprintf("%s %s %d %v", day.Day, day.Result, day.Lines, day.Error != ""))
			if day.Stream != "all_api" || day.Result == "written" && (day.Bytes == 0 || day.Fetches != 30 || !strings.HasSuffix(day.File, "day=2025-07-09/all_api.ndjson") || day.Key == "") {
				t.Error(line)
			}
		}
		if want := []string{"2025-07-01 missing 0 true", "2025-07-08 failed 20 true", "2025-07-09 written 30 false"}; !slices.Equal(results, want) || w.code != codeFinding || w.stderr != "" {
			t.Errorf("exit code %d, %q\n%s", w.code, results, w.stderr)
		}
	})
}

func TestExportUsage(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.matches(5)
		out := filepath.Join(t.TempDir(), "x")
		for args, want := range map[string]string{
			"export --out OUT":                               "DAYS is missing\n",
			"export today":                                   "--out: say where, as week/",
			"export tomorrow --out OUT":                      `"tomorrow" names no day`,
			"export today --each= --out OUT":                 `--each: "" is not a path`,
			"export today --csv= --out OUT":                  `--csv: "" is not a path`,
			"export today --csv a,,b --out OUT":              `--csv: "" is not a path`,
			"export today --csv a,a --out OUT":               "there are two columns a\n",
			"export today --each a..b --out OUT":             `--each: "a..b" is not a path`,
			"export today --where= --out OUT":                `--where: "" is no condition: use PATH=VALUE`,
			"export today --where a --out OUT":               `--where: "a" is no condition`,
			"export today --where =5 --out OUT":              `--where: "" is not a path`,
			"export today --from noon --out OUT":             `--from: "noon" is no time: use 15:45 or 3:45 PM`,
			"export today --to 25:00 --out OUT":              `--to: "25:00" is no time`,
			"export today --from 15:00 --to 15:00 --out OUT": "the end of the part of the day is not after its beginning\n",
			"export today --from 22:00 --to 02:00 --out OUT": "the end of the part of the day is not after its beginning\n",
			"export today --raw --each a --out OUT":          "exclude each other\n",
			"export today --raw --csv a --out OUT":           "exclude each other\n",
			"export today --raw --where a=1 --out OUT":       "the object as it is has no rows",
			"export today --raw --zstd --out OUT":            "the object as it is has no rows, and is not compressed again",
			"export today --zstd --out OUT":                  "--zstd: name the file OUT.zst",
			"export today --out OUT.zst":                     "--out: OUT.zst would not be compressed: add --zstd\n",
			"export today --again --out OUT":                 "--again: one file begins anew each time",
			"export today yesterday --raw --out OUT":         "--raw: the objects of several days do not go into one file",
			"export today --out OUT/none/file":               "--out: there is no folder OUT/none: make it with mkdir\n",
			"export today --name a,b --out OUT":              "there are several streams: say which with --name: a, b\n",
		} {
			w.replace = strings.NewReplacer(append(w.shows, out, "OUT")...)
			w.wantError(codeUsage, want, strings.Fields(strings.ReplaceAll(args, "OUT", out))...)
		}
		w.wantError(codeUnreachable, "the store cannot be opened", "export", "today", "--store=file:///none", "--out", out)
		w.wantError(codeUnreachable, "rotatelog: export /dev/null: this is no regular file; name another one\n", "export", "today", "--out", "/dev/null")
		if strings.Contains(w.stderr, "next: ") {
			t.Errorf("it says to type the same again: %s", w.stderr)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
			t.Errorf("there are %v, %v", left, err)
		}
	})
}

// A key that may get, head and list is enough, and no directory is needed.
func TestExportWithAKeyThatMayOnlyRead(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	w.environ = slices.DeleteFunc(w.environ, func(v string) bool { return strings.HasPrefix(v, "ROTATELOG_DIR=") })
	refused := 0
	w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if slices.Contains([]string{"GetObject", "HeadObject", "ListObjectsV2"}, op.Name) {
			return fakes3.Fault{}
		}
		refused++
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
	folder := t.TempDir()
	for _, days := range []string{"today", "2025-07", "7d 2025-07-10"} {
		args := append(append([]string{"export"}, strings.Fields(days)...), "--again", "--out", folder)
		if w.run(args...); w.code != codeOK || !strings.Contains(w.stdout, ": 1 written") || w.stderr != "" {
			t.Errorf("%s: exit code %d\n%s%s", days, w.code, w.stdout, w.stderr)
		}
	}
	if w.run("export", "today", "--raw", "--out", folder); w.code != codeOK || refused > 0 {
		t.Errorf("exit code %d, %d requests were refused\n%s%s", w.code, refused, w.stdout, w.stderr)
	}
}

// Whoever interrupts an export has what is complete, and nothing half.
func TestExportIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	w.clock.Advance(24 * time.Hour)
	w.write(w.dir, 25)
	folder := filepath.Join(t.TempDir(), "week")
	ctx, cancel := context.WithCancel(t.Context())
	w.ctx = ctx
	w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Name == "GetObject" && strings.Contains(op.Key, "2025-07-11") {
			cancel()
		}
		return fakes3.Fault{}
	}
	if w.run("export", "2025-07-10", "today", "--out", folder+"/"); w.code != codeInterrupted || w.stderr != "rotatelog: interrupted\n" {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	names, err := filepath.Glob(folder + "/*")
	if err != nil || len(names) != 1 || !strings.HasSuffix(names[0], "day=2025-07-10") {
		t.Errorf("there are %v, %v", names, err)
	}
	if hidden, err := filepath.Glob(folder + "/.*"); err != nil || len(hidden) != 0 {
		t.Errorf("it leaves %v, %v", hidden, err)
	}
	w.ctx = t.Context()
	if w.run("export", "2025-07-10", "today", "--out", folder+"/"); w.code != codeOK || !strings.Contains(w.stdout, ": 1 written, 1 was there\n") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// A store that fails says nothing about the data.
func TestExportCannotLook(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	out := t.TempDir()
	w.srv.Fault = func(fakes3.Op) fakes3.Fault {
		return fakes3.Fault{Reply: fakes3.Error{Status: 404, Code: "NoSuchBucket"}}
	}
	w.wantError(codeUnreachable, "NoSuchBucket", "export", "today", "--out", out)
	gets := 0
	w.srv.Fault = func(fakes3.Op) fakes3.Fault {
		if gets++; gets == 2 { // the first finds the object
			w.srv.PutObject(testBucket, july10, []byte(`{"uploads":[]}`), nil)
		}
		return fakes3.Fault{}
	}
	w.wantError(codeUnreachable, "2025-07-10 was replaced while it was exported: ", "export", "today", "--out", out)
	if !strings.HasSuffix(w.stderr, "\nnext: the same command again\n") {
		t.Errorf("stderr is %s", w.stderr)
	}
	w.srv.Fault = nil
	w.set("AWS_ACCESS_KEY_ID", "AKIDGONE")
	if w.run("export", "today", "--out", out); w.code != codeUnreachable || !strings.HasPrefix(w.stderr, "rotatelog: The store refuses the key: 403") || !strings.Contains(w.stderr, "\nnext: put a new key into") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// On a terminal it shows how far it has come, and elsewhere nothing.
func TestExportShowsProgress(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		folder := w.threeDays()
		w.env = func(e *env) { e.Clock, e.StderrTerminal = systemClock{}, true }
		if w.run("export", "7d", "--out", folder+"/"); w.code != codeOK || !strings.Contains(w.stderr, eraseLine) {
			t.Errorf("exit code %d\n%q", w.code, w.stderr)
		}
	})
}

// What is in the local file is nowhere else: no export, and no report, is written over it.
func TestOutputSparesTheStream(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.matches(5)
		local, link := filepath.Join(w.dir, "all_api.json"), filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(local, link); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(local)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{local, link, filepath.Join(w.dir, "all_api.spool/identities"), filepath.Join(w.dir, "all_api.spool/pending/x.csv")} {
			w.wantError(codeUsage, "is a part of the stream in /var/lib/rotatelog, and is not written over", "export", "today", "--out", out)
			w.wantError(codeUsage, "is a part of the stream", "report", "today", "--csv", out)
			w.wantError(codeUsage, "is a part of the stream", "report", "today", "--html", out)
		}
		w.wantError(codeUsage, "is a part of the stream", "export", "today", "--out", filepath.Join(w.dir, "all_api.spool/new")+"/")
		if after, err := os.ReadFile(local); err != nil || string(after) != string(before) {
			t.Errorf("the local file is %s, %v", after, err)
		}
		if err := os.Remove(local); err != nil {
			t.Fatal(err)
		}
		w.wantError(codeUsage, "is a part of the stream", "export", "today", "--out", local)
		if code := w.run("export", "today", "--out", filepath.Join(w.dir, "today.ndjson")); code != codeOK {
			t.Errorf("code %d: %s", code, w.stderr)
		}
	})
}
