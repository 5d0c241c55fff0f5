package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/examples/internal/cli"
	"example.com/rotatelog/internal/fakes3"
)

// served is a run of the program that has begun to serve.
type served struct {
	endpoint, greeting string
	end                func() (code int, rest string) // as Ctrl-C does
}

func serving(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, cli.Env{Args: append([]string{"-addr", "127.0.0.1:0"}, args...), Stdout: in, Stderr: &errs})
		in.Close()
	}()
	lines := bufio.NewReader(out)
	s := &served{}
	for !strings.HasSuffix(s.greeting, "-flush\n\n") {
		line, err := lines.ReadString('\n')
		if s.greeting += line; err != nil {
			t.Fatalf("code %d, stdout %q, stderr %q", <-code, s.greeting, &errs)
		}
	}
	s.endpoint = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(s.greeting)
	var rest strings.Builder
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(&rest, lines)
	}()
	s.end = func() (int, string) {
		cancel()
		<-copied
		if errs.Len() > 0 {
			t.Errorf("stderr %q", &errs)
		}
		return <-code, rest.String()
	}
	return s
}

// store returns the store that a program would have there.
func (s *served) store(bucket string) *rotatelog.S3Store {
	creds := credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")
	return rotatelog.NewS3Store(rotatelog.NewS3Client(s.endpoint, region, creds), bucket, rotatelog.S3Options{})
}

func write(t *testing.T, store rotatelog.Store, key, content string) error {
	return store.Write(t.Context(), key, "", []rotatelog.Part{rotatelog.Data([]byte(content))}, nil)
}

func TestServes(t *testing.T) {
	s := serving(t)
	store := s.store("sports-json-logs-all")
	if err := write(t, store, "a/key", "twelve bytes"); err != nil {
		t.Fatal(err)
	}
	if o, err := store.Stat(t.Context(), "a/key"); err != nil || o.Size != 12 {
		t.Errorf("it has %+v, %v", o, err)
	}
	code, rest := s.end()
	if want := "2 requests (1 HeadObject, 1 PutObject), 12 bytes received, 0 sent\n"; code != cli.OK || rest != want {
		t.Errorf("code %d, at the end %q, want %q", code, rest, want)
	}
}

func TestFlags(t *testing.T) {
	s := serving(t, "-v", "-bucket", "mine", "-profile", "b2", "-fail", "PutObject:1:drop,HeadObject:1:503/Tired+delay=1ms")
	store := s.store("mine")
	if err := write(t, store, "key", "x"); err == nil {
		t.Error("the connection was not broken")
	}
	if err := write(t, store, "key", "xy"); err != nil { // B2 refuses the condition, and takes the write without
		t.Errorf("it is not B2: %v", err)
	}
	if o, err := store.Stat(t.Context(), "key"); err != nil || o.Size != 2 { // at the second attempt
		t.Errorf("Stat: %+v, %v", o, err)
	}
	code, rest := s.end()
	rest = regexp.MustCompile(`\d+ (out|sent)`).ReplaceAllString(rest, "N $1")
	want := `PUT /mine/key: no answer, connection broken, 1 bytes in, N out
PUT /mine/key: 501, 2 bytes in, N out
PUT /mine/key: 200, 2 bytes in, N out
HEAD /mine/key: 503, 0 bytes in, N out
HEAD /mine/key: 200, 0 bytes in, N out
5 requests (3 PutObject, 2 HeadObject), 5 bytes received, N sent
`
	if diff := cmp.Diff(want, rest); code != cli.OK || diff != "" {
		t.Errorf("code %d, at the end %s", code, diff)
	}
}

