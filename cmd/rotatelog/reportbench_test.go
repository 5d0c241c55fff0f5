package main

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/fakes3"
)

// BenchmarkReportOfAYear reports a year, with the year before, from a bucket whose server
// takes 20 ms for each request.
func BenchmarkReportOfAYear(b *testing.B) {
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: accessKey, SecretKey: secretKey})
	srv.CreateBucket(testBucket)
	days := rotatelog.Archive{Name: "all_api"}
	for day := (rotatelog.Day{Year: 2023, Month: 7, Date: 10}); day != (rotatelog.Day{Year: 2025, Month: 7, Date: 10}); day = day.Next() {
		srv.PutObject(testBucket, days.Key(day, rotatelog.Uncompressed), []byte("{}"), nil)
	}
	srv.Fault = func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Delay: 20 * time.Millisecond} }
	ts := httptest.NewServer(srv)
	defer ts.Close()
	e := env{
		Args: []string{"report", "2024-07-10..2025-07-09"}, Stdin: strings.NewReader(""), Stderr: io.Discard,
		Environ: []string{"HOME=" + b.TempDir(), "ROTATELOG_STORE=s3://" + testBucket + "?endpoint=" + ts.URL,
			"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey},
		Clock: clocktest.New(time.Date(2025, 7, 10, 16, 47, 3, 0, time.UTC)), Width: 80,
	}
	requests := srv.Stats().Total()
	for b.Loop() {
		var out bytes.Buffer
		e.Stdout = &out
		if code := run(b.Context(), e); code != codeOK || strings.Count(out.String(), "\n") < 365 {
			b.Fatalf("exit code %d\n%s", code, out.String())
		}
	}
	b.ReportMetric(float64(srv.Stats().Total()-requests)/float64(b.N), "requests/op")
}
