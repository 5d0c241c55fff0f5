package s3store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

// A Writer whose days are objects in a bucket. Here the server is in this
// process; for Linode, endpoint and region are
// "https://us-ord-1.linodeobjects.com" and "us-ord-1", and the key comes from the
// environment.
func ExampleNew() {
	server := fakes3.New(fakes3.Options{Profile: fakes3.Linode()})
	server.CreateBucket("sports-json-logs-all")
	web := httptest.NewServer(server)
	defer web.Close()
	dir, err := os.MkdirTemp("", "all_api")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	key := credentials.NewStaticCredentialsProvider("access", "secret", "")
	client := s3store.NewClient(web.URL, "us-east-1", key)
	store, err := s3store.New(client, "sports-json-logs-all", s3store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	w, err := rotatelog.Open(context.Background(), rotatelog.Config{
		Dir:    dir,
		Store:  store,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Append(context.Background(), []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Flush(context.Background()))
	fmt.Println(len(server.Keys("sports-json-logs-all")), "object")
	// Output:
	// <nil>
	// 1 object
}

// The error says what is wrong, and what to do about it.
func ExampleStore_errors() {
	server := fakes3.New(fakes3.Options{Profile: fakes3.Linode()})
	web := httptest.NewServer(server)
	defer web.Close()
	key := credentials.NewStaticCredentialsProvider("access", "secret", "")
	store, err := s3store.New(s3store.NewClient(web.URL, "us-east-1", key), "no-such-bucket", s3store.Options{})
	if err != nil {
		log.Fatal(err)
	}

	_, err = store.Stat(context.Background(), "logs/2025-07-10.json")
	fmt.Println("is not there:", errors.Is(err, fs.ErrNotExist)) // a missing bucket says nothing about its objects
	fmt.Println("permanent error:", errors.Is(err, rotatelog.ErrPermanent))
	// Output:
	// is not there: false
	// permanent error: true
}
