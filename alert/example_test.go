package alert_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/health"
)

// The disk refuses fetches. A program that looks each minute wakes somebody at the second
// look, and says when it is over.
func ExampleEvaluator() {
	pager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Println("  somebody's phone rings")
	}))
	defer pager.Close()
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Mkdir(filepath.Join(dir, "all_api.spool"), 0o700) // a Writer has made it

	page, err := alert.ParseReceivers("webhook:" + pager.URL) // from the settings: it is a secret
	if err != nil {
		log.Fatal(err)
	}
	evaluator, err := alert.New(alert.Config{Dir: dir, Name: "all_api", Host: "web1", Page: page})
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)
	refused := []health.Finding{{Code: health.AppendRefused, Severity: health.Critical, Text: "Fetches are being lost."}} // of health.Evaluate
	for minute := range 14 {
		stream := alert.Stream{Name: "all_api"}
		if minute < 3 {
			stream.Findings = refused
		}
		sent, err := evaluator.Evaluate(context.Background(), alert.Look{Now: now, Streams: []alert.Stream{stream}})
		if err != nil {
			log.Print(err)
		}
		for _, s := range sent {
			fmt.Printf("minute %d: %s\n", minute, s.Message.Title())
		}
		now = now.Add(time.Minute)
	}
	// Output:
	//   somebody's phone rings
	// minute 1: rotatelog web1: CRITICAL append_refused: all_api
	//   somebody's phone rings
	// minute 13: rotatelog web1: RESOLVED append_refused: all_api
}

// A webhook is told of each upload that is in its day's object.
func ExampleUploads() {
	to, err := alert.ParseReceivers("webhook:https://hooks.example/a-secret")
	if err != nil {
		log.Fatal(err)
	}
	uploads, err := alert.NewUploads(alert.UploadsConfig{To: to, Failed: func(err error) { log.Print(err) }})
	if err != nil {
		log.Fatal(err)
	}
	cfg := rotatelog.Config{Hooks: rotatelog.Hooks{Uploaded: uploads.Uploaded}}
	fmt.Println(cfg.Hooks.Uploaded != nil, to[0])
	// … Open a Writer with it, append, and when it is closed:
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	uploads.Close(ctx)
	// Output: true webhook hooks.example
}
