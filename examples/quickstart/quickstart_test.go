package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/depth"
)

var update = flag.Bool("update", false, "rewrite testdata/output.txt")

// quickstart runs the program with the folder dir.
func quickstart(t *testing.T, dir string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), cli.Env{Args: []string{"-dir", dir}, Stdout: &out, Stderr: &errs})
	if code != cli.OK || errs.Len() > 0 {
		t.Fatalf("code %d, stdout:\n%sstderr: %s", code, &out, &errs)
	}
	return out.String()
}

// byMinute sorts the lines of each minute, since the order of two days that are
// uploaded at the same time is not fixed.
func byMinute(out string) string {
	lines := strings.SplitAfter(out, "\n")
	minute := regexp.MustCompile(`^\d\d:\d\d `)
	for begin, end := 0, 0; begin < len(lines); begin = end {
		at := minute.FindString(lines[begin])
		for end = begin + 1; end < len(lines) && at != "" && minute.FindString(lines[end]) == at; {
			end++
		}
		slices.Sort(lines[begin:end])
	}
	return strings.Join(lines, "")
}

// Each run prints the same.
func TestOutputIsTheSameEachRun(t *testing.T) {
	const golden = "testdata/output.txt"
	for range 3 {
		dir := filepath.Join(t.TempDir(), "show")
		got := strings.ReplaceAll(quickstart(t, dir), dir, "show")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(byMinute(string(want)), byMinute(got)); diff != "" {
			t.Fatalf("rewrite %s with -update if this is meant:\n%s", golden, diff)
		}
	}
}

func TestNewFolderEachTime(t *testing.T) {
	depth.SkipInShort(t)
	dir := filepath.Join(t.TempDir(), "it's here")
	for _, suffix := range []string{"", "-2", "-3"} {
		if out := quickstart(t, dir); !strings.HasPrefix(out, "In the folder "+dir+suffix+", ") {
			t.Errorf("it does not name the folder %s: %s", dir+suffix, out)
		}
		for _, name := range []string{"all_api.json", "all_api.spool/pending", "store", "fetches.ndjson"} {
			if _, err := os.Stat(filepath.Join(dir+suffix, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

// The command that it prints makes the same days in another folder.
func TestPrintedReplayCommandWorks(t *testing.T) {
	depth.SkipInShort(t)
	dir := filepath.Join(t.TempDir(), "it's here")
	out := quickstart(t, dir)
	command := regexp.MustCompile(`(?m)^  (go run \./cmd/rotatelog append .*)$`).FindStringSubmatch(out)
	if command == nil {
		t.Fatalf("no command in:\n%s", out)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", command[1])
	sh.Dir, sh.Env = "../..", depth.Environ()
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[1], err, out)
	}
	first, again := found(t, dir), found(t, filepath.Join(dir, "replayed"))
	if len(first.days) != 2 {
		t.Errorf("%d days, want 2", len(first.days))
	}
	if diff := cmp.Diff(first, again, cmp.AllowUnexported(kept{}, dayFile{})); diff != "" {
		t.Errorf("the replay differs: %s", diff)
	}
}

func found(t *testing.T, dir string) *kept {
	t.Helper()
	k, err := readBack(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The check at the end finds what is wrong.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	store, err := startService()
	if err != nil {
		t.Fatal(err)
	}
	defer store.stop()
	s, err := newShow(new(bytes.Buffer), dir, store)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.save(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := found(t, dir).check(all); err != nil {
		t.Fatalf("with nothing wrong: %v", err)
	}
	for name, spoil := range map[string]func(*kept){
		"a fetch is lost":          func(k *kept) { k.days[0].Uploads[0].Fetches = k.days[0].Uploads[0].Fetches[1:] },
		"a fetch is there twice":   func(k *kept) { f := &k.days[1].Uploads[1].Fetches; *f = append(*f, (*f)[9]) },
		"an upload is lost":        func(k *kept) { k.days[1].Uploads = k.days[1].Uploads[:2] },
		"an upload is there twice": func(k *kept) { u := &k.days[1].Uploads; *u = append(*u, (*u)[2]) },
		"uploads change places":    func(k *kept) { slices.Reverse(k.days[1].Uploads) },
		"a day is lost":            func(k *kept) { k.days = k.days[1:] },
		"a day is another":         func(k *kept) { k.days[0].Metadata.Date = rotatelog.Day{Year: 2025, Month: 7, Date: 9} },
		"a total is wrong":         func(k *kept) { k.days[0].Metadata.Matches++ },
		"the local file is empty":  func(k *kept) { k.unfinished = nil },
		"a local fetch is twice":   func(k *kept) { k.unfinished = append(k.unfinished, k.unfinished[0]) },
		"a local one is uploaded":  func(k *kept) { k.unfinished[0] = k.days[1].Uploads[0].Fetches[0] },
		"a fetch has changed": func(k *kept) {
			f := &k.days[0].Uploads[0].Fetches[3]
			*f = json.RawMessage(strings.Replace(string(*f), `"draw":3.40`, `"draw":3.4`, 1))
		},
	} {
		k := found(t, dir)
		spoil(k)
		if err := k.check(all); err == nil {
			t.Errorf("not noticed: %s", name)
		}
	}
}

func TestUnusableFolderIsAnError(t *testing.T) {
	var out, errs bytes.Buffer
	dir := filepath.Join(t.TempDir(), "no", "such", "folder")
	code := run(t.Context(), cli.Env{Args: []string{"-dir", dir}, Stdout: &out, Stderr: &errs})
	if code != cli.Failure || out.Len() > 0 || !strings.HasPrefix(errs.String(), "quickstart: ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, &out, &errs)
	}
}

func TestUsage(t *testing.T) {
	for arg, want := range map[string]int{"-h": cli.OK, "-nope": cli.Usage, "folder": cli.Usage} {
		var out, errs bytes.Buffer
		code := run(t.Context(), cli.Env{Args: []string{arg}, Stdout: &out, Stderr: &errs})
		if code != want || strings.HasPrefix(out.String(), "Usage: quickstart ") != (want == cli.OK) ||
			strings.HasSuffix(errs.String(), "\nrun with -h for help\n") != (want == cli.Usage) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", arg, code, &out, &errs)
		}
	}
}

func TestFeedIsRealistic(t *testing.T) {
	feed := newLiveFeed()
	seen := map[string]bool{} // statuses and ids
	for minute := range fetches {
		f, err := feed.fetch(minute)
		if err != nil {
			t.Fatal(err)
		}
		var a answer
		if err := json.Unmarshal(f.Data, &a); err != nil {
			t.Fatal(err)
		}
		inPlay := 0
		for _, m := range a.LiveMatches {
			seen[statusNames[m.Status]] = true
			if m.Status == firstHalf || m.Status == secondHalf {
				inPlay++
			}
			if m.Score[0]+m.Score[1] != len(m.Details.Incidents) {
				t.Errorf("minute %d: %v after %d goals", minute, m.Score, len(m.Details.Incidents))
			}
		}
		if f.TotalMatches != int64(len(a.LiveMatches)) || f.MatchesInPlay != int64(inPlay) || seen[f.ID] {
			t.Errorf("minute %d: %d matches, %d in play, id %s; its footer says %d and %d",
				minute, len(a.LiveMatches), inPlay, f.ID, f.TotalMatches, f.MatchesInPlay)
		}
		seen[f.ID] = true
	}
	for _, status := range statusNames {
		if !seen[status] {
			t.Errorf("no match had the status %q", status)
		}
	}
}
