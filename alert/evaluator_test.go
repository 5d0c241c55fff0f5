package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
)

// inbox is a server on this machine that keeps what it gets.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // path, and title or text
	ids    []string
	answer func(n int, w http.ResponseWriter) // of the n-th request, from 1; nil: 200
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		defer in.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		var m Message
		what := string(body)
		if json.Unmarshal(body, &m) == nil {
			what = m.Title()
		}
		in.got = append(in.got, strings.TrimSpace(r.URL.Path+" "+what))
		in.ids = append(in.ids, m.ID)
		if in.answer != nil {
			in.answer(len(in.got), w)
		}
	}))
	t.Cleanup(in.Close)
	return in
}

// want checks what the server got since it was last asked.
func (in *inbox) want(t *testing.T, want ...string) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if diff := cmp.Diff(want, in.got); diff != "" {
		t.Errorf("the server got (-want +got):\n%s", diff)
	}
	in.got = nil
}

// answers sets how the server answers.
func (in *inbox) answers(answer func(n int, w http.ResponseWriter)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = answer
}

// take returns what the server got since it was last asked, and the ids of all messages.
func (in *inbox) take() (got, ids []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	got, in.got = in.got, nil
	return got, in.ids
}

// receivers parses a list.
func receivers(t *testing.T, list string) []*Receiver {
	t.Helper()
	r, err := ParseReceivers(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// spool makes the directory of a stream, and returns that above it.
func spool(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "all_api.spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// evaluator returns one that does not wait between attempts.
func evaluator(t *testing.T, cfg Config) *Evaluator {
	t.Helper()
	cfg.Name, cfg.Host = "all_api", "web1"
	if cfg.Sleep == nil {
		cfg.Sleep = func(context.Context, time.Duration) error { return nil }
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// evaluate has a process of its own take in a look.
func evaluate(t *testing.T, cfg Config, look string) ([]Sent, error) {
	t.Helper()
	return evaluator(t, cfg).Evaluate(t.Context(), lookOf(t, look))
}

// must evaluates, and wants no error.
func must(t *testing.T, cfg Config, looks ...string) {
	t.Helper()
	for _, look := range looks {
		if _, err := evaluate(t, cfg, look); err != nil {
			t.Errorf("%s: %v", look, err)
		}
	}
}

const (
	critical = "CRITICAL append_refused: all_api"
	bad      = " append_refused=critical"
)

// Each evaluation is a process of its own: the memory is in the spool.
func TestEvaluationsOfProcesses(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL+"/page"), Notify: receivers(t, "webhook:"+in.URL+"/mail, webhook:"+in.URL+"/chat")}
	must(t, cfg, "10 12:00"+bad+" clock=error")
	in.want(t)
	must(t, cfg, "10 12:05"+bad)
	in.want(t, "/page rotatelog web1: "+critical)
	must(t, cfg, "10 12:10"+bad+" clock=error", "10 12:15"+bad, "10 12:20"+bad)
	if got, _ := in.take(); len(got) != 2 || got[0] == got[1] || !strings.HasSuffix(got[0], "ERROR clock: all_api") {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(filepath.Join(cfg.Dir, "all_api.spool", memoryFile))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size()%block != 0 {
		t.Errorf("%v, %v", info, err)
	}
}

// An alert comes within two evaluations of its cause, of a program that runs for long as
// well, which looks each second.
func TestAlertWithinTwoEvaluations(t *testing.T) {
	in := newInbox(t)
	e := evaluator(t, Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)})
	l := lookOf(t, "10 12:00"+bad)
	for range 31 {
		in.want(t)
		if _, err := e.Evaluate(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		l.Now = l.Now.Add(time.Second)
	}
	in.want(t, "/ rotatelog web1: "+critical)
}

// What a server does not take waits, and is sent later, once and in order.
func TestServerThatFails(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"500":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"429":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"404":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"redirects": func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(http.StatusFound) },
		"hangs up":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			in, other := newInbox(t), newInbox(t)
			in.answers(func(_ int, w http.ResponseWriter) { answer(w) })
			cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL+"/SECRET,webhook:"+other.URL)}
			must(t, cfg, "10 12:00"+bad)
			_, err := evaluate(t, cfg, "10 12:05"+bad)
			wantNoSecret(t, err)
			tries := attempts
			if name == "404" || name == "redirects" { // which stay as they are
				tries = 1
			}
			got, first := in.take()
			if len(got) != tries {
				t.Errorf("tried %d times, want %d", len(got), tries)
			}
			other.want(t, "/ rotatelog web1: "+critical)
			in.answers(nil)
			must(t, cfg, "10 12:10", "10 12:15", "10 12:20")
			in.want(t, "/SECRET rotatelog web1: "+critical, "/SECRET rotatelog web1: RESOLVED append_refused: all_api")
			if _, ids := in.take(); first[0] == "" || ids[len(first)] != first[0] || ids[len(first)+1] == first[0] {
				t.Errorf("the ids are %q", ids)
			}
			other.want(t, "/ rotatelog web1: RESOLVED append_refused: all_api")
		})
	}
}

