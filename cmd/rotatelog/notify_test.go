package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/alert"
	"example.com/rotatelog/internal/vfs"
)

// ear is a network on which all servers listen.
type ear struct {
	mu    sync.Mutex
	heard []string // host, and what
	text  []string
	code  int
}

// RoundTrip implements [http.RoundTripper].
func (e *ear) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	what := "heartbeat"
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var m alert.Message
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, err
		}
		_, what, _ = strings.Cut(m.Title(), ": ")
		e.text = append(e.text, m.Text)
	}
	e.heard = append(e.heard, r.URL.Host+" "+what)
	code := e.code
	if code == 0 {
		code = 200
	}
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// want checks what was heard since it was last asked.
func (e *ear) want(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(want) // servers are told at once
	slices.Sort(e.heard)
	if diff := cmp.Diff(want, e.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	e.heard = nil
}

// listening lets a world's commands talk to an ear, with a mail, a page and a heartbeat.
func (w *world) listening() *ear {
	e := &ear{}
	w.env = func(env *env) { env.Clock, env.Transport = systemClock{}, e }
	w.set("ROTATELOG_NOTIFY", "webhook:https://mail.example/SECRET")
	w.set("ROTATELOG_PAGE", "webhook:https://page.example/SECRET")
	w.set("ROTATELOG_HEARTBEAT", "https://alive.example/SECRET")
	return e
}

// notify runs the command as cron does, each five minutes, and wants that it prints nothing.
func (w *world) notify(times int) {
	w.t.Helper()
	for range times {
		if w.run("status", "--notify", "--quiet"); w.code != codeOK || w.stdout+w.stderr != "" {
			w.t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		time.Sleep(5 * time.Minute)
	}
}

// A stream that stops: mailed, then paged, and both hear that it is over. What was told is
// no reason for cron to send a mail as well.
func TestStatusNotifies(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_EVERY", "1m")
		w.set("ROTATELOG_EXPECT_UPLOAD", "24h")
		w.fetches(3, nil)
		w.notify(2) // 0 and 5 minutes after the last fetch
		e.want(t, "alive.example heartbeat", "alive.example heartbeat")
		w.notify(1)
		e.want(t, "mail.example ERROR append_stale: all_api", "alive.example heartbeat")
		w.notify(2)
		e.want(t, "page.example CRITICAL append_stale: all_api", "alive.example heartbeat", "alive.example heartbeat")
		for range 5 {
			w.fetches(1, nil)
			w.notify(1)
		}
		e.want(t, "alive.example heartbeat", "alive.example heartbeat",
			"mail.example RESOLVED append_stale: all_api", "page.example RESOLVED append_stale: all_api",
			"alive.example heartbeat", "alive.example heartbeat", "alive.example heartbeat")
	})
}

// Several streams are one message, with what to type, and the settings that were typed.
func TestStatusNotifiesOfSeveralStreams(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.set("ROTATELOG_NAME", "merge,all_api")
		w.fetches(25, refused())
		w.name, w.n = "merge", 0
		w.fetches(25, refused())
		w.name = ""
		w.fetches(1, refused())
		for range 2 {
			w.run("status", "--notify", "--prefix=x/")
			time.Sleep(time.Minute)
		}
		if len(e.text) != 1 || !strings.Contains(e.text[0], "ERROR upload_refused: merge, all_api\n") && !strings.Contains(e.text[0], "ERROR upload_refused: all_api, merge\n") ||
			!strings.Contains(e.text[0], "\n3. rotatelog doctor --name=all_api --prefix=x/") && !strings.Contains(e.text[0], "\n2. rotatelog doctor --name=all_api --prefix=x/") {
			t.Errorf("%q", e.text)
		}
		if !strings.Contains(w.stdout, "\ntold webhook mail.example: rotatelog ") || w.code != codeOK || strings.Contains(w.stdout+w.stderr, "SECRET") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		names, err := filepath.Glob(w.dir + "/*.spool/alerts.json")
		if err != nil || len(names) != 1 {
			t.Errorf("%q, %v", names, err)
		}
	})
}

