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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

// served is a run of the program that is serving.
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

func (s *served) client() *s3.Client {
	return s3store.NewClient(s.endpoint, region, credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""))
}

// create stores an object if there is none, with one request.
func create(t *testing.T, client *s3.Client, bucket, key, content string) error {
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content), IfNoneMatch: aws.String("*")},
		func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	return err
}

// size returns the size of an object.
func size(t *testing.T, client *s3.Client, bucket, key string) int64 {
	t.Helper()
	o, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return *o.ContentLength
}

func TestServesAndSumsUp(t *testing.T) {
	s := serving(t)
	if err := create(t, s.client(), "sports-json-logs-all", "a/key", "twelve bytes"); err != nil {
		t.Fatal(err)
	}
	if n := size(t, s.client(), "sports-json-logs-all", "a/key"); n != 12 {
		t.Errorf("it has %d bytes", n)
	}
	code, rest := s.end()
	if want := "2 requests (1 HeadObject, 1 PutObject), 12 bytes received, 0 sent\n"; code != cli.OK || rest != want {
		t.Errorf("code %d, at the end %q, want %q", code, rest, want)
	}
}

func TestFlagsReachTheServer(t *testing.T) {
	s := serving(t, "-v", "-bucket", "mine", "-profile", "b2", "-fail", "PutObject:1:drop,HeadObject:1:503/Tired+delay=1ms")
	client := s.client()
	for _, content := range []string{"x", "xy"} { // whose connection breaks, and whose condition B2 refuses
		if err := create(t, client, "mine", "key", content); err == nil {
			t.Errorf("%q was stored", content)
		}
	}
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("mine"), Key: aws.String("key"), Body: strings.NewReader("xy")}); err != nil {
		t.Error(err)
	}
	if n := size(t, client, "mine", "key"); n != 2 { // at the second attempt
		t.Errorf("it has %d bytes", n)
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

// A slow answer does not keep the program from ending.
func TestEndsDuringAnAnswer(t *testing.T) {
	s := serving(t, "-fail", "GetObject:*:trickle=1/10m")
	client := s.client()
	if err := create(t, client, "sports-json-logs-all", "key", "abc"); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("sports-json-logs-all"), Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Body
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
func TestGreetingCanBePasted(t *testing.T) {
	s := serving(t)
	_, commands, _ := strings.Cut(s.greeting, "\n\n")
	for _, name := range []string{"ROTATELOG_DIR=", "ROTATELOG_STORE=s3://sports-json-logs-all?endpoint=http://", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="} {
		if !strings.Contains(commands, name) { // the settings that docs/SETUP.md has
			t.Errorf("it does not set %s", name)
		}
	}
	commands = strings.Replace(commands, os.TempDir(), t.TempDir(), 1)
	sh := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	sh.Dir, sh.Env = "../..", depth.Environ()
	if out, err := sh.CombinedOutput(); err != nil || !strings.Contains(string(out), " upload 1: 1 fetch, 3 records, ") {
		t.Errorf("%s: %v\n%s", commands, err, out)
	}
	if code, rest := s.end(); code != cli.OK || !strings.Contains(rest, " PutObject,") {
		t.Errorf("code %d, at the end %q", code, rest)
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-nope":                "-nope",
		"argument":             "unexpected argument \"argument\"",
		"-profile aws":         `-profile: unknown profile "aws"`,
		"-fail PutObject:1":    `-fail: fault "PutObject:1": it must be OPERATION:WHICH:WHAT`,
		"-bucket a/b":          `-bucket "a/b"`,
		"-addr :9000":          "-addr :9000: use an address of this machine only",
		"-addr 0.0.0.0:9000":   "-addr 0.0.0.0:9000: use an address of this machine only",
		"-addr [::]:9000":      "-addr [::]:9000: use an address of this machine only",
		"-addr 192.0.2.1:9000": "-addr 192.0.2.1:9000: use an address of this machine only",
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
			t.Errorf("it does not name the profile %s", p.Name)
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