// wantNoSecret wants an error that does not have the secret part of a URL.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "SECRET") {
		t.Errorf("%v", err)
	}
}

// transport is a function that answers requests.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// hangs is a server that takes a request and never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func answers(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
}

// A server that hangs costs a bounded time, and keeps nothing from the others.
func TestServerThatHangs(t *testing.T) {
	dir := spool(t)
	synctest.Test(t, func(t *testing.T) {
		reached := 0
		cfg := Config{Dir: dir, Sleep: sleepFor, Page: receivers(t, "webhook:https://hangs.example/SECRET,webhook:https://good.example/SECRET"),
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "hangs.example" {
					return hangs(r)
				}
				reached++
				return answers(200), nil
			})}
		must(t, cfg, "10 12:00"+bad)
		begun := time.Now()
		sent, err := evaluate(t, cfg, "10 12:05"+bad)
		wantNoSecret(t, err)
		if took := time.Since(begun); took > deliveryTimeout || reached != 1 || len(sent) != 2 || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("took %v, %d requests to the other, sent %v, %v", took, reached, sent, err)
		}
	})
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// All servers hang: an evaluation takes less than a minute all the same.
func TestAllServersHang(t *testing.T) {
	dir := spool(t)
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Dir: dir, Sleep: sleepFor, Notify: receivers(t, "webhook:https://a.example"), Heartbeat: heartbeat(t, "https://b.example"), Transport: transport(hangs)}
		for _, look := range []string{"10 12:00 clock=error", "10 12:05 clock=error", "10 12:10 clock=error"} {
			begun := time.Now()
			if _, err := evaluate(t, cfg, look); err == nil || time.Since(begun) >= time.Minute {
				t.Errorf("%s: took %v, %v", look, time.Since(begun), err)
			}
		}
	})
}

// A receiver that fails is not tried at each evaluation, but every 15 minutes at least, and
// a message is given up after a day. What still lasts then is another message.
func TestPausesAndEnd(t *testing.T) {
	in := newInbox(t)
	in.answers(func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) })
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)}
	tried, given := []string{}, ""
	for _, look := range every(t, "10 12:00", "11 13:00", bad) {
		_, err := evaluate(t, cfg, look)
		if got, _ := in.take(); len(got) > 0 {
			tried = append(tried, look[:8])
		}
		if err != nil && strings.Contains(err.Error(), "given up") {
			given = look[:8]
		}
	}
	if diff := cmp.Diff([]string{"10 12:05", "10 12:10", "10 12:15", "10 12:20", "10 12:30", "10 12:45"}, tried[:6]); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if given != "11 12:05" || len(tried) < 90 || tried[len(tried)-1] < "11 12:45" {
		t.Errorf("given up at %s; tried %d times, the last time at %s", given, len(tried), tried[len(tried)-1])
	}
	_, ids := in.take()
	if ids = slices.Compact(ids); len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("the ids are %q", ids)
	}
}

// If a receiver is replaced in the settings, the new one gets what waits.
func TestReceiverIsReplaced(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:http://127.0.0.1:1/SECRET")}
	must(t, cfg, "10 12:00"+bad)
	_, err := evaluate(t, cfg, "10 12:05"+bad)
	wantNoSecret(t, err)
	text, err := os.ReadFile(filepath.Join(cfg.Dir, "all_api.spool", memoryFile))
	if err != nil || strings.Contains(string(text), "SECRET") || strings.Contains(string(text), "127.0.0.1") {
		t.Errorf("%v: the memory has a secret: %s", err, text)
	}
	cfg.Page = receivers(t, "webhook:"+in.URL)
	must(t, cfg, "10 12:10"+bad)
	in.want(t, "/ rotatelog web1: "+critical)
}

// Of two that evaluate at once, one does nothing.
func TestOneEvaluatesAtATime(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)}
	must(t, cfg, "10 12:00"+bad)
	fsys, err := vfs.Dir(filepath.Join(cfg.Dir, "all_api.spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	lock, err := fsys.Lock(memoryLock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate(t, cfg, "10 12:05"+bad); !errors.Is(err, rotatelog.ErrLocked) {
		t.Errorf("%v", err)
	}
	in.want(t)
	lock.Close()
	must(t, cfg, "10 12:05"+bad)
	in.want(t, "/ rotatelog web1: "+critical)
}

// Many processes that evaluate the same send it once.
func TestEvaluatorsAtOnce(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)}
	must(t, cfg, "10 12:00"+bad)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := evaluate(t, cfg, "10 12:05"+bad); err != nil && !errors.Is(err, rotatelog.ErrLocked) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	in.want(t, "/ rotatelog web1: "+critical)
}

