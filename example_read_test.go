package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"time"

	"example.com/rotatelog"
)

// The uploads of a day and their fetches are read one at a time, whatever the size of the
// day.
func ExampleOpenDay() {
	cfg, store, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()
	ctx := context.Background()
	for _, fetch := range []string{`{"n":1}`, `{"n":2}`} {
		if _, err := w.Append(ctx, []byte(fetch)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err)
	}

	day, err := rotatelog.OpenDay(ctx, store, "all_api_rotating_logs/all_api_json_log_2025-07-10.json", rotatelog.ReadOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		log.Fatal("nothing was uploaded on that day")
	}
	if err != nil {
		log.Fatal(err)
	}
	for u, err := range day.Uploads(ctx) { // or UploadsFrom, or UploadsSince
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("upload %d, sealed %s:\n", u.Sequence, u.Timestamp)
		for fetch, err := range u.Fetches() {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s\n", fetch) // good until the next one
		}
	}
	// Output:
	// upload 1, sealed 07/10/2025 03:45:22 PM EDT:
	// {"n":1}
	// {"n":2}
}

// Another process sees fetches as they are appended, without a lock.
func ExampleSpoolReader_Follow() {
	cfg, _, remove := scratch()
	defer remove()
	cfg.Verbatim = true
	w := open(cfg)
	defer w.Close()
	ctx := context.Background()

	spool, err := rotatelog.OpenSpoolReader(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer spool.Close()
	follower, err := spool.Follow(0) // 10 would begin with the last ten
	if err != nil {
		log.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
			log.Fatal(err)
		}
		for fetch, err := range follower.Fetches() { // in another process: now and then
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%v #%d: %s\n", fetch.Day, fetch.Number, fetch.Text)
		}
	}
	// Output:
	// 2025-07-10 #1: {"n":1}
	// 2025-07-10 #2: {"n":2}
	// 2025-07-10 #3: {"n":3}
}

// What there is on each day is known without reading any.
func ExampleArchive_Days() {
	cfg, store, remove := scratch()
	defer remove()
	cfg.TimeOf = rotatelog.HeaderTime // they are archived fetches
	w := open(cfg)
	defer w.Close()
	ctx := context.Background()
	for _, date := range []string{"07/08/2025", "07/08/2025", "07/10/2025"} {
		fetch := fmt.Appendf(nil, `{"FETCH_HEADER":{"nyc_timestamp":"%s 09:00:00 AM EDT"},"FETCH_FOOTER":{"total_matches":30}}`, date)
		if _, err := w.Append(ctx, fetch); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err)
	}

	archive := rotatelog.Archive{Store: store}
	from, to := rotatelog.Day{Year: 2025, Month: time.July, Date: 1}, rotatelog.Day{Year: 2025, Month: time.July, Date: 31}
	for m, err := range archive.Days(ctx, from, to) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %d fetches, %d matches\n", m.Totals.Day, m.Totals.Fetches, m.Totals.Matches)
	}
	// Output:
	// 2025-07-08: 2 fetches, 60 matches
	// 2025-07-10: 1 fetches, 30 matches
}

// printDay is the example of docs/READING.md; TestGoInDocuments compares them.
func printDay(ctx context.Context, store rotatelog.Store) error {
	days := rotatelog.Archive{Store: store}
	day, err := days.Open(ctx, rotatelog.Day{Year: 2025, Month: time.July, Date: 10})
	if err != nil {
		return err
	}
	m := day.Metadata() // has taken one request
	fmt.Printf("%d uploads, %d fetches, %d matches\n", m.Totals.Uploads, m.Totals.Fetches, m.Totals.Matches)
	for upload, err := range day.UploadsFrom(ctx, 2) { // finds it with a few requests
		if err != nil {
			return err
		}
		for fetch, err := range upload.Fetches() {
			if err != nil {
				return err
			}
			fmt.Printf("upload %d: %s\n", upload.Sequence, fetch)
		}
	}
	return nil
}

func Example_readDay() {
	cfg, store, remove := scratch()
	defer remove()
	cfg.MaxFetches = 2
	w := open(cfg)
	defer w.Close()
	ctx := context.Background()
	for n := range 3 {
		if _, err := w.Append(ctx, fmt.Appendf(nil, `{"n":%d,"FETCH_FOOTER":{"total_matches":45}}`, n+1)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	if err := printDay(ctx, store); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 uploads, 3 fetches, 135 matches
	// upload 2: {"n":3,"FETCH_FOOTER":{"total_matches":45}}
}
