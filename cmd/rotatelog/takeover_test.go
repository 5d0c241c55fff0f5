package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Where Writers may share an object, a new directory only has to continue the numbers.
func TestTakeoverInADirectoryStore(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.want(codeOK, "takeover-nothing", "takeover")
		w.write(25)
		w.want(codeOK, "takeover-own", "takeover")
		w.dir = filepath.Join(t.TempDir(), "new")
		w.replace = strings.NewReplacer(w.dir, "/var/lib/new", w.store, "/srv/store")
		w.want(codeOK, "takeover-shared", "takeover", "--dir", w.dir)
		w.want(codeOK, "takeover-shared-applied", "takeover", "--dir", w.dir, "--apply")
		w.write(1)
		if w.run("cat", "today", "--upload", "4"); !strings.Contains(w.stdout, `"fetch_number":26`) {
			t.Errorf("the next fetch is %s", w.stdout)
		}
		if w.run("status", "--dir", w.dir, "--json"); w.code != codeOK || !strings.Contains(w.stdout, `"worst":"ok"`) {
			t.Errorf("exit code %d, something is wrong with a new spool: %s", w.code, w.stdout)
		}
	})
}

// A plan changes nothing on disk, also if the name is misspelled.
func TestTakeoverPlanLeavesNothing(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(5)
		fresh := filepath.Join(t.TempDir(), "new")
		for _, args := range [][]string{{"--name", "all_apj"}, {"--dir", fresh}} {
			before, _ := filepath.Glob(filepath.Join(w.dir, "*"))
			if w.run(append([]string{"takeover"}, args...)...); w.code != codeOK {
				t.Errorf("%q: exit code %d\n%s%s", args, w.code, w.stdout, w.stderr)
			}
			if after, _ := filepath.Glob(filepath.Join(w.dir, "*")); !slices.Equal(before, after) {
				t.Errorf("%q: there was %q, and now %q", args, before, after)
			}
		}
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("a plan has made %s", fresh)
		}
	})
}

func TestTakeoverOfABrokenDay(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(15)
		w.edit("2025-07-10", func(s string) string { return strings.Replace(s, `{"n":15}`, `{"n":16}`, 1) })
		w.wantError(codeFinding, "the day is broken", "takeover", "--dir", filepath.Join(t.TempDir(), "new"))
	})
}
