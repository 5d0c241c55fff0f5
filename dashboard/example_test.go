package dashboard_test

import (
	"context"
	"log"
	"net/http"

	"example.com/rotatelog"
	"example.com/rotatelog/dashboard"
)

// A program with a Writer of its own shows the page beside its other pages, for those who
// know a token.
func Example() {
	serve := func(ctx context.Context, cfg rotatelog.Config, w *rotatelog.Writer, token string) error {
		page, err := dashboard.New(dashboard.Config{
			Token:   token,
			Streams: []dashboard.Stream{{Name: cfg.Name, Dir: cfg.Dir, Writer: w, Counted: true}},
		})
		if err != nil {
			return err
		}
		go page.Watch(ctx) // keeps what is known up to date while nobody looks
		mux := http.NewServeMux()
		mux.Handle("/rotatelog/", http.StripPrefix("/rotatelog", page))
		return http.ListenAndServe("127.0.0.1:8080", mux)
	}
	if err := serve(context.Background(), rotatelog.Config{}, nil, ""); err != nil {
		log.Print(err)
	}
	// Without output, this is compiled, and not run.
}
