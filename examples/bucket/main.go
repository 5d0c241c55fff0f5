// Bucket shows a store in S3 with a client of the program's own: any *s3.Client will do,
// with its own transport, credentials and retries. The transport of this one counts what
// an upload to a small day costs. The server is a fake in this process that behaves like
// Linode's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

const bucket = "sports-json-logs-all"

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-bucket")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(run(context.Background(), os.Stdout, dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dir string) error {
	server := fakes3.New(fakes3.Options{Profile: fakes3.Linode()})
	server.CreateBucket(bucket)
	web := httptest.NewServer(server)
	defer web.Close()
	counted := new(counter)
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(web.URL), // https://us-ord-1.linodeobjects.com
		Region:       "us-east-1",         // us-ord-1
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider("access", "secret", ""),
		HTTPClient:   &http.Client{Transport: counted},
		// Linode, and others, refuse the checksums that the SDK sends by default.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	store, err := s3store.New(client, bucket, s3store.Options{})
	if err != nil {
		return err
	}
	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: dir, Store: store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer w.Close()
	for n := range 3 {
		if _, err := w.Append(ctx, []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
			return err
		}
		if err := w.Flush(ctx); err != nil {
			return err
		}
		fmt.Fprintf(out, "upload %d: writes %d, of %d bytes in all; looks %d\n", n+1, counted.writes.Swap(0), counted.bytes.Swap(0), counted.looks.Swap(0))
	}
	fmt.Fprintf(out, "objects in the bucket: %d\n", len(server.Keys(bucket)))
	return nil
}

// counter counts the requests about the day's object.
type counter struct{ writes, bytes, looks atomic.Int64 }

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case !strings.HasSuffix(req.URL.Path, ".json"): // the proof of what the server honours
	case req.Method == http.MethodPut:
		c.writes.Add(1)
		c.bytes.Add(req.ContentLength)
	default:
		c.looks.Add(1)
	}
	return http.DefaultTransport.RoundTrip(req)
}
