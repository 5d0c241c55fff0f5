package main

import (
	"net/http"

	"example.com/rotatelog/dashboard"
	"example.com/rotatelog/prom"
)

// metricsOf returns what Prometheus scrapes: the metrics of the streams that the page shows,
// from what the page knows.
func metricsOf(streams []dashboard.Stream) (http.Handler, error) {
	c := prom.New()
	for _, s := range streams {
		if err := c.Add(prom.Stream{Name: s.Name, Dir: s.Dir, Options: s.Options, Facts: s.Facts}); err != nil {
			return nil, err
		}
	}
	return prom.Handler(c)
}
