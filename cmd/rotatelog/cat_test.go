package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCat(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(25)
		for _, test := range []struct {
			args        string
			lines       int
			first, last string // each is in that line
		}{
			{"cat today", 25, `"RAW_API_DATA":{"n":1}`, `"RAW_API_DATA":{"n":25}`},
			{"cat 2025-07-10 --upload 2", 10, `{"n":11}`, `{"n":20}`},
			{"cat today --upload=3", 5, `{"n":21}`, `{"n":25}`},
			{"cat today --at 10:05", 10, `{"n":1}`, `{"n":10}`},
			{"cat today --at=10:12", 10, `{"n":11}`, `{"n":20}`},
			{"cat today --at=10:12AM", 10, `{"n":11}`, `{"n":20}`},
			{"cat today --at=10:12:00am", 10, `{"n":11}`, `{"n":20}`},
			{"cat today --raw", 31, `{"daily_metadata":{"date":"2025-07-10"`, `]}`},
		} {
			w.run(strings.Fields(test.args)...)
			lines := strings.Split(strings.TrimSuffix(w.stdout, "\n"), "\n")
			if w.code != codeOK || w.stderr != "" || len(lines) != test.lines {
				t.Errorf("%s: exit code %d, %d lines, stderr %q", test.args, w.code, len(lines), w.stderr)
			} else if !strings.Contains(lines[0], test.first) || !strings.Contains(lines[len(lines)-1], test.last) {
				t.Errorf("%s: it begins with %s and ends with %s", test.args, lines[0], lines[len(lines)-1])
			}
		}
	})
}

func TestCatFailures(t *testing.T) {
	inWorld(t, "2025-07-09", func(w *world) {
		w.write(5)
		w.edit("2025-07-09", func(string) string { return "<html>503</html>" })
		w.waitFor("2025-07-10")
		w.write(5)
		for _, test := range []struct {
			code       int
			args, want string
		}{
			{codeFinding, "cat 2025-07-08", "there is no object of 2025-07-08 in file:///srv/store\n"},
			{codeFinding, "cat 2025-07-09", "; restore the day\nnext: rotatelog verify 2025-07-09\n"},
			{codeFinding, "cat today --upload 2", "2025-07-10 has no such upload: the last is 1, at 07/10/2025 10:05:00 AM EDT\n"},
			{codeFinding, "cat today --at 11:00", "2025-07-10 has no such upload: the last is 1"},
			{codeUsage, "cat", "DAY is missing\n"},
			{codeUsage, "cat 7d", "7d is not one day: use today, yesterday or 2025-07-10\n"},
			{codeUsage, "cat tomorrow", `"tomorrow" names no day`},
			{codeUsage, "cat today --at noon", `--at: "noon" is no time: use 15:45 or 3:45 PM`},
			{codeUsage, "cat today --raw --upload 1", "--raw and --upload exclude each other\n"},
			{codeUsage, "cat today --upload=-1", "--upload: there is no upload -1; the first is 1\n"},
			{codeUsage, "cat today --upload 0", "--upload: there is no upload 0; the first is 1\n"},
			{codeUsage, "cat today --name a,b", "there are several streams: say which with --name: a, b\n"},
			{codeUsage, "cat today --store s3://logs", "--store: s3://logs: it does not say at which server"},
			{codeUnreachable, "cat today --store file:///none", "rotatelog: the store cannot be opened: there is no directory /none: mount it, or make it with mkdir\n"},
		} {
			w.wantError(test.code, test.want, strings.Fields(test.args)...)
		}
	})
}

func TestInterrupted(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(5)
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		w.ctx = ctx
		w.wantError(codeInterrupted, "rotatelog: interrupted\n", "cat", "today")
	})
}

func TestSettingsOfTheFileAreUsed(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(5)
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte("ROTATELOG_STORE=file://"+w.store+"\nROTATELOG_ENCRYPT=maybe\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.environ = nil
		w.replace = strings.NewReplacer(file, "FILE")
		w.wantError(codeUsage, "--store is not set", "cat", "today")
		w.wantError(codeUsage, "rotatelog: ROTATELOG_ENCRYPT in FILE, line 2: --encrypt: bool value must be", "cat", "today", "--config", file)
		w.set("ROTATELOG_NAME", "all_api,merge")
		w.set("ROTATELOG_INSECURE_HTTP_MERGE", "maybe")
		w.wantError(codeUsage, "rotatelog: ROTATELOG_INSECURE_HTTP_MERGE in the environment: --insecure-http: bool value must be", "verify", "--config", file, "--encrypt=false")
		w.environ = nil
		if w.run("cat", "today", "--config", file, "--encrypt=false"); w.code != codeOK || strings.Count(w.stdout, "\n") != 5 {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}