// An answer that takes its time does not keep the program from ending.
func TestEndsInAnAnswer(t *testing.T) {
	s := serving(t, "-fail", "GetObject:*:trickle=1/10m")
	store := s.store("sports-json-logs-all")
	if err := write(t, store, "key", "abc"); err != nil {
		t.Fatal(err)
	}
	o, err := store.Stat(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Read(t.Context(), "key", o.Version, 0, o.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if code, rest := s.end(); code != cli.OK || !strings.HasSuffix(rest, " 3 bytes received, 1 sent\n") {
		t.Errorf("code %d, at the end %q", code, rest)
	}
	if rest, err := io.ReadAll(r); err == nil || len(rest) > 0 {
		t.Errorf("read on after the end: %q, %v", rest, err)
	}
}

// What it prints can be pasted.
func TestGreeting(t *testing.T) {
	s := serving(t)
	_, commands, _ := strings.Cut(s.greeting, "\n\n")
	commands = strings.Replace(commands, os.TempDir(), t.TempDir(), 1)
	sh := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	sh.Dir = "../.."
	if out, err := sh.CombinedOutput(); err != nil || !strings.Contains(string(out), "uploads done            1\n") {
		t.Errorf("%s: %v\n%s", commands, err, out)
	}
	if code, rest := s.end(); code != cli.OK || !strings.Contains(rest, " 1 PutObject)") {
		t.Errorf("code %d, at the end %q", code, rest)
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-nope":                "-nope",
		"argument":             "argument: there are no arguments",
		"-profile aws":         `-profile: no profile is called "aws"`,
		"-fail PutObject:1":    `-fail: fault "PutObject:1": it must be OPERATION:WHICH:WHAT`,
		"-bucket a/b":          `-bucket "a/b"`,
		"-addr :9000":          "-addr :9000: it serves this machine alone",
		"-addr 0.0.0.0:9000":   "-addr 0.0.0.0:9000: it serves this machine alone",
		"-addr [::]:9000":      "-addr [::]:9000: it serves this machine alone",
		"-addr 192.0.2.1:9000": "-addr 192.0.2.1:9000: it serves this machine alone",
		"-addr 127.0.0.1":      "-addr: ",
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), cli.Env{Args: strings.Fields(args), Stdout: &out, Stderr: &errs})
		if code != cli.Usage || out.Len() > 0 || !strings.HasPrefix(errs.String(), "fakes3: ") ||
			!strings.Contains(errs.String(), want) || !strings.HasSuffix(errs.String(), "\nrun with -h for help\n") {
			t.Errorf("%s: code %d, stdout %q, stderr %q, want %q", args, code, &out, &errs, want)
		}
	}
}

func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), cli.Env{Args: []string{"-h"}, Stdout: &out, Stderr: &errs}); code != cli.OK || errs.Len() > 0 {
		t.Errorf("code %d, stderr %q", code, &errs)
	}
	for _, p := range fakes3.Profiles() {
		if !strings.Contains(out.String(), p.Name) {
			t.Errorf("it does not tell of the profile %s", p.Name)
		}
	}
	rules := regexp.MustCompile(`fakes3 -fail '(.*)'`).FindStringSubmatch(out.String())
	if rules == nil {
		t.Fatalf("there is no example of -fail:\n%s", &out)
	}
	if _, err := fakes3.ParseFault(rules[1]); err != nil {
		t.Errorf("its example of -fail is wrong: %v", err)
	}
}

func TestAddressTaken(t *testing.T) {
	s := serving(t)
	defer s.end()
	var out, errs bytes.Buffer
	code := run(t.Context(), cli.Env{Args: []string{"-addr", strings.TrimPrefix(s.endpoint, "http://")}, Stdout: &out, Stderr: &errs})
	if code != cli.Failure || out.Len() > 0 || !strings.Contains(errs.String(), "address already in use") {
		t.Errorf("code %d, stdout %q, stderr %q", code, &out, &errs)
	}
}

func TestSummary(t *testing.T) {
	for _, test := range []struct {
		requests map[string]int
		want     string
	}{
		{nil, "0 requests"},
		{map[string]int{"GetObject": 1}, "1 request (1 GetObject)"},
		{map[string]int{"A": 2, "C": 7, "B": 7}, "16 requests (7 B, 7 C, 2 A)"},
	} {
		got := summary(fakes3.Stats{Requests: test.requests, Received: 5, Sent: 6})
		if want := fmt.Sprintf("%s, 5 bytes received, 6 sent", test.want); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
