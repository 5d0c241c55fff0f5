package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// What is asked for, and of whom, can be wrong already when the store is asked first. Then
// nothing of it is known, which is said of each stream, and no finding is taken for over.
func TestServeFactsOfSettingsThatFailAtOnce(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	s.set("ROTATELOG_NAME", "all_api,merge")
	a, err := newApp(env{Args: []string{"serve"}, Environ: s.environ, Stdout: io.Discard, Stderr: io.Discard, Clock: s.clock,
		Started: func() time.Time { return time.Time{} }, DiskOf: diskOf, Width: 80})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.parse(); err != nil {
		t.Fatal(err)
	}
	streams, err := a.streams()
	if err != nil {
		t.Fatal(err)
	}
	f := newServeFacts(a, streams)
	if _, err := f.newPage(""); err != nil {
		t.Fatal(err)
	}
	dir := f.streams[1].Dir
	f.streams[1].Dir = ""
	f.ask(t.Context(), true)
	for _, name := range []string{"all_api", "merge"} {
		if unknown := f.unknown(name); len(unknown) != 1 || !strings.HasPrefix(unknown[0], "the settings: ") {
			t.Errorf("%s: %q is not known", name, unknown)
		}
		if blind := f.blindTo(name); !slices.Contains(blind, health.DayMissing) || !slices.Contains(blind, health.Clock) {
			t.Errorf("%s: only %v cannot be looked for", name, blind)
		}
	}
	f.streams[1].Dir = dir
	f.ask(t.Context(), true)
	if unknown := f.unknown("all_api"); len(unknown) > 0 {
		t.Errorf("with good settings: %q is not known", unknown)
	}
}

// A day without an object stays so when only the last days are asked for, until it has one;
// and one whose object is gone is not in the store any more.
func TestServeFactsAreMerged(t *testing.T) {
	today := rotatelog.Day{Year: 2025, Month: 7, Date: 10}
	day := func(ago int) rotatelog.Day { return daysBefore(today, ago) }
	object := func(ago int) rotatelog.DayMetadata {
		return rotatelog.DayMetadata{Totals: rotatelog.Totals{Day: day(ago)}}
	}
	gone := []rotatelog.Day{day(2)}
	objects := merged([]rotatelog.DayMetadata{object(1), object(20)}, []rotatelog.DayMetadata{object(1), object(2), object(15), object(70)}, today, gone)
	var have []rotatelog.Day
	for _, d := range objects {
		have = append(have, d.Totals.Day)
	}
	if want := []rotatelog.Day{day(1), day(20), day(15)}; !slices.Equal(have, want) {
		t.Errorf("%v, want %v", have, want)
	}
	none := without(gone, []rotatelog.Day{day(2), day(12), day(20), day(70)}, objects, today)
	if want := []rotatelog.Day{day(2), day(12)}; !slices.Equal(none, want) {
		t.Errorf("without: %v, want %v", none, want)
	}
}

// After a replay on the first day, status knows of yesterday what the page knows; and the
// days between those that have an object are missing on its calendar.
func TestServeAfterAReplay(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		for _, day := range []string{"06/30", "07/09", "07/10"} {
			w.stdin = strings.ReplaceAll(numbered(1), "07/10", day)
			if w.run("append", "--one", "--replay", "--flush"); w.code != codeOK {
				t.Fatalf("exit code %d, %s", w.code, w.stderr)
			}
		}
		w.touch()
		r := w.serve("--every=24h")
		defer r.end()
		time.Sleep(2 * time.Second)
		_, page := r.get("/", nil)
		_, status := r.get("/api/v1/status", nil)
		if w.run("status", "--json", "--every=24h"); w.stable(status) != w.stdout || !strings.Contains(status, `"yesterday":"complete"`) {
			t.Errorf("the page says\n%s, and status\n%s", status, w.stdout)
		}
		if w.run("status", "--every=24h"); !strings.Contains(w.stdout, "\n  yesterday  complete    1 fetch, 1 upload") {
			t.Errorf("%s", w.stdout)
		}
		if n := strings.Count(page, `class="missing"`); n != 8 { // July 1 to 8
			t.Errorf("%d days are missing", n)
		}
		if !strings.Contains(page, "1, 06/30</th>") || !strings.Contains(page, "1, 07/09</th>") {
			t.Error("the uploads do not say of which day they are")
		}
		if err := os.Remove(w.object("2025-07-09")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if _, page = r.get("/", nil); strings.Count(page, `class="missing"`) != 9 {
			t.Errorf("%d days are missing, once yesterday's object is", strings.Count(page, `class="missing"`))
		}
	})
}
