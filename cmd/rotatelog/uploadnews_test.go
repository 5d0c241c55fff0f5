package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog/alert"
)

// uploadEar is a network on which webhooks listen.
type uploadEar struct {
	mu    sync.Mutex
	heard []alert.UploadNews
	hangs bool
}

// RoundTrip implements [http.RoundTripper].
func (e *uploadEar) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var news alert.UploadNews
	if err := json.Unmarshal(body, &news); err != nil {
		return nil, err
	}
	e.heard = append(e.heard, news)
	return &http.Response{StatusCode: 204, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// What append and upload bring into the store is told, with the upload_id.
func TestUploadsAreTold(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := &uploadEar{}
		w.env = func(env *env) { env.Clock, env.Transport = systemClock{}, e }
		w.set("ROTATELOG_UPLOADED", "webhook:https://hooks.example/SECRET")
		w.stdin = `{"results":[1,2]}`
		if w.run("append", "--one", "--flush"); w.code != codeOK || len(e.heard) != 1 {
			t.Fatalf("exit code %d, heard %v\n%s%s", w.code, e.heard, w.stdout, w.stderr)
		}
		w.run("append", "--one", "--no-upload")
		if w.run("upload", "--partial"); w.code != codeOK || len(e.heard) != 2 {
			t.Fatalf("exit code %d, heard %v\n%s%s", w.code, e.heard, w.stdout, w.stderr)
		}
		first, second := e.heard[0], e.heard[1]
		if first.Upload.Sequence != 1 || second.Upload.Sequence != 2 || second.Upload.Stream != "all_api" || first.ID == second.ID {
			t.Errorf("%+v", e.heard)
		}
		day, err := os.ReadFile(filepath.Join(w.store, second.Upload.Key))
		if err != nil || !strings.Contains(string(day), `"upload_id":"`+second.ID+`"`) {
			t.Errorf("%v, the object has no %s", err, second.ID)
		}
	})
}

// A webhook that hangs, or is misspelled, costs a line and no fetch.
func TestUploadsCannotBeTold(t *testing.T) {
	inWorld(t, "2025-07-10", func(w *world) {
		e := &uploadEar{hangs: true}
		w.env = func(env *env) { env.Clock, env.Transport = systemClock{}, e }
		w.set("ROTATELOG_UPLOADED", "webhook:https://hooks.example/SECRET")
		w.stdin = `{"results":[1,2]}`
		begun := time.Now()
		if w.run("append", "--one", "--flush"); w.code != codeOK || !strings.Contains(w.stderr, "is not told: webhook hooks.example: ") ||
			strings.Contains(w.stderr, "SECRET") || time.Since(begun) > newsTimeout+time.Second {
			t.Errorf("exit code %d after %v\n%s%s", w.code, time.Since(begun), w.stdout, w.stderr)
		}
		w.set("ROTATELOG_UPLOADED", "webhook:SECRET")
		if w.run("append", "--one"); w.code != codeOK || !strings.Contains(w.stdout, " all_api #2: ") || strings.Contains(w.stderr, "SECRET") ||
			!strings.Contains(w.stderr, "ROTATELOG_UPLOADED in the environment: receiver 1: webhook: it is not followed by https:// and a host; nobody is told of uploads\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	})
}
