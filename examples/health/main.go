// Health shows how a program finds out what is wrong with its own stream: Inspect reads
// what the spool says, DiskOf asks the disk, and Evaluate turns both into findings, each
// with its steps. Here the store is away.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-health")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(run(context.Background(), os.Stdout, dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dir string) error {
	away := func(storetest.Op) storetest.Fault {
		return storetest.Fault{Err: errors.New("connection refused"), Skip: true}
	}
	failed := make(chan rotatelog.Failed, 1)
	cfg := rotatelog.Config{Dir: dir, Store: &storetest.Faulty{Store: storetest.NewMem(), Fault: away}, Logger: slog.New(slog.DiscardHandler)}
	cfg.Hooks.Failed = func(f rotatelog.Failed) {
		select {
		case failed <- f:
		default: // one is enough
		}
	}
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	for range 12 {
		if _, err := w.Append(ctx, []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Append does not notice that the store is away: %d fetches are on disk.\n", w.Stats().Appended)
	fmt.Fprintf(out, "An upload has failed: %v\n\n", (<-failed).Err)

	for _, later := range []time.Duration{time.Minute, 3 * time.Hour} {
		findings, err := examine(dir, time.Now().Add(later))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%v later, findings: %d\n", later, len(findings))
		for _, f := range findings {
			fmt.Fprintf(out, "%v %s\n  %s\n", f.Severity, f.Code, f.Text)
			for n, step := range f.Steps {
				fmt.Fprintf(out, "  %d. %s\n", n+1, step)
			}
		}
	}
	return nil
}

// examine returns what is wrong at a time. A program asks for time.Now(), once a minute.
func examine(dir string, now time.Time) ([]health.Finding, error) {
	spool, err := rotatelog.Inspect(dir, "")
	if err != nil {
		return nil, err
	}
	disk, err := health.DiskOf(dir)
	if err != nil {
		return nil, err
	}
	return health.Evaluate(health.Facts{Now: now, Spool: spool, Disk: &disk}, health.Options{Every: time.Hour}), nil
}
