package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// days writes three days, the second of which has a gap.
func (w *world) days() {
	w.t.Helper()
	w.write(25)
	w.waitFor("2025-07-09")
	w.write(30)
	w.waitFor("2025-07-10")
	w.write(12)
}

// broken changes a digit in upload 2 of July 8.
func (w *world) broken() {
	w.t.Helper()
	w.edit("2025-07-08", func(s string) string { return strings.Replace(s, `{"n":15}`, `{"n":16}`, 1) })
}

func TestVerify(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.want(codeOK, "verify-good", "verify", "7d", "today", "--gap", "24h")
		w.want(codeOK, "verify-yesterday", "verify")
		w.broken()
		w.want(codeFinding, "verify-broken", "verify", "7d", "--gap", "24h")
	})
}

func TestVerifyFindsMissingDays(t *testing.T) {
	inWorld(t, "2025-07-07", func(w *world) {
		w.write(15)
		w.waitFor("2025-07-09")
		w.write(15)
		w.waitFor("2025-07-10")
		w.want(codeOK, "verify-missing-day", "verify", "7d", "--gap", "24h")
		w.want(codeFinding, "verify-named-day-missing", "verify", "2025-07-01", "2025-07-06", "2025-07-07", "2025-07-08", "--gap", "24h")
		w.wantError(codeFinding, "all_api: none of these days has an object in file:///srv/store; its first fetch came on 2025-07-07\n", "verify", "2025-06")
		for failOn, code := range map[string]int{"warning": codeFinding, "error": codeOK} {
			if got := w.run("verify", "7d", "--fail-on", failOn); got != code {
				t.Errorf("--fail-on %s: exit code %d, want %d\n%s", failOn, got, code, w.stdout)
			}
		}
	})
}

// On its first day, verify without an argument asks for a day that never was.
func TestVerifyOnTheFirstDay(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(12)
		w.want(codeOK, "verify-first-day", "verify")
		w.want(codeFinding, "verify-first-day-named", "verify", "yesterday")
		if w.run("verify", "--json"); w.code != codeOK || w.stdout+w.stderr != "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.waitFor("2025-07-12") // a day later it is missing
		if w.run("verify"); w.code != codeFinding || !strings.Contains(w.stdout, "day_missing") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.write(1)
		if w.run("verify"); w.code != codeFinding || !strings.Contains(w.stdout, "day_missing") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// A spool that shows only its last days does not excuse a day without an object: it may have
// taken the stream over, or lost its state.
func TestVerifyTakesNoLaterMachineForTheFirst(t *testing.T) {
	for name, file := range map[string]string{"taken over": "", "no state": "state.append.json", "torn state": "state.append.json"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-10", func(w *world) {
				w.write(12)
				switch path := filepath.Join(w.dir, "all_api.spool", file); name {
				case "taken over": // a new directory continues the numbers of the day
					w.dir = filepath.Join(t.TempDir(), "new")
					w.set("ROTATELOG_DIR", w.dir)
					if w.run("takeover", "--apply"); w.code != codeOK {
						t.Fatal(w.stdout, w.stderr)
					}
					w.write(1)
				case "no state":
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				case "torn state":
					if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if w.run("verify"); w.code != codeFinding || !strings.Contains(w.stdout, "day_missing") {
					t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
				}
			})
		})
	}
}

// What is found of a day that is empty, or something else, is damage, not a failure to
// look.
func TestVerifyFindsDamage(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "html": "<html>503</html>\n"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-09", func(w *world) {
				w.write(15)
				w.waitFor("2025-07-10")
				w.edit("2025-07-09", func(string) string { return text })
				w.want(codeFinding, "verify-"+name, "verify", "yesterday")
			})
		})
	}
}

