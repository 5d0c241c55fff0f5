package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// operator is a person at a machine that has a settings file, and a bucket at a server.
type operator struct {
	*shell
	s3Server
	bucket objects
	file   string // the settings
	dir    string
	n      int // fetches appended
}

func newOperator(t *testing.T, s s3Server) *operator {
	o := &operator{shell: newShell(t), s3Server: s, dir: filepath.Join(t.TempDir(), "rotatelog")}
	o.bucket = s.newBucket(t, "operator-"+strings.ToLower(rand.Text()))
	o.file = filepath.Join(strings.TrimPrefix(o.environ[0], "HOME="), ".config/rotatelog/env")
	if err := os.MkdirAll(filepath.Dir(o.file), 0o700); err != nil {
		t.Fatal(err)
	}
	o.env = func(e *env) {
		if len(e.Args) == 0 { // status compares clocks; what signs requests needs the server's own
			e.Transport = roundTripper(o.atTheTimeOfTheTest)
		}
	}
	o.settings(s.accessKey)
	return o
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// atTheTimeOfTheTest takes a request to the server, and dates the answer.
func (o *operator) atTheTimeOfTheTest(req *http.Request) (*http.Response, error) {
	network := http.Transport{DisableKeepAlives: true}
	answer, err := network.RoundTrip(req)
	if err == nil {
		answer.Header.Set("Date", o.clock.Now().UTC().Format(http.TimeFormat))
	}
	return answer, err
}

// settings writes the settings file, with this key.
func (o *operator) settings(accessKey string) {
	o.t.Helper()
	text := fmt.Sprintf("ROTATELOG_DIR=%s\nROTATELOG_STORE=s3://%s?endpoint=%s\nROTATELOG_COUNT=RAW_API_DATA.live_matches.results\n"+
		"AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", o.dir, o.bucket.name, o.endpoint, accessKey, o.secretKey)
	if err := os.WriteFile(o.file, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// types types a command, which should end with this code and print these texts.
func (o *operator) types(code int, command string, texts ...string) {
	o.t.Helper()
	o.run(strings.Fields(command)[1:]...)
	if o.code != code {
		o.t.Errorf("%s: exit code %d, want %d", command, o.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(o.stdout, text) {
			o.t.Errorf("%s does not print %q", command, text)
		}
	}
	if o.t.Failed() {
		o.t.Fatalf("%s printed\n%s%s", command, o.stdout, o.stderr)
	}
}

// fetchOf returns what only the n-th fetch has.
func fetchOf(n int) string { return fmt.Sprintf(`{"fetch":%d}`, n) }

// fetches lets cron keep n answers of the API, one a minute.
func (o *operator) fetches(n int) {
	o.t.Helper()
	for range n {
		o.n++
		o.stdin = fmt.Sprintf(`{"live_matches":{"results":[%s,{}]}}`, fetchOf(o.n))
		o.types(codeOK, "rotatelog append --one --envelope", ": 2 matches, ")
		local := filepath.Join(o.dir, "all_api.json")
		if err := os.Chtimes(local, o.clock.Now(), o.clock.Now()); err != nil {
			o.t.Fatal(err)
		}
		o.clock.Advance(time.Minute)
	}
}
