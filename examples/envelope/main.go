// Envelope shows how a raw answer of an API becomes a fetch: AppendFetch puts a header and
// a footer around it, with the number of the fetch on its day, an id, the time, and how
// many matches a CountFunc has found in the answer.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"example.com/rotatelog"
)

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-envelope")
	if err != nil {
		log.Fatal(err)
	}
	cfg := rotatelog.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}
	if err := errors.Join(run(context.Background(), os.Stdout, cfg), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

// answers are what the API says, minute by minute.
var answers = []string{
	`{"live_matches":{"results":[{"id":"a","odds":1.10},{"id":"b","odds":2.50}]}}`,
	`{"live_matches":{"results":[]}}`,
	`{"live_matches":{"results":"over capacity"}}`,
}

func run(ctx context.Context, out io.Writer, cfg rotatelog.Config) error {
	cfg.AppendOnly = true // another Writer uploads
	cfg.Verbatim = true   // or the local file is indented
	count := rotatelog.CountArray("live_matches", "results")
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	for n, answer := range answers {
		matches, err := count([]byte(answer))
		if err != nil { // it is kept all the same
			fmt.Fprintf(out, "answer %d: %v\n", n+1, err)
		}
		r, err := w.AppendFetch(ctx, rotatelog.Fetch{
			Data:         []byte(answer),
			ID:           fmt.Sprintf("EXAMPLE%05d", n+1), // random unless set
			Took:         320 * time.Millisecond,
			TotalMatches: matches,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "fetch %d: %d matches\n", r.Number, r.Matches)
	}
	if err := w.Close(); err != nil {
		return err
	}
	local, err := os.ReadFile(filepath.Join(cfg.Dir, "all_api.json"))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nOn disk, until the batch is full:\n\n%s", local)
	return nil
}