// Where the old script has written, it has to be stopped first.
func TestVerifyFindsTheOldScript(t *testing.T) {
	const log = "=== FETCH START: #1 | ABCDEFGHIJKL | 07/09/2025 08:00:00 PM EDT ===\n{}\n"
	for name, edit := range map[string]func(string) string{
		"log":   func(string) string { return log },
		"after": func(day string) string { return day + "\n" + log },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-09", func(w *world) {
				w.write(15)
				w.waitFor("2025-07-10")
				w.edit("2025-07-09", edit)
				w.want(codeFinding, "verify-old-script-"+name, "verify", "yesterday")
			})
		})
	}
}

// A store that cannot be read says nothing about the data.
func TestVerifyCannotLook(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.wantError(codeUnreachable, "the store cannot be opened", "verify", "--store", "file:///none")
	})
}

func TestVerifyOfSeveralStreams(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(15)
		w.name = "merge"
		w.write(5)
		w.waitFor("2025-07-10")
		w.set("ROTATELOG_NAME", "all_api,merge")
		w.want(codeOK, "verify-streams", "verify", "--gap", "24h")
	})
}

// The columns of a stream with a long name are where they belong.
func TestLongNamesOfStreams(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		const name = "every_league_of_the_world"
		w.name = name
		w.write(15)
		w.waitFor("2025-07-10")
		w.set("ROTATELOG_NAME", name)
		folder := t.TempDir() + "/"
		for _, args := range [][]string{{"verify", "--gap=24h"}, {"report", "yesterday"}, {"report", "yesterday", "--by=week"}, {"export", "yesterday", "--out", folder}} {
			w.run(args...)
			lines := strings.Split(w.stdout, "\n")
			if w.code != codeOK || lines[0] != name || !strings.HasPrefix(lines[1], "    ") || !strings.HasPrefix(lines[2], "2025-07-0") ||
				strings.Index(lines[1], "fetches")+len("fetches") != strings.Index(lines[2], " 15 ")+len(" 15") {
				t.Errorf("%s: exit code %d\n%s%s", args, w.code, w.stdout, w.stderr)
			}
			w.wantNarrow()
		}
	})
}

// A stream that cannot be looked at does not keep the others from being verified.
func TestVerifyOfOtherStreams(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(15)
		w.waitFor("2025-07-10")
		w.set("ROTATELOG_NAME", "gone,new,all_api")
		w.set("ROTATELOG_STORE_GONE", "file:///none")
		w.want(codeFinding, "verify-other-streams", "verify", "7d", "--gap=24h", "--dir=")
		w.set("ROTATELOG_NAME", "gone,all_api")
		if w.run("verify", "7d", "--gap=24h", "--dir="); w.code != codeUnreachable || !strings.Contains(w.stdout, "1 stream could not be read\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestVerifyLeavesWhatItFound(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.broken()
		file := filepath.Join(w.dir, "all_api.spool/verified.json")
		for _, args := range [][]string{{"verify", "7d"}, {"verify", "7d", "--json"}} {
			os.Remove(file)
			w.run(args...)
			text, err := os.ReadFile(file)
			if err != nil || strings.Count(string(text), `"worst":"error"`) != 1 || strings.Count(string(text), `"day":`) != 2 {
				t.Errorf("%q: %s, %v", args, text, err)
			}
		}
	})
}

func TestVerifyAgainstAMirror(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		mirror := t.TempDir()
		if err := os.CopyFS(mirror, os.DirFS(w.store)); err != nil {
			t.Fatal(err)
		}
		if w.run("verify", "7d", "--gap=24h", "--against", "file://"+mirror); w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.edit("2025-07-08", func(s string) string {
			return s[:strings.Index(s, `{"upload_sequence":3`)-2] + "\n]}\n"
		})
		w.run("verify", "2025-07-08", "--gap=24h", "--against", "file://"+mirror, "--dir=")
		if w.code != codeFinding || !strings.Contains(w.stdout, "upload 3: the other archive has it, and the day does") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What counts matches may be a setting of one stream.
func TestVerifyCountsByTheRuleOfTheStream(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(15)
		w.waitFor("2025-07-10")
		for path, code := range map[string]int{"FETCH_FOOTER.total_matches": codeOK, "RAW_API_DATA.n": codeFinding} {
			w.set("ROTATELOG_COUNT_ALL_API", path)
			if w.run("verify", "--gap=24h", "--json"); w.code != code || strings.Contains(w.stdout, "not_counted") {
				t.Errorf("%s: exit code %d\n%s%s", path, w.code, w.stdout, w.stderr)
			}
		}
	})
}

