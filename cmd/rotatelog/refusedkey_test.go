package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// nightWorld is a bucketWorld whose settings are in a file, as those of a server are.
type nightWorld struct {
	*bucketWorld
	file string
}

func newNightWorld(t *testing.T) *nightWorld {
	w := &nightWorld{newBucketWorld(t), ""}
	w.environ = w.environ[:1] // HOME
	home := strings.TrimPrefix(w.environ[0], "HOME=")
	w.file = filepath.Join(home, ".config/rotatelog/env")
	if err := os.MkdirAll(filepath.Dir(w.file), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// setKey edits the settings file.
func (w *nightWorld) setKey(id string) {
	w.t.Helper()
	text := fmt.Sprintf("ROTATELOG_DIR=%s\nROTATELOG_STORE=s3://%s?endpoint=%s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", w.dir, testBucket, w.url, id, testSecret)
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// fetches appends n fetches, a minute apart, each in a process of its own that uploads what
// it can.
func (w *nightWorld) fetches(n int) {
	w.t.Helper()
	for range n {
		w.n++
		wr, err := rotatelog.Open(w.t.Context(), w.config(w.dir))
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := wr.AppendFetch(w.t.Context(), rotatelog.Fetch{Data: fmt.Appendf(nil, `{"n":%d}`, w.n), TotalMatches: 45}); err != nil {
			w.t.Fatal(err)
		}
		wr.Drain(w.t.Context()) // or not
		wr.Close()
		w.clock.Advance(time.Minute)
		if err := os.Chtimes(filepath.Join(w.dir, "all_api.json"), w.clock.Now(), w.clock.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// wantRun runs the command, which should print a text.
func (w *nightWorld) wantRun(code int, text string, args ...string) {
	w.t.Helper()
	w.ahead.Store(int64(time.Until(w.clock.Now()))) // the server has the time of the night
	if len(args) > 0 && args[0] == "doctor" {
		w.ahead.Store(0) // signatures have the time of this machine
	}
	if w.run(args...); w.code != code || !strings.Contains(w.stdout, text) {
		w.t.Errorf("%q: exit code %d, want %d and %q\n%s%s", args, w.code, code, text, w.stdout, w.stderr)
	}
	w.ahead.Store(0)
}

// The key is refused at 3 AM: what is typed then, and what it says.
func TestRefusedKeyIsReplaced(t *testing.T) {
	t.Parallel()
	w := newNightWorld(t)
	w.setKey("AKIDTEST")
	w.fetches(10)
	w.wantRun(codeOK, "all_api  OK ")
	w.setKey("AKIDGONE")
	w.fetches(17)
	w.wantRun(codeFinding, "all_api  ERROR upload_refused ")
	for _, text := range []string{
		"  The store refuses the key: 403 InvalidAccessKeyId, since ", "\n  Nothing is lost: 1 batch (10 fetches, ", "  1. put a new key into", w.file, "\n  2. rotatelog doctor\n",
	} {
		if !strings.Contains(w.stdout, text) {
			t.Errorf("status does not say %q:\n%s", text, w.stdout)
		}
	}
	w.wantRun(codeFinding, "the server does not know the access key", "doctor", "--quick")
	w.setKey("AKIDTEST")
	w.wantRun(codeOK, "\nA Writer works here. Several Writers may share a key.\n1 batch waits on disk, and goes up with the next fetch, or now:\n  rotatelog upload\n", "doctor", "--quick")
	w.fetches(1)
	w.wantRun(codeOK, "all_api  OK ")
	if !strings.Contains(w.stdout, "  2 uploads, 20 fetches, 900 match records today\n") || !strings.Contains(w.stdout, "\n  waiting    nothing ") {
		t.Errorf("uploads have not followed:\n%s", w.stdout)
	}
}
