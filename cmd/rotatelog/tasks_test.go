package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests of this file type what docs/SETUP.md has an operator type.

func TestServerEachDayAndEachWeek(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		for range 7 {
			o.fetches(3)
			o.clock.Advance(24*time.Hour - 3*time.Minute)
		}
		o.fetches(1)
		o.types(codeOK, "rotatelog", "all_api  OK ", "\n  yesterday  complete ")
		o.types(codeOK, "rotatelog verify", "\n2025-07-16 Wed         3 ", "\n1 day, ", ": all good\n")
		o.types(codeOK, "rotatelog verify 7d", "\n2025-07-10 Thu         3 ", "\n7 days, ", ": all good\n")
		o.types(codeOK, "rotatelog report 7d", "\n2025-07-10 Thu           3 ", "\n7 days                  21        7             42 ")
	})
}

// An analyst has no more than a key, and no directory of the stream.
func TestServerIsReadByAnAnalyst(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		for range 2 {
			o.fetches(3)
			o.clock.Advance(24*time.Hour - 3*time.Minute)
		}
		o.fetches(1) // with which the day before is complete
		if err := os.RemoveAll(o.dir); err != nil {
			t.Fatal(err)
		}
		week := filepath.Join(t.TempDir(), "week")
		command := "rotatelog export 7d --each RAW_API_DATA.live_matches.results --dir= --out " + week + "/"
		o.types(codeOK, command, "\n2025-07-10 Thu         3              6 ", "\n2025-07-11 Fri         3              6 ", ": 2 written, 5 without an object\n")
		o.types(codeOK, command, ": 2 were there, 5 without an object\n")
		files, err := filepath.Glob(week + "/day=2025-07-1*/all_api.ndjson")
		if err != nil || len(files) != 2 {
			t.Errorf("there are %q, %v", files, err)
		}
	})
}

// The key is refused at 3 AM.
func TestServerRefusesTheKey(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.fetches(10)
		o.settings("AKIDGONE")
		o.fetches(17)
		o.types(codeFinding, "rotatelog", "all_api  ERROR upload_refused ", "  The store refuses the key: 403 InvalidAccessKeyId, since ", "  Nothing is lost: 1 batch (10 fetches, ",
			"\n  1. put a new key into", o.file, "\n  2. rotatelog doctor\n")
		o.types(codeFinding, "rotatelog doctor", "the server does not know the access key")
		o.settings(o.accessKey)
		o.types(codeOK, "rotatelog doctor", "\nA Writer works here. ", "\n1 batch waits on disk, and goes up with the next fetch, or now:\n")
		o.fetches(1)
		o.types(codeOK, "rotatelog", "all_api  OK ", "\n  waiting    nothing ", "  2 uploads, 20 fetches, 40 match records today\n")
	})
}

func TestServerHasABrokenDay(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.fetches(10)
		o.clock.Advance(24 * time.Hour)
		o.fetches(1)
		o.bucket.edit(july10, `{"fetch":5}`, `{"fetch":6}`)
		o.types(codeFinding, "rotatelog verify", "\n  ERROR    checksum  upload 1: it was changed ", "\nnext: rotatelog restore 2025-07-10\n")
		o.types(codeOK, "rotatelog restore 2025-07-10", "\nNothing was changed. To do it: rotatelog restore 2025-07-10 --apply\n")
		o.types(codeOK, "rotatelog restore 2025-07-10 --apply")
		o.types(codeOK, "rotatelog verify", ": all good\n")
		o.types(codeOK, "rotatelog cat 2025-07-10", `{"fetch":5}`)
	})
}

func TestServerOfALostMachine(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.fetches(11) // the last one is not uploaded
		old := o.dir
		o.dir = filepath.Join(t.TempDir(), "rotatelog")
		if err := os.Mkdir(o.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		o.settings(o.accessKey)
		o.types(codeOK, "rotatelog takeover", "Nothing was changed. ", "rotatelog takeover --apply\n")
		o.types(codeOK, "rotatelog takeover --apply", "\nnext: start what appends here, then rotatelog verify today\n")
		o.fetches(10)
		o.types(codeOK, "rotatelog verify today", ": all good\n")
		o.types(codeOK, "rotatelog restore today --source "+old, "Nothing was changed. ")
		o.types(codeOK, "rotatelog restore today --source "+old+" --apply")
		o.types(codeOK, "rotatelog verify today", ": all good\n")
		o.types(codeOK, "rotatelog cat today")
		if n := strings.Count(o.stdout, "\n"); n != o.n || strings.Count(o.stdout, `{"fetch":11}`) != 1 {
			t.Errorf("there are %d fetches, want %d:\n%s", n, o.n, o.stdout)
		}
	})
}
