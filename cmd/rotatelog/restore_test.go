package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog/internal/settings"
)

const july8 = "all_api_rotating_logs/all_api_json_log_2025-07-08.json"

// loseUploaded removes what the spool keeps of confirmed batches.
func (w *world) loseUploaded() {
	w.t.Helper()
	for _, name := range []string{"uploaded", "body"} {
		found, err := filepath.Glob(filepath.Join(w.dir, "all_api.spool", name+"*"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, file := range found {
			if err := os.RemoveAll(file); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// copyTo copies a directory into a new one.
func (w *world) copyTo(shown, from string) (dir string) {
	w.t.Helper()
	dir = filepath.Join(longDir(w.t), "copy")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		w.t.Fatal(err)
	}
	w.shows = append(w.shows, dir, shown)
	w.replace = strings.NewReplacer(w.shows...)
	return dir
}

func (w *world) read(key string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.store, key))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// A broken day, as it is mended: verify says what to type, restore too.
func TestRestoreFromTheSpool(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		good := w.read(july8)
		w.broken()
		before := w.contents()
		w.want(codeOK, "restore-plan", "restore", "2025-07-08")
		if after := w.contents(); after != before {
			t.Errorf("a plan has changed the store from\n%s\nto\n%s", before, after)
		}
		bad := w.read(july8)
		w.want(codeOK, "restore-applied", "restore", "2025-07-08", "--apply")
		if got := w.read(july8); got != good {
			t.Errorf("the day is\n%s\nwant\n%s", got, good)
		}
		kept, err := filepath.Glob(filepath.Join(w.store, "all_api_rotating_logs/damaged/*"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("kept %q, %v", kept, err)
		}
		if text, err := os.ReadFile(kept[0]); err != nil || string(text) != bad {
			t.Errorf("what was there is kept as %s, %v", text, err)
		}
		w.want(codeOK, "restore-nothing", "restore", "2025-07-08")
		w.run("restore", "2025-07-08", "--apply")
		if w.code != codeOK || !strings.HasSuffix(w.stdout, "Nothing to do: the day is whole.\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// Before the first upload there is nothing to restore, and what there is waits on disk.
func TestBeforeTheFirstUpload(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.stdin = `{"n":1} {"n":2} {"n":3}`
		if w.run("append", "--no-upload"); w.code != codeOK {
			t.Fatal(w.stdout, w.stderr)
		}
		const waits = "nothing of 2025-07-10 was uploaded yet: 3 fetches wait on disk\nnext: rotatelog upload --partial\n"
		w.want(codeFinding, "restore-before-upload", "restore", "today")
		if w.run("restore", "today", "--apply"); w.code != codeFinding || !strings.HasSuffix(w.stdout, "\nnext: rotatelog upload --partial\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.wantError(codeFinding, "there is no object of 2025-07-10 in file:///srv/store: "+waits, "cat", "today")
		w.want(codeFinding, "verify-before-upload", "verify", "today")
		if w.run("upload", "--partial"); w.code != codeOK {
			t.Fatal(w.stdout, w.stderr)
		}
		if w.run("restore", "today"); w.code != codeOK || !strings.HasSuffix(w.stdout, "Nothing to do: the day is whole.\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// What has been uploaded is not said to wait, whatever became of the object.
func TestAfterTheObjectIsGone(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.write(12)
		if err := os.Remove(filepath.Join(w.store, july10)); err != nil {
			t.Fatal(err)
		}
		w.stdin = `{"n":13}`
		if w.run("append", "--no-upload"); w.code != codeOK {
			t.Fatal(w.stdout, w.stderr)
		}
		for _, command := range []string{"restore today", "cat today", "verify today"} {
			if w.run(strings.Fields(command)...); strings.Contains(w.stdout+w.stderr, "uploaded yet") {
				t.Errorf("%s says\n%s%s", command, w.stdout, w.stderr)
			}
		}
	})
}

func TestRestoreFromOtherSources(t *testing.T) {
	for name, source := range map[string]func(w *world) (args []string){
		"mirror": func(w *world) []string { return []string{"--mirror", "file://" + w.copyTo("/srv/mirror", w.store)} },
		"store":  func(w *world) []string { return []string{"--source", "file://" + w.copyTo("/srv/copy", w.store)} },
		"spool":  func(w *world) []string { return []string{"--source", w.copyTo("/mnt/old/rotatelog", w.dir)} },
		"file":   func(w *world) []string { return []string{"--source", filepath.Join(w.copyTo("/root", w.store), july8)} },
		"folder": func(w *world) []string {
			return []string{"--source", filepath.Join(w.copyTo("/root", w.store), filepath.Dir(july8))}
		},
		"export": func(w *world) []string { return []string{"--source", w.copyTo("/root/export", w.store)} },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-08", func(w *world) {
				w.days()
				good := w.read(july8)
				args := append([]string{"restore", "2025-07-08"}, source(w)...)
				w.broken()
				w.loseUploaded()
				w.want(codeOK, "restore-from-"+name, args...)
				if w.run(append(args, "--apply")...); w.code != codeOK || w.read(july8) != good {
					t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
				}
			})
		})
	}
}

func TestRestoreOfWhatNothingHas(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		w.broken()
		w.loseUploaded()
		w.want(codeFinding, "restore-missing", "restore", "2025-07-08")
		w.want(codeFinding, "restore-missing-applied", "restore", "2025-07-08", "--apply")
		w.want(codeFinding, "restore-missing-again", "restore", "2025-07-08")
		w.want(codeFinding, "restore-no-object", "restore", "2025-07-07")
		plan := w.stdout
		if w.run("restore", "2025-07-07", "--apply"); w.code != codeFinding || w.stdout != plan {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestRehearsal(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		good := w.read(july8)
		w.broken()
		elsewhere := longDir(t)
		w.replace = strings.NewReplacer(append(w.shows, elsewhere, "/tmp/rehearsal")...)
		before := w.contents()
		w.want(codeOK, "restore-rehearsal", "restore", "2025-07-08", "--to", "file://"+elsewhere)
		w.want(codeOK, "restore-rehearsed", "restore", "2025-07-08", "--to", "file://"+elsewhere, "--apply")
		if text, err := os.ReadFile(filepath.Join(elsewhere, july8)); err != nil || string(text) != good {
			t.Errorf("it has built %s, %v", text, err)
		}
		if after := w.contents(); after != before {
			t.Errorf("it has changed the store from\n%s\nto\n%s", before, after)
		}
	})
}

// A rehearsal in the store of the stream would put the unfinished batch into the day, where
// it would be twice once the Writer has uploaded it.
func TestRehearsalInTheStoreItselfIsRefused(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.stdin = `{"n":1}`
		if w.run("append", "--flush"); w.code != codeOK {
			t.Fatal(w.stderr)
		}
		if w.run("append"); w.code != codeOK {
			t.Fatal(w.stderr)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(w.store, link); err != nil {
			t.Fatal(err)
		}
		before := w.contents()
		for _, to := range []string{w.store, w.store + "/.", link} {
			for _, more := range [][]string{nil, {"--apply"}} {
				w.wantError(codeUsage, "--to is the store of all_api itself", append([]string{"restore", "today", "--to", "file://" + to}, more...)...)
			}
			w.wantError(codeUsage, "--to is the mirror of all_api", "restore", "today", "--to", "file://"+to, "--mirror", "file://"+w.store, "--store", "file://"+t.TempDir())
		}
		if after := w.contents(); after != before {
			t.Errorf("the store has changed from\n%s\nto\n%s", before, after)
		}
	})
}

func TestRestoreFailures(t *testing.T) {
	inWorld(t, "2025-07-08", func(w *world) {
		w.days()
		empty := longDir(t)
		w.replace = strings.NewReplacer(append(w.shows, empty, "/empty")...)
		for _, test := range []struct {
			code       int
			args, want string
		}{
			{codeUsage, "restore", "DAY is missing\n"},
			{codeUsage, "restore 7d", "7d is not one day"},
			{codeUsage, "restore today --name a,b", "there are several streams: say which with --name: a, b"},
			{codeUsage, "restore today --dir=", "--dir is not set"},
			{codeFinding, "restore today --dir " + empty, "there is no spool of all_api in /empty: stat /empty/all_api.spool: no such file or directory\nnext: on a new machine, rotatelog takeover --dir=/empty\n"},
			{codeUsage, "restore today --source /none", "--source: stat /none: no such file"},
			{codeUsage, "restore today --source " + empty, "--source /empty: there is neither all_api.spool nor a daily object of all_api in it"},
			{codeUsage, "restore today --source s3://logs", "--source: s3://logs: it does not say at which server"},
			{codeUsage, "restore today --to x", `--to: "x" is not a URL`},
			{codeUnreachable, "restore today --to file:///none", "the store cannot be opened: there is no directory /none: mount it, or make it with mkdir\n"},
			{codeUnreachable, "restore today --mirror file:///none", "the store cannot be opened: there is no directory /none: mount it, or make it with mkdir\n"},
		} {
			w.wantError(test.code, test.want, strings.Fields(test.args)...)
		}
	})
}

func TestCommandsCanBePasted(t *testing.T) {
	got := typed([]string{"restore", "2025-07-08", "--source", "/mnt/old disk", "--count", "it's", "--store=s3://b?x=y&z"})
	want := `rotatelog restore 2025-07-08 --source '/mnt/old disk' --count 'it'\''s' '--store=s3://b?x=y&z'`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if typed := (&stream{Name: "merge", app: &app{settings: &settings.Settings{}, typedSettings: []string{"--dir=/x"}}}).typed("verify", "today"); typed != "rotatelog verify today --name=merge --dir=/x" {
		t.Error(typed)
	}
}