// A path that no fetch has is said once. It is no fault of the days: none is to be restored,
// and nobody is told of it.
func TestVerifyCountsByAWrongPath(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.matches(25)
		if w.run("verify", "today", "--count", "RAW_API_DATA.results"); w.code != codeOK {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		remembered := filepath.Join(w.dir, "all_api.spool/verified.json")
		before, err := os.ReadFile(remembered)
		if err != nil {
			t.Fatal(err)
		}
		w.run("verify", "today", "--count", "RAW_API_DATA.result")
		if w.code != codeFinding || strings.Count(w.stdout, "ERROR  ") != 1 || !strings.Contains(w.stdout, "  ERROR    no_count  no fetch of the day can be counted") ||
			!strings.Contains(strings.Join(strings.Fields(w.stdout), " "), "was not compared: it has no RAW_API_DATA.result ") ||
			!strings.HasSuffix(w.stdout, "\nnext: correct --count, and verify again\n") || strings.Contains(w.stdout, "restore") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if after, err := os.ReadFile(remembered); err != nil || string(after) != string(before) {
			t.Errorf("it remembers %s, %v", after, err)
		}
	})
}

// Where there is no spool, that is said: --dir may be misspelled.
func TestVerifyWithoutASpool(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(15)
		w.waitFor("2025-07-10")
		if w.run("verify", "--dir", "/none"); w.code != codeOK || w.stderr != "rotatelog: there is no spool of all_api in /none to hold the days against\n" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("verify", "--dir="); w.code != codeOK || w.stderr != "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestVerifyJSON(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.broken()
		w.run("verify", "7d", "--json", "--gap=24h")
		lines := strings.Split(strings.TrimSuffix(w.stdout, "\n"), "\n")
		if w.code != codeFinding || len(lines) != 2 {
			t.Fatalf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		var day struct {
			Stream, Day, Worst string
			MatchRecords       int `json:"match_records"`
			Findings           []struct {
				Code, Severity string
				Upload         int
			}
		}
		if err := json.Unmarshal([]byte(lines[0]), &day); err != nil {
			t.Fatal(err)
		}
		if day.Stream != "all_api" || day.Day != "2025-07-08" || day.Worst != "error" || day.MatchRecords != 25*45 ||
			len(day.Findings) == 0 || day.Findings[0].Code != "checksum" || day.Findings[0].Upload != 2 {
			t.Errorf("%s", lines[0])
		}
	})
}

func TestVerifyQuietly(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		if w.run("verify", "-q"); w.code != codeOK || w.stdout+w.stderr != "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.broken()
		if w.run("verify", "2d", "-q"); w.code != codeFinding || !strings.Contains(w.stdout, "checksum") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestVerifyUsage(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		for args, want := range map[string]string{
			"verify tomorrow":        `"tomorrow" names no day`,
			"verify --sample 7":      `"7" is no part: use 1/7`,
			"verify --sample 1/0":    `"1/0" is no part`,
			"verify --fail-on never": "--fail-on must be one of error, warning\n",
			"verify --gap 5":         "--gap",
			"verify --gap=-5m":       "--gap: it cannot be negative",
			"verify --against x":     `--against: "x" is not a URL`,
			"verify --count a..b":    `--count: "a..b" is not a path`,
		} {
			w.wantError(codeUsage, want, strings.Fields(args)...)
		}
	})
}
