// Repair shows what to do about a day that was damaged in the store: Verify reads it and
// says what is wrong, PlanRestore what it would put back and from where, and Apply does
// that. What was there is kept beside the day.
package main

import (
	"bytes"
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
	"example.com/rotatelog/archive"
	"example.com/rotatelog/dirstore"
)

func main() {
	dir, err := os.MkdirTemp("", "rotatelog-repair")
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(run(context.Background(), os.Stdout, dir), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dir string) error {
	store, err := dirstore.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	cfg := rotatelog.Config{Dir: filepath.Join(dir, "local"), Store: store, MaxFetches: 2, TimeOf: july10, Logger: slog.New(slog.DiscardHandler)}
	days, day := rotatelog.Archive{Store: store}, rotatelog.Day{Year: 2025, Month: time.July, Date: 10}
	if err := upload(ctx, cfg); err != nil {
		return err
	}
	if err := damage(filepath.Join(dir, "store", filepath.FromSlash(days.Key(day, rotatelog.Uncompressed)))); err != nil {
		return err
	}
	report, err := archive.VerifyDay(ctx, days, day, archive.VerifyOptions{})
	if err != nil {
		return err
	}
	for _, finding := range report.Findings {
		if finding.Severity() == archive.Error {
			fmt.Fprintf(out, "%v\n  next: %s\n", finding, finding.Next)
		}
	}
	m, err := rotatelog.OpenMaintenance(ctx, cfg) // a Writer may be running
	if err != nil {
		return err
	}
	defer m.Close()
	plan, err := archive.PlanRestore(ctx, m, days, day, archive.RestoreOptions{})
	if err != nil {
		return err
	}
	for _, b := range plan.PutBack {
		fmt.Fprintf(out, "the plan: put upload %d, of %d fetches, back from %s\n", b.Sequence, b.FetchCount, b.From)
	}
	if report, err = plan.Apply(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "restored: %d uploads, %d fetches; the worst that Verify finds now is a %v\n", report.Totals.Uploads, report.Totals.Fetches, report.Worst())
	return nil
}

func july10([]byte) (time.Time, error) {
	return time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC), nil
}

// upload uploads a day of three uploads.
func upload(ctx context.Context, cfg rotatelog.Config) error {
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.Close()
	for n := range 6 {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"odds":1.1%d}`, n)); err != nil {
			return err
		}
	}
	return w.Flush(ctx)
}

// damage changes a digit of a file, as a failing disk might.
func damage(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, bytes.Replace(content, []byte("1.13"), []byte("1.73"), 1), 0o600)
}
