package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/format"
)

// uploadsAt returns the numbers of the fetches in each upload of the day on a server.
func uploadsAt(t *testing.T, srv *fakes3.Server) [][]int {
	t.Helper()
	content, _, ok := srv.Object(bucket, "all/all_api_json_log_2025-07-10.json")
	if !ok {
		return nil
	}
	return uploadsIn(t, content)
}

// The runs share only the spool and the server.
func TestTenRunsMakeAnUploadToS3(t *testing.T) {
	b, srv := newS3Bench(t)
	total := 0
	for n := 1; n <= 22; n++ {
		total += n
		b.wantOne(numbered(n), fmt.Sprintf("#%d: %s, %d of 10; today %d", n, format.Plural(n, "match", "matches"), (n-1)%10+1, total))
	}
	b.wantOne(numbered(23), "#23: 23 matches, 3 of 10; today 276", "--flush")
	want := "[[1 2 3 4 5 6 7 8 9 10] [11 12 13 14 15 16 17 18 19 20] [21 22 23]]"
	if got := fmt.Sprint(uploadsAt(t, srv)); got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// Nine of ten runs do not contact the server.
func TestNothingToUploadAsksNothing(t *testing.T) {
	b, srv := newS3Bench(t)
	for n := 1; n <= 9; n++ {
		if code, _, stderr := b.one(numbered(n)); code != codeOK || stderr != "" {
			t.Fatalf("run %d: code %d, stderr %q", n, code, stderr)
		}
	}
	if st := srv.Stats(); st.Total() > 0 {
		t.Errorf("the server was asked: %v", st.Requests)
	}
}

func TestWrongSecret(t *testing.T) {
	b, srv := newS3Bench(t)
	b.setKey(accessKey, "hidden-too")
	const shown = "the secret key is not the one that belongs to the access key; set both again"
	code, stdout, stderr := b.one(numbered(1), "--batch", "1")
	if code != codeOK || !strings.HasSuffix(stdout, " #1: 1 match, 1 of 1; today 1\n") || !strings.HasPrefix(stderr, "1 batch (1 fetch, ") || !strings.Contains(stderr, shown) {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = b.one(numbered(2), "--flush")
	if code != codeFinding || !strings.HasSuffix(stdout, " #2: 2 matches, 1 of 10; today 3\n") || !strings.Contains(stderr, shown) {
		t.Errorf("--flush: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	wantNoSecret(t, stdout, stderr)
	if got := uploadsAt(t, srv); got != nil {
		t.Errorf("stored %v", got)
	}
	b.setKey(accessKey, secretKey)
	b.wantOne(numbered(3), "#3: 3 matches, 1 of 10; today 6", "--flush")
	if got := fmt.Sprint(uploadsAt(t, srv)); got != "[[1] [2] [3]]" {
		t.Errorf("stored %s", got)
	}
}

// A usage error is reported before the fetch is read.
func TestUsageErrorComesBeforeTheFetch(t *testing.T) {
	b, _ := newS3Bench(t)
	b.setKey("", "")
	b.in = readerFunc(func([]byte) (int, error) { return 0, errors.New("it was read") })
	code, stdout, stderr := b.append("--one")
	if code != codeUsage || stdout != "" || !strings.Contains(stderr, "neither the environment nor a settings file sets AWS_ACCESS_KEY_ID") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestWhatAServerSendsUnaskedIsNotPrinted: RGW 16 may end a body that it did not announce,
// after the answer. Nobody can do anything about that, least of all who reads cron's mail.
func TestWhatAServerSendsUnaskedIsNotPrinted(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n0\r\n\r\n")
				}
			}()
		}
	}()
	b := newBench(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "verify", "today", "--dir", b.path("work"),
		"--store", "s3://bucket?endpoint=http://"+server.Addr().String()+"&region=us-east-1")
	cmd.Env = []string{"ROTATELOG_TEST_PROCESS=run", "HOME=" + b.dir, "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "refuses the request") || strings.Contains(string(out), "Unsolicited") {
		t.Errorf("%v\n%s", err, out)
	}
}