// Killed after it has decided and before it could remember that all was sent, the next
// process sends it again, with the same id.
func TestKilledWhileSending(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)}
	must(t, cfg, "10 12:00"+bad)
	file := filepath.Join(cfg.Dir, "all_api.spool", memoryFile)
	var before []byte
	in.answers(func(int, http.ResponseWriter) { before, _ = os.ReadFile(file) }) // as a kill would leave it
	must(t, cfg, "10 12:05"+bad)
	in.answers(nil)
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, cfg, "10 12:10"+bad, "10 12:15"+bad)
	in.want(t, "/ rotatelog web1: "+critical, "/ rotatelog web1: "+critical)
	if _, ids := in.take(); ids[0] != ids[1] {
		t.Errorf("the ids are %q", ids)
	}
}

// A memory that is torn is begun anew, which is said once.
func TestTornMemory(t *testing.T) {
	for _, torn := range []string{"", "{", "null", `{"causes":[null]}`, `{"outbox":{"waiting":[null]}}`, "\x00\x00",
		`{"causes":[{"code":"clock"},{"code":"clock"}]}`, `{"causes":[{"code":"clock","symptoms":[{"stream":"merge"},{"stream":"merge"}]}]}`} {
		in := newInbox(t)
		cfg := Config{Dir: spool(t), Page: receivers(t, "webhook:"+in.URL)}
		if err := os.WriteFile(filepath.Join(cfg.Dir, "all_api.spool", memoryFile), []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := evaluate(t, cfg, "10 12:00"+bad); torn != "null" && (err == nil || !strings.Contains(err.Error(), "begins anew")) {
			t.Errorf("%q: %v", torn, err)
		}
		must(t, cfg, "10 12:05"+bad)
		in.want(t, "/ rotatelog web1: "+critical)
	}
}

// Where nothing can be remembered, a process that lives for a moment tells of what is
// critical, each time, and of nothing else. Nor is there a heartbeat then.
func TestNothingCanBeRemembered(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: filepath.Join(t.TempDir(), "not mounted"), Page: receivers(t, "webhook:"+in.URL), Notify: receivers(t, "webhook:"+in.URL),
		Heartbeat: heartbeat(t, in.URL+"/alive")}
	for _, look := range []string{"10 12:00", "10 12:05"} {
		if _, err := evaluate(t, cfg, look+bad+" clock=error"); err == nil || !strings.Contains(err.Error(), "see whether the disk is mounted") {
			t.Errorf("%v", err)
		}
		in.want(t, "/ rotatelog web1: "+critical)
	}
	if _, err := evaluate(t, cfg, "10 12:10 clock=error"); err == nil {
		t.Error("there is no error")
	}
	in.want(t)
}

// A program that runs for long remembers by itself, and writes it down when it can again.
func TestMemoryOfAProgram(t *testing.T) {
	in := newInbox(t)
	cfg := Config{Dir: t.TempDir(), Page: receivers(t, "webhook:"+in.URL), Notify: receivers(t, "webhook:"+in.URL), Heartbeat: heartbeat(t, in.URL+"/alive")}
	e := evaluator(t, cfg)
	look := func(text string, fails bool) {
		t.Helper()
		if _, err := e.Evaluate(t.Context(), lookOf(t, text)); (err != nil) != fails {
			t.Errorf("%s: %v", text, err)
		}
	}
	look("10 12:00"+bad+" clock=error", true)
	in.want(t, "/ rotatelog web1: "+critical)
	look("10 12:05"+bad+" clock=error", true)
	in.want(t, "/ rotatelog web1: ERROR clock: all_api", "/alive")
	look("10 12:10"+bad+" clock=error", true)
	in.want(t, "/alive")
	if err := os.Mkdir(filepath.Join(cfg.Dir, "all_api.spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	look("10 12:15"+bad+" clock=error", false)
	in.want(t, "/alive")
	must(t, cfg, "10 12:20"+bad+" clock=error")
	in.want(t, "/alive")
}

// A test sends one of each kind to each receiver, needs no spool, and remembers nothing.
func TestOneOfEach(t *testing.T) {
	in := newInbox(t)
	in.answers(func(n int, w http.ResponseWriter) {
		if n == 4 {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	dir := t.TempDir()
	e := evaluator(t, Config{Dir: dir, Notify: receivers(t, "webhook:"+in.URL+"/mail"), Page: receivers(t, "webhook:"+in.URL+"/page"), Heartbeat: heartbeat(t, in.URL+"/alive")})
	sent := e.Test(t.Context(), at(t, "10 12:00"))
	in.want(t, "/mail rotatelog web1: ERROR upload_late: all_api (test)", "/mail rotatelog web1: RESOLVED upload_late: all_api (test)", "/mail rotatelog web1 (test)",
		"/page rotatelog web1: CRITICAL upload_late: all_api (test)", "/page rotatelog web1: RESOLVED upload_late: all_api (test)", "/alive")
	if len(sent) != 6 || sent[3].Err == nil || sent[4].Err != nil {
		t.Errorf("%v", sent)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{Dir: "/var/lib/rotatelog"}); err == nil {
		t.Error("it needs no Name")
	}
	e, err := New(Config{Dir: "/var/lib/rotatelog", Name: "all_api"})
	if err != nil || e.cfg.Host == "" || e.cfg.Location.String() != "America/New_York" {
		t.Errorf("%v, %v", e, err)
	}
}
