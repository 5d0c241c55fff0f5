package prom

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapesAtOnce is how many requests a Handler answers at once; others get 503.
const scrapesAtOnce = 4

// Handler returns a handler that answers a scrape with the metrics of c, and nothing else.
// It is for programs that have no registry of their own.
func Handler(c *Collector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce}), nil
}
