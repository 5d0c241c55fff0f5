package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serving is a command serve that runs.
type serving struct {
	t         *testing.T
	address   string
	transport http.RoundTripper
	interrupt context.CancelFunc
	code      chan int
	out, err  screen // after the line that says where the page is
}

// serve starts serve, and waits until it says where the page is.
func (s *shell) serve(args ...string) *serving {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	r := &serving{t: s.t, transport: http.DefaultTransport, interrupt: cancel, code: make(chan int, 1)}
	stdout, printed := io.Pipe()
	e := env{Args: append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), Environ: s.environ, Stdin: strings.NewReader(""), Stdout: printed, Stderr: &r.err,
		Clock: s.clock, Started: func() time.Time { return time.Time{} }, User: func() string { return "root" }, DiskOf: diskOf, Width: 80}
	if s.env != nil {
		s.env(&e)
	}
	go func() {
		r.code <- run(ctx, e)
		printed.Close()
	}()
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	if err != nil {
		s.t.Fatalf("%v: %s", err, r.err.String())
	}
	go io.Copy(&r.out, lines)
	address, ok := strings.CutPrefix(line, "The page is at http://")
	if r.address, _, _ = strings.Cut(address, "/, "); !ok {
		s.t.Fatal(line)
	}
	return r
}

// end interrupts it.
func (r *serving) end() {
	r.t.Helper()
	r.interrupt()
	if code := <-r.code; code != codeInterrupted {
		r.t.Errorf("exit code %d", code)
	}
}

