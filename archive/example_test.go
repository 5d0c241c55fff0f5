package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// A digit of a day was changed in the bucket. Verify finds out which upload it is in, and
// the day is restored from what the spool still has.
func Example() {
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, store := context.Background(), storetest.NewMem()
	cfg := rotatelog.Config{Dir: dir, Store: store, MaxFetches: 2, Logger: slog.New(slog.DiscardHandler),
		TimeOf: func([]byte) (time.Time, error) { return time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC), nil }}
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	for n := range 6 {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"odds":1.1%d}`, n)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	w.Close()
	key := store.Keys()[0]
	store.Put(key, bytes.Replace(store.Bytes(key), []byte("1.13"), []byte("1.73"), 1), nil)

	days, day := rotatelog.Archive{Store: store}, rotatelog.Day{Year: 2025, Month: time.July, Date: 10}
	report, err := archive.VerifyDay(ctx, days, day, archive.VerifyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Severity() == archive.Error {
			fmt.Println(f)
		}
	}

	m, err := rotatelog.OpenMaintenance(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	plan, err := archive.PlanRestore(ctx, m, days, day, archive.RestoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range plan.PutBack {
		fmt.Printf("would put back upload %d, %d fetches, from %s\n", b.Sequence, b.FetchCount, b.From)
	}
	if report, err = plan.Apply(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("afterwards:", report.Worst(), report.Totals.Uploads, "uploads")
	// Output:
	// error checksum: 2025-07-10 upload 2: it was changed (11:59 PM, fetches 3 to 4)
	// would put back upload 2, 2 fetches, from the spool
	// afterwards: note 3 uploads
}

// The odds of each match become a time series, in files that SQL engines take for partitions
// by day.
func ExampleExportFolder() {
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, store := context.Background(), storetest.NewMem()
	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: filepath.Join(dir, "local"), Store: store, TimeOf: rotatelog.HeaderTime, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	for n := range 3 {
		fetch := fmt.Appendf(nil, `{"FETCH_HEADER":{"fetch_number":%d,"nyc_timestamp":"07/10/2025 12:0%d:00 PM EDT"},"matches":[{"id":"a","odds":1.1%d},{"id":"b"}]}`, n+1, n, n)
		if _, err := w.Append(ctx, fetch); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err)
	}

	opts := archive.ExportOptions{Each: []string{"matches"}, Where: []archive.Condition{{Path: []string{"id"}, Value: "a"}}}
	days := []rotatelog.Day{{Year: 2025, Month: time.July, Date: 10}}
	for day, err := range archive.ExportFolder(ctx, rotatelog.Archive{Store: store}, filepath.Join(dir, "week"), days, opts) {
		if err != nil {
			log.Fatal(err)
		}
		name, _ := filepath.Rel(dir, day.File)
		text, _ := os.ReadFile(day.File)
		fmt.Printf("%s: %d lines of %d fetches\n%s", name, day.Rows, day.Fetches, text)
	}
	// Output:
	// week/day=2025-07-10/all_api.ndjson: 3 lines of 3 fetches
	// {"_day":"2025-07-10","_time":"2025-07-10T12:00:00-04:00","_fetch":1,"_upload":1,"id":"a","odds":1.10}
	// {"_day":"2025-07-10","_time":"2025-07-10T12:01:00-04:00","_fetch":2,"_upload":1,"id":"a","odds":1.11}
	// {"_day":"2025-07-10","_time":"2025-07-10T12:02:00-04:00","_fetch":3,"_upload":1,"id":"a","odds":1.12}
}
