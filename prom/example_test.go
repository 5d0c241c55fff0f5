package prom_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/rotatelog"
	"example.com/rotatelog/prom"
	"example.com/rotatelog/storetest"
)

// A program watches its own stream, and serves what it sees.
func Example() {
	dir, err := os.MkdirTemp("", "prom")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	c := prom.New()
	cfg := rotatelog.Config{Dir: dir, Store: storetest.NewMem(), Logger: slog.New(slog.DiscardHandler)}
	cfg.Hooks = c.Hooks(cfg.Hooks)
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	if err := c.Add(prom.Stream{Dir: dir, Writer: w}); err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)

	for range 3 {
		if _, err := w.Append(ctx, []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
			log.Fatal(err)
		}
	}
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.Contains(line, "rotatelog_matches_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// # HELP rotatelog_matches_total Match records in the fetches put on disk.
	// # TYPE rotatelog_matches_total counter
	// rotatelog_matches_total{stream="all_api"} 135
}

// Another program watches spools that processes append to which live for one fetch each,
// as cron starts them.
func ExampleCollector_Add() {
	c := prom.New()
	for _, name := range []string{"all_api", "merge"} {
		if err := c.Add(prom.Stream{Dir: "/var/lib/rotatelog", Name: name}); err != nil {
			log.Fatal(err)
		}
	}
	prometheus.NewRegistry().MustRegister(c)
}