// At eight there is a line about each stream, which says what verify has found.
func TestStatusSaysGoodMorning(t *testing.T) {
	for name, test := range map[string]struct {
		before, after string // verify: what is changed in the object
		want          string
	}{
		"good":          {"", "", ", 1 gap of 13 h at 10:19 AM. Verified. Disk more than 90 d."},
		"damaged":       {`"fetch_number":4`, "", ". Verified, with 1 error: rotatelog verify 2025-07-09. Disk more than 90 d."},
		"changed later": {"", `"fetch_number":4`, ". Not verified since it was changed. Disk more than 90 d."},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, "2025-07-09", func(w *world) {
				e := w.listening()
				w.set("ROTATELOG_EXPECT", "10:00-11:00")
				w.fetches(20, nil)
				w.notify(1)
				change := func(what string) {
					if what != "" {
						w.edit("2025-07-09", func(text string) string { return strings.Replace(text, what, what+"4", 1) })
					}
				}
				change(test.before)
				w.waitUntil("2025-07-10 03:30:00")
				w.run("verify")
				change(test.after)
				w.waitUntil("2025-07-10 08:00:00")
				w.run("status", "--notify", "--quiet")
				e.want(t, "alive.example heartbeat", "mail.example good morning", "alive.example heartbeat")
				if len(e.text) != 1 || !strings.Contains(e.text[0], "all_api Wed 07/09: complete. 20 fetches, ") || !strings.HasSuffix(e.text[0], test.want) {
					t.Errorf("%q", e.text)
				}
			})
		})
	}
}

// A message that could not be sent is what the exit code says, and no URL is printed.
func TestStatusCannotNotify(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		e.code = 500
		w.set("ROTATELOG_EXPECT_UPLOAD", "24h")
		w.fetches(3, nil)
		time.Sleep(20 * time.Minute)
		if w.run("status", "--notify", "-q"); w.code != codeFinding || !strings.Contains(w.stderr, "rotatelog: heartbeat alive.example: it answers 500 Internal Server Error\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		time.Sleep(5 * time.Minute)
		if w.run("status", "--notify", "-q"); w.code != codeFinding || !strings.Contains(w.stderr, "rotatelog: webhook page.example: it answers 500 Internal Server Error; it is tried again\n") ||
			!strings.Contains(w.stdout, "could not tell webhook page.example: ") || strings.Contains(w.stdout+w.stderr, "SECRET") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if w.run("status", "--notify", "--json"); !strings.HasPrefix(w.stdout, "{") || strings.Contains(w.stdout, "tell") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// The spool is not there, as when its disk is not mounted: the exit code says it, and no
// heartbeat is made, so that somebody hears of it.
func TestStatusNotifiesWithoutASpool(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		for range 3 {
			if w.run("status", "--notify"); w.code != codeFinding || !strings.Contains(w.stderr, "remember alerts in /var/lib/rotatelog/all_api.spool/alerts.json") {
				t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
			}
			time.Sleep(5 * time.Minute)
		}
		e.want(t)
	})
}

// What cannot be seen is told, and what was found before is not over.
func TestStatusNotifiesOfWhatItCannotSee(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.fetches(3, nil)
		if err := os.WriteFile(filepath.Join(w.dir, "all_api.spool/state.append.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.notify(2)
		e.want(t, "alive.example heartbeat", "mail.example ERROR not_seen: all_api", "alive.example heartbeat")
		if !strings.Contains(e.text[0], "\nNot all can be seen: read "+w.dir+"/all_api.spool/state.append.json") {
			t.Errorf("%q", e.text)
		}
		w.run("help", "not_seen")
		if w.code != codeOK || !strings.Contains(w.stdout, "1. ") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

// One that evaluates is enough.
func TestStatusBesideAnEvaluator(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.fetches(3, nil)
		fsys, err := vfs.Dir(filepath.Join(w.dir, "all_api.spool"))
		if err != nil {
			t.Fatal(err)
		}
		defer fsys.Close()
		lock, err := fsys.Lock("alerts.lock")
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		w.notify(1)
		e.want(t)
	})
}

// Where nobody is told of errors, the exit code says what is wrong.
func TestStatusWithoutNotify(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := &ear{}
		w.env = func(env *env) { env.Clock, env.Transport = systemClock{}, e }
		w.set("ROTATELOG_HEARTBEAT", "https://alive.example/SECRET")
		w.fetches(3, nil)
		w.notify(1)
		time.Sleep(time.Hour)
		if w.run("status", "--notify"); w.code != codeFinding || !strings.HasPrefix(w.stdout, "all_api  CRITICAL append_stale") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		e.want(t, "alive.example heartbeat", "alive.example heartbeat")
		w.set("ROTATELOG_PAGE", "webhook:https://page.example/SECRET")
		time.Sleep(5 * time.Minute)
		if w.run("status", "--notify", "--quiet"); w.code != codeFinding || w.stdout == "" {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		e.want(t, "alive.example heartbeat", "page.example CRITICAL append_stale: all_api")
	})
}

