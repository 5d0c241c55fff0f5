package main

import (
	"context"
	"net/url"

	"example.com/rotatelog/dashboard"
	"example.com/rotatelog/health"
	"example.com/rotatelog/prom"
)

// newPage returns the page of the streams, with their metrics, and has the facts be added to
// what it looks at.
func (f *serveFacts) newPage(token string) (*dashboard.Handler, error) {
	cfg := dashboard.Config{Token: token, Clock: f.app.env.Clock}
	for _, s := range f.streams {
		shown, err := f.stream(s)
		if err != nil {
			return nil, err
		}
		cfg.Streams = append(cfg.Streams, shown)
	}
	collector := prom.New()
	metrics, err := prom.Handler(collector)
	if err != nil {
		return nil, err
	}
	cfg.Metrics = metrics
	if f.page, err = dashboard.New(cfg); err != nil {
		return nil, err
	}
	for _, s := range cfg.Streams {
		look := func() (health.Facts, error) { return f.page.Facts(context.Background(), s.Name) }
		if err := collector.Add(prom.Stream{Name: s.Name, Options: s.Options, Look: look}); err != nil {
			return nil, err
		}
	}
	return f.page, nil
}

// stream returns what the page shows of a stream.
func (f *serveFacts) stream(s stream) (dashboard.Stream, error) {
	if s.Dir == "" {
		return dashboard.Stream{}, errNoDir()
	}
	options, err := f.optionsOf(s)
	if err != nil {
		return dashboard.Stream{}, err
	}
	return dashboard.Stream{Name: s.Name, Dir: s.Dir, Store: s.storeWhere(), Counted: s.Count != "", Options: options,
		Facts:   func(facts *health.Facts) { f.add(s.Name, facts) },
		Unknown: func() []string { return f.unknown(s.Name) },
		Finding: s.typedFinding,
		DiskOf:  f.app.env.DiskOf,
	}, nil
}

// optionsOf returns what the rules are told of a stream.
func (f *serveFacts) optionsOf(s stream) (health.Options, error) {
	expect, err := s.expected()
	if err != nil {
		return health.Options{}, err
	}
	return f.app.optionsOf(s, expect)
}

// storeWhere returns where the store of the stream is, for people: a path, or a host and a
// bucket; "" if that is not set.
func (s *stream) storeWhere() string {
	p, err := s.place()
	switch {
	case err != nil:
		return ""
	case p.Dir != "":
		return p.Dir
	}
	if u, err := url.Parse(p.Endpoint); err == nil && u.Host != "" {
		return u.Host + "/" + p.Bucket
	}
	return p.Bucket
}
