package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// With --once a fetch that comes again, white space aside, is not stored again: alone, among
// others, and from a daily document.
func TestOnce(t *testing.T) {
	b := newBench(t)
	b.wantOne(numbered(5), "#1: 5 matches, 1 of 10; today 5", "--once")
	b.wantOne("\n"+strings.ReplaceAll(numbered(5), `":`, `" : `), "#1: already there, not stored again", "--once")
	b.in = strings.NewReader(numbered(5) + numbered(6) + numbered(6) + numbered(7))
	const want = `07/10/2025 12:47:03 PM EDT all_api #1: already there, not stored again
07/10/2025 12:47:03 PM EDT all_api #2: 6 matches, 2 of 10; today 11
07/10/2025 12:47:03 PM EDT all_api #2: already there, not stored again
07/10/2025 12:47:03 PM EDT all_api #3: 7 matches, 3 of 10; today 18
2 fetches with 13 match records appended, 2 already there
`
	if code, stdout, stderr := b.append("--once"); code != codeOK || stdout != want || stderr != "" {
		t.Errorf("code %d, stdout %q, want %q, stderr %q", code, stdout, want, stderr)
	}
	b.in = strings.NewReader(fmt.Sprintf(`{"daily_metadata":{"date":"2025-07-10"},"uploads":[{"fetch_data":[%s,%s]}]}`, numbered(7), numbered(8)))
	const document = "standard input is a daily document of 2025-07-10: its 2 fetches were appended one by one, but for 1 that were there already"
	if code, stdout, stderr := b.append("--once"); code != codeOK || !strings.Contains(stdout, document) {
		t.Errorf("a document: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	b.wantNumbers("[] [5 6 7 8]")
	b.wantOne(numbered(5), "#5: 5 matches, 5 of 10; today 31")
	b.set("ROTATELOG_ONCE", "true")
	b.wantOne(numbered(5), "#1: already there, not stored again")
}

// An answer is compared, not the envelope that it would get.
func TestOnceWithEnvelope(t *testing.T) {
	b := newBench(t)
	const count = "--count=RAW_API_DATA.results"
	b.wantOne(`{"results":[1]}`, "#1: 1 match, 1 of 10; today 1", "--once", "--envelope", count)
	b.wantOne(`{"results": [1]}`, "#1: already there, not stored again", "--once", "--envelope", count)
	b.wantOne(`{"results":[2]}`, "#2: 1 match, 2 of 10; today 2", "--once", "--envelope", count)
	b.wantOne(`{"results":[1]}`, "#3: 1 match, 3 of 10; today 3", "--envelope", count)
	if code, stdout, _ := b.one("{", "--once", "--envelope"); code != codeFinding || stdout != "" {
		t.Errorf("half an answer: code %d, stdout %q", code, stdout)
	}
}

// Of processes that bring each of some fetches three times at once, each fetch is stored
// once, and all end well.
func TestOnceInOverlappingProcesses(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for i := range 36 {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "append", "--one", "--once", "--replay", "--wait", "5m",
				"--dir", b.path("work"), "--store", "file://"+b.path("store"))
			cmd.Env = []string{"ROTATELOG_TEST_PROCESS=run", "HOME=" + b.dir}
			cmd.Stdin = strings.NewReader(numbered(i % 12))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), " all_api 2025-07-10 #") {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
		})
	}
	all.Wait()
	stored := map[int]int{}
	for _, u := range append(b.uploads(), numbers(t, b.unfinished())) {
		for _, n := range u {
			stored[n]++
		}
	}
	for n := range 12 {
		if stored[n] != 1 {
			t.Errorf("fetch %d is stored %d times", n, stored[n])
		}
	}
}