// get returns the answer to a request, of which only the beginning is read if it goes on.
func (r *serving) get(path string, set func(*http.Request)) (code int, body string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.address+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if set != nil {
		set(request)
	}
	answer, err := r.transport.RoundTrip(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.Header.Get("Content-Type") == "text/event-stream" {
		body, err = bufio.NewReader(answer.Body).ReadString('\n')
	} else {
		var text []byte
		text, err = io.ReadAll(answer.Body)
		body = string(text)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, body
}

// newServeShell returns a shell with a stream that append --one has written, a process for
// each fetch.
func newServeShell(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	dir := filepath.Join(t.TempDir(), "rotatelog")
	s.set("ROTATELOG_DIR", dir)
	s.set("ROTATELOG_STORE", "file://"+t.TempDir())
	s.set("ROTATELOG_COUNT", "results")
	for n := range 13 {
		s.stdin = fmt.Sprintf(`{"n":%d,"results":[1,2,3],"note":"FETCHCONTENT"}`, n)
		if s.run("append", "--one"); s.code != codeOK {
			t.Fatalf("exit code %d, %s", s.code, s.stderr)
		}
	}
	if err := os.Chtimes(filepath.Join(dir, "all_api.json"), s.clock.Now(), s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Beside one process for each fetch, the page, the status and the health are those that
// rotatelog status prints.
func TestServeSaysWhatStatusPrints(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	r := s.serve()
	defer r.end()
	s.run("status", "--json")
	if code, got := r.get("/api/v1/status", nil); code != http.StatusOK || s.stable(got) != s.stdout {
		t.Errorf("%d\n%s\nwant\n%s", code, got, s.stdout)
	}
	if code, got := r.get("/healthz", nil); code != http.StatusOK || got != "ok\n" {
		t.Errorf("%d %q", code, got)
	}
	if code, got := r.get("/metrics", nil); code != http.StatusOK || !strings.Contains(got, "\nrotatelog_unfinished_fetches{stream=\"all_api\"} 3\n") {
		t.Errorf("%d\n%s", code, got)
	}
	_, page := r.get("/", nil)
	for _, want := range []string{"ALL GOOD", "#13 today", "3 of 10", "1 upload today", "<strong>39 match records</strong> <strong>13 fetches</strong>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if strings.Contains(page, "bucket") || !strings.Contains(page, "goes to the directory "+strings.TrimPrefix(env{Environ: s.environ}.getenv("ROTATELOG_STORE"), "file://")) {
		t.Error("the page does not say where the objects are")
	}
	if strings.Contains(page, "FETCHCONTENT") {
		t.Error("the page has what was fetched")
	}
	if _, event := r.get("/events", nil); !strings.HasPrefix(event, `data: {"version":`) {
		t.Errorf("the first event is %q", event)
	}
}

// What is wrong has steps that can be pasted.
func TestServeTellsWhatToType(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	r := s.serve("--every", "1s", "--prefix", "x/")
	defer r.end()
	s.clock.Advance(6 * time.Minute)
	code, got := r.get("/healthz", nil)
	for n := 0; code == http.StatusOK && n < 10; n++ { // a reading that had begun before
		s.clock.Advance(time.Second)
		code, got = r.get("/healthz", nil)
	}
	if code != http.StatusServiceUnavailable || got != "critical append_stale all_api\n" {
		t.Errorf("%d %q", code, got)
	}
	if _, page := r.get("/", nil); !strings.Contains(page, "<code>rotatelog doctor --prefix=x/") {
		t.Errorf("the page has %s", page[strings.Index(page, "<article"):])
	}
}

// A page elsewhere cannot have its name stand for this machine, to read what is here.
func TestServeAnswersToItsOwnNames(t *testing.T) {
	t.Parallel()
	r := newServeShell(t).serve()
	defer r.end()
	for host, want := range map[string]int{
		"127.0.0.1": http.StatusOK, "localhost:8080": http.StatusOK, "[::1]:8080": http.StatusOK, "[::1]": http.StatusOK, "LocalHost": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "127.0.0.1.evil.example:8080": http.StatusMisdirectedRequest, "192.0.2.1": http.StatusMisdirectedRequest,
		"[evil.example]": http.StatusMisdirectedRequest, "localhost.": http.StatusMisdirectedRequest, "[::ffff:192.0.2.1]": http.StatusMisdirectedRequest,
	} {
		if code, _ := r.get("/", func(request *http.Request) { request.Host = host }); code != want {
			t.Errorf("%s: %d, want %d", host, code, want)
		}
	}
}

// Also who is refused is answered before they have sent all.
func TestServeWaitsForNoBody(t *testing.T) {
	t.Parallel()
	r := newServeShell(t).serve()
	defer r.end()
	for _, host := range []string{"evil.example", "localhost"} {
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 10\r\n\r\n12345", host)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode/100 != 4 || !answer.Close {
			t.Errorf("%s: %+v, %v", host, answer, err)
		}
	}
}

func TestServeAsksForTheToken(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	const token = "5f1c9a0212345678"
	s.set("PAGE_TOKEN", token)
	r := s.serve()
	defer r.end()
	for given, want := range map[string]int{"": http.StatusUnauthorized, token[1:]: http.StatusUnauthorized, token: http.StatusOK} {
		code, body := r.get("/", func(request *http.Request) {
			request.SetBasicAuth("anybody", given)
			request.Host = "web1.example" // as a proxy has it
		})
		if code != want || strings.Contains(body, token) {
			t.Errorf("%q: %d, want %d", given, code, want)
		}
	}
}

// Nobody else looks by accident.
func TestServeIsForThisMachine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("ROTATELOG_DIR", t.TempDir())
	for _, listen := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "web1:8080"} {
		s.wantError(codeUsage, "others could look at "+listen+": set PAGE_TOKEN in the settings file", "serve", "--listen", listen)
	}
	s.wantError(codeUsage, "write it as 127.0.0.1:8080", "serve", "--listen", "8080")
	s.set("ROTATELOG_LISTEN", "0.0.0.0:8080")
	s.wantError(codeUsage, "others could look at 0.0.0.0:8080", "serve")
	s.set("PAGE_TOKEN", "short")
	s.wantError(codeUsage, "PAGE_TOKEN in the environment: it is too short", "serve")
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("PAGE_TOKEN=5f1c9a0212345678\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.wantError(codeUsage, "others can read it", "serve", "--config", file)
}

// Before the first fetch, the page says what keeps it, with the settings that were typed, and
// monitors have nothing to complain of. So says status.
func TestServeWaitsForTheFirstFetch(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := t.TempDir()
	s.set("ROTATELOG_DIR", dir)
	s.set("ROTATELOG_STORE", "s3://logs?endpoint=https://us-ord-1.linodeobjects.com")
	if err := os.MkdirAll(filepath.Join(dir, "all_api.spool", "pending"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := s.serve("--prefix", "x/")
	defer r.end()
	const command = "curl -fsS -m 50 https://api.example/live | rotatelog append --one --envelope --prefix=x/"
	_, page := r.get("/", nil)
	for _, want := range []string{"<title>WAITING for the first fetch", "<code>" + command + "</code> (with the address of the API)", "goes to the bucket us-ord-1.linodeobjects.com/logs"} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in\n%s", want, page)
		}
	}
	if code, got := r.get("/healthz", nil); code != http.StatusOK || got != "waiting for the first fetch all_api\n" {
		t.Errorf("%d %q", code, got)
	}
	s.run("status", "--prefix", "x/", "--store=")
	if s.code != codeOK || !strings.HasPrefix(s.stdout, "all_api  WAITING for the first fetch ") || !strings.Contains(s.stdout, "\n  1. "+command) {
		t.Errorf("exit code %d\n%s%s", s.code, s.stdout, s.stderr)
	}
}

func TestServeUsage(t *testing.T) {
	t.Parallel()
	s := newServeShell(t)
	r := s.serve()
	defer r.end()
	s.wantError(codeFinding, "say another with --listen", "serve", "--listen", r.address)
	s.wantError(codeUsage, "--dir is not set", "serve", "--dir=")
	s.wantError(codeUsage, "--every: it cannot be negative", "serve", "--every=-1m")
}

// What serve prints for a stream is the shape that the document describes.
func TestServeHasTheShapesOfStatus(t *testing.T) {
	t.Parallel()
	r := newServeShell(t).serve("--name", "all_api,none")
	defer r.end()
	_, got := r.get("/api/v1/status", nil)
	if lines := strings.Split(got, "\n"); len(lines) != 3 || !strings.Contains(lines[1], `"worst":"unknown","error":"Nothing of none was ever put`) {
		t.Errorf("%q", lines)
	}
}

// spoolDir returns the directory that the environment names.
func (s *shell) spoolDir() string {
	s.t.Helper()
	dir := env{Environ: s.environ}.getenv("ROTATELOG_DIR")
	if dir == "" {
		s.t.Fatal("ROTATELOG_DIR is not set")
	}
	return dir
}