// What has the name of a file of the command, and is none, keeps nobody waiting.
func TestStatusOfOddFiles(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		w.write(10)
		w.fetches(3, nil)
		w.notify(1)
		place := func(name string, place func(path string) error) string {
			path := filepath.Join(w.dir, "all_api.spool", name)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := place(path); err != nil {
				t.Fatal(err)
			}
			return path
		}
		pipe := func(path string) error { return syscall.Mkfifo(path, 0o600) }
		for _, name := range []string{"alerts.json", "alerts.json.new", "verified.json"} {
			path := place(name, pipe)
			time.Sleep(5 * time.Minute)
			if w.run("status", "--notify"); strings.Contains(w.stderr, "make room") || name == "alerts.json" && !strings.Contains(w.stderr, "begins anew") {
				t.Errorf("a pipe %s: exit code %d\n%s%s", name, w.code, w.stdout, w.stderr)
			}
			if info, err := os.Lstat(path); name == "alerts.json" && (err != nil || !info.Mode().IsRegular()) {
				t.Errorf("it leaves %v, %v", info, err)
			}
		}
		place("verified.json.new", pipe)
		if w.run("verify", "today"); !strings.Contains(w.stderr, "verified.json.new: it is no regular file: ") || !strings.Contains(w.stderr, "; move it away") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		place("alerts.json", func(path string) error { return os.Mkdir(path, 0o700) })
		time.Sleep(5 * time.Minute)
		if w.run("status", "--notify"); w.code != codeFinding || !strings.Contains(w.stderr, "; move away what has the name of the file and is none") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		e.heard = nil
	})
}

func TestStatusTestsReceivers(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := w.listening()
		if w.run("status", "--notify", "--test"); w.code != codeOK || strings.Count(w.stdout, "told webhook ") != 5 || strings.Count(w.stdout, "told heartbeat ") != 1 {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		if len(e.heard) != 6 || !strings.Contains(e.text[0], "This is a test, and nothing is wrong.") {
			t.Errorf("%q", e.heard)
		}
		e.code = 404
		if w.run("status", "--notify", "--test", "-q"); w.code != codeFinding || strings.Count(w.stdout, "could not tell ") != 6 || strings.Contains(w.stdout+w.stderr, "SECRET") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}

func TestNotifyUsage(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		w.env = func(env *env) { env.Clock, env.Transport = systemClock{}, &ear{} }
		w.wantError(codeUsage, "--notify: none of ROTATELOG_NOTIFY, ROTATELOG_PAGE, ROTATELOG_HEARTBEAT is set", "status", "--notify")
		w.wantError(codeUsage, "--test is for --notify", "status", "--test")
		w.set("ROTATELOG_NOTIFY", "https://hooks.example/SECRET")
		w.wantError(codeUsage, "ROTATELOG_NOTIFY in the environment: receiver 1: it does not begin like ntfy:URL, webhook:URL or exec:CMD", "status", "--notify")
		w.set("ROTATELOG_NOTIFY", "")
		w.set("ROTATELOG_PAGE", "ntfy:http://ntfy.example/SECRET")
		w.wantError(codeUsage, "ROTATELOG_PAGE in the environment: ntfy ntfy.example would be told in the clear", "status", "--notify")
		if w.run("status", "--notify", "--test", "--insecure-http"); w.code == codeUsage {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
		w.set("ROTATELOG_PAGE", "")
		w.set("ROTATELOG_HEARTBEAT", "SECRET")
		w.wantError(codeUsage, "ROTATELOG_HEARTBEAT in the environment: it is not followed by https://", "status", "--notify")
		if strings.Contains(w.stderr, "SECRET") {
			t.Errorf("%s", w.stderr)
		}
	})
}

// Who is told is a secret: doctor shows the end of it, a file that others can read is
// refused, and what doctor prints for cron tells.
func TestReceiversAreSecret(t *testing.T) {
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "env")
	text := "ROTATELOG_DIR=" + t.TempDir() + "\nROTATELOG_STORE=file://" + t.TempDir() + "\nROTATELOG_PAGE=webhook:https://hooks.example/SECRET/abcd\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.run("doctor", "--config", file); s.code != codeOK || strings.Contains(s.stdout, "SECRET") || !strings.Contains(s.stdout, "  line 3       ROTATELOG_PAGE=…abcd\n") ||
		!strings.Contains(s.stdout, "\n*/5 * * * * /usr/local/bin/rotatelog status --notify --quiet") {
		t.Errorf("exit code %d\n%s%s", s.code, s.stdout, s.stderr)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	s.wantError(codeUsage, "others can read it (mode 0644)", "status", "--config", file)
	if err := os.WriteFile(file, []byte("ROTATELOG_PAGES=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	s.wantError(codeUsage, "the nearest is ROTATELOG_PAGE", "status", "--config", file)
}
