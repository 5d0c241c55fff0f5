package rotatelog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/storetest"
)

// keep is the example of README.md; TestGoInDocuments compares them.
func keep(ctx context.Context, dir string, store rotatelog.Store, fetches iter.Seq[[]byte]) error {
	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: dir, Store: store})
	if err != nil {
		return err
	}
	defer w.Close() // does not upload; the next Open continues
	for fetch := range fetches {
		r, err := w.Append(ctx, fetch) // nil means: on disk
		if err != nil {
			return err
		}
		fmt.Printf("fetch %d of the day: %d matches\n", r.Number, r.Matches)
	}
	return w.Drain(ctx) // waits for full batches; Flush also uploads the unfinished one
}

// TestPipeline is the example of docs/TESTING.md; TestGoInDocuments compares them.
func TestPipeline(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	clock := clocktest.New(time.Date(2025, 7, 10, 23, 55, 0, 0, newYork))
	bucket := storetest.NewMem()
	network := &storetest.Faulty{Store: bucket, Fault: func(op storetest.Op) storetest.Fault {
		if op.Name == "write" {
			return storetest.Fault{Err: errors.New("connection reset")} // applied, but nobody hears of it
		}
		return storetest.Fault{}
	}}
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{
		Dir:    t.TempDir(),
		Store:  network,
		Clock:  clock,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()

	for range 12 { // here your pipeline runs, from 23:55 to 00:06
		if _, err := w.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{"results":[]}`)}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	for day, want := range map[string]int{"2025-07-10": 5, "2025-07-11": 7} {
		var object struct {
			Metadata struct {
				Fetches int `json:"total_fetches_today"`
			} `json:"daily_metadata"`
		}
		b := bucket.Bytes("all_api_rotating_logs/all_api_json_log_" + day + ".json")
		if err := json.Unmarshal(b, &object); err != nil {
			t.Errorf("%s: %v", day, err)
		} else if got := object.Metadata.Fetches; got != want {
			t.Errorf("%s: %d fetches, want %d", day, got, want)
		}
	}
}

// scratch returns a Config for an example, with a new directory, which remove
// removes, a store in memory, and a clock at 3:45 on a summer afternoon.
func scratch() (cfg rotatelog.Config, store *storetest.Mem, remove func()) {
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		log.Fatal(err)
	}
	store = storetest.NewMem()
	return rotatelog.Config{
		Dir:    dir,
		Store:  store,
		Clock:  still(time.Date(2025, 7, 10, 15, 45, 22, 0, newYork)),
		Logger: slog.New(slog.DiscardHandler),
	}, store, func() { os.RemoveAll(dir) }
}

// still is a clock that always shows the same time, though time passes: Writers
// may have to wait for each other.
type still time.Time

func (s still) Now() time.Time { return time.Time(s) }

func (still) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// open opens a Writer with a Config of scratch.
func open(cfg rotatelog.Config) *rotatelog.Writer {
	w, err := rotatelog.Open(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	return w
}

// A pipeline needs three calls: Open, Append, and Close.
func Example() {
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fetches := slices.Values([][]byte{[]byte(`{"RAW_API_DATA": {}, "FETCH_FOOTER": {"total_matches": 45}}`)})
	if err := keep(context.Background(), dir, storetest.NewMem(), fetches); err != nil {
		log.Fatal(err)
	}
	// Output:
	// fetch 1 of the day: 45 matches
}

// The count continues from one Writer to the next, also across processes. While one
// has the stream open, a second is refused.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "rotatelog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cfg := rotatelog.Config{
		Dir:    dir,
		Store:  storetest.NewMem(), // or a dirstore.Store, or an s3store.Store
		Logger: slog.New(slog.DiscardHandler),
		// With a fixed Clock the example gives the same output at midnight.
		Clock: clocktest.New(time.Date(2025, 7, 10, 19, 45, 22, 0, time.UTC)),
	}

	ctx := context.Background()
	for range 2 {
		w, err := rotatelog.Open(ctx, cfg)
		if err != nil {
			log.Fatal(err)
		}
		_, err = rotatelog.Open(ctx, cfg)
		fmt.Println("a second Writer is refused:", errors.Is(err, rotatelog.ErrLocked))

		r, err := w.Append(ctx, []byte(`{}`))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v #%d, %d of %d\n", r.Day, r.Number, r.Position, r.BatchSize)
		if err := w.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// a second Writer is refused: true
	// 2025-07-10 #1, 1 of 10
	// a second Writer is refused: true
	// 2025-07-10 #2, 2 of 10
}

// A fetch that is not one JSON object is refused, and uses no number.
func ExampleWriter_Append() {
	cfg, _, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	for _, fetch := range []string{
		`{"FETCH_FOOTER": {"total_matches": 45}}`,
		`{"FETCH_FOOTER": {"total_matches": 4`,
		`{"FETCH_FOOTER": {"total_matches": 12}}`,
	} {
		r, err := w.Append(context.Background(), []byte(fetch))
		switch {
		case errors.Is(err, rotatelog.ErrInvalidFetch):
			fmt.Println("refused: to append it again would not help")
		case err != nil:
			fmt.Println("not acknowledged: append it again")
		default:
			fmt.Printf("%v #%d: %d matches, %d of %d\n", r.Day, r.Number, r.Matches, r.Position, r.BatchSize)
		}
	}
	// Output:
	// 2025-07-10 #1: 45 matches, 1 of 10
	// refused: to append it again would not help
	// 2025-07-10 #2: 12 matches, 2 of 10
}

// If you have only the API's response, the Writer adds header, footer and number.
// The local file can be read at any time.
func ExampleWriter_AppendFetch() {
	cfg, _, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	_, err := w.AppendFetch(context.Background(), rotatelog.Fetch{
		Data:            []byte(`{"results":[{"id":7,"odds":1.10}]}`),
		ID:              "aBc123XyZ456", // random unless set
		Took:            2847 * time.Millisecond,
		TotalMatches:    45,
		MatchesInPlay:   12,
		StatusBreakdown: []string{"Status ID 2 (First half): 8 matches"},
	})
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(cfg.Dir, "all_api.json"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", file)
	// Output:
	// [
	// {
	//   "FETCH_HEADER": {
	//     "fetch_number": 1,
	//     "random_fetch_id": "aBc123XyZ456",
	//     "nyc_timestamp": "07/10/2025 03:45:22 PM EDT",
	//     "fetch_start": "=== RAW API DATA START ==="
	//   },
	//   "RAW_API_DATA": {
	//     "results": [
	//       {
	//         "id": 7,
	//         "odds": 1.10
	//       }
	//     ]
	//   },
	//   "FETCH_FOOTER": {
	//     "fetch_number": 1,
	//     "random_fetch_id": "aBc123XyZ456",
	//     "nyc_timestamp": "07/10/2025 03:45:22 PM EDT",
	//     "pipeline_completion_time_seconds": 2.847,
	//     "total_matches": 45,
	//     "matches_in_play": 12,
	//     "match_status_breakdown": [
	//       "Status ID 2 (First half): 8 matches"
	//     ],
	//     "fetch_end": "=== RAW API DATA END ==="
	//   }
	// }
	// ]
}

// An encoder writes each value with one call of Write, which appends it.
func ExampleWriter_Write() {
	cfg, _, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	enc := json.NewEncoder(w)
	for _, minute := range []int{1, 2} {
		if err := enc.Encode(map[string]int{"minute": minute}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(w.Stats().Appended)
	// Output:
	// 2
}

// It reads values on separate lines, or one right after the other.
func ExampleWriter_ReadFrom() {
	cfg, _, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	n, err := w.ReadFrom(strings.NewReader(`{"minute":1}
{"minute":2}{"minute":3}
{"minute":4`))
	fmt.Println(w.Stats().Appended, "fetches in", n, "bytes; the rest is cut off:", err != nil)
	// Output:
	// 3 fetches in 37 bytes; the rest is cut off: true
}

// Flush is for the end of a day's work: it does not wait for the tenth fetch.
func ExampleWriter_Flush() {
	cfg, store, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	ctx := context.Background()
	for range 3 {
		if _, err := w.Append(ctx, []byte(`{}`)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		log.Fatal(err) // the batch waits on disk all the same
	}
	fmt.Println(store.Keys())
	// Output:
	// [all_api_rotating_logs/all_api_json_log_2025-07-10.json]
}

// Drain waits for full batches. The fetches of an unfinished one stay on disk.
func ExampleWriter_Drain() {
	cfg, _, remove := scratch()
	defer remove()
	w := open(cfg)
	defer w.Close()

	ctx := context.Background()
	for range 25 {
		if _, err := w.Append(ctx, []byte(`{}`)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Drain(ctx); err != nil {
		log.Fatal(err) // the batches wait on disk all the same
	}
	uploaded, err := os.ReadDir(filepath.Join(cfg.Dir, "all_api.spool", "uploaded"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(uploaded), "batches uploaded,", w.Stats().Position, "fetches left for the next")
	// Output:
	// 2 batches uploaded, 5 fetches left for the next
}

// A program that is started for each fetch need not finish uploading before the next
// one starts: CloseAppend lets that one append meanwhile.
func ExampleWriter_CloseAppend() {
	cfg, store, remove := scratch()
	defer remove()
	ctx := context.Background()

	this := open(cfg)
	defer this.Close()
	if _, err := this.Append(ctx, []byte(`{}`)); err != nil {
		log.Fatal(err)
	}
	if err := this.Seal(ctx); err != nil { // as if it were the tenth
		log.Fatal(err)
	}
	if err := this.CloseAppend(); err != nil {
		log.Fatal(err)
	}

	next := open(cfg) // usually in another process
	defer next.Close()
	r, err := next.Append(ctx, []byte(`{}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("next: fetch %d, %d of %d\n", r.Number, r.Position, r.BatchSize)

	if err := this.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("this:", store.Keys())
	// Output:
	// next: fetch 2, 1 of 10
	// this: [all_api_rotating_logs/all_api_json_log_2025-07-10.json]
}

// Hooks report what is also in the log, for counters and alarms.
func ExampleHooks() {
	cfg, _, remove := scratch()
	defer remove()
	cfg.MaxFetches = 3
	cfg.Hooks = rotatelog.Hooks{
		Sealed: func(s rotatelog.Sealed) {
			fmt.Printf("sealed: fetches %d to %d, %s\n", s.First, s.Last, s.Reason)
		},
		Uploaded: func(u rotatelog.Uploaded) {
			fmt.Printf("uploaded: upload %d of %v, which has %d matches\n", u.Sequence, u.Day, u.Totals.Matches)
		},
		Failed: func(f rotatelog.Failed) {
			fmt.Printf("failed: %d batches wait, next attempt in %v: %v\n", f.Pending, f.Retry, f.Err)
		},
	}

	ctx := context.Background()
	w := open(cfg)
	for range 3 {
		if _, err := w.Append(ctx, []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil { // no hook is called after Close
		log.Fatal(err)
	}
	// Output:
	// sealed: fetches 1 to 3, full
	// uploaded: upload 1 of 2025-07-10, which has 135 matches
}

// Fetches of an archive go into the days on which they were made.
func Example_replay() {
	cfg, store, remove := scratch()
	defer remove()
	cfg.TimeOf = rotatelog.HeaderTime
	w := open(cfg)
	defer w.Close()

	archive := strings.NewReader(`
{"FETCH_HEADER":{"nyc_timestamp":"03/08/2025 11:59:30 PM EST"},"RAW_API_DATA":{}}
{"FETCH_HEADER":{"nyc_timestamp":"03/09/2025 12:00:30 AM EST"},"RAW_API_DATA":{}}
{"FETCH_HEADER":{"nyc_timestamp":"03/09/2025 11:59:30 PM EDT"},"RAW_API_DATA":{}}
`)
	if _, err := w.ReadFrom(archive); err != nil {
		log.Fatal(err)
	}
	if err := w.Flush(context.Background()); err != nil {
		log.Fatal(err)
	}
	for _, key := range store.Keys() {
		fmt.Println(key)
	}
	// Output:
	// all_api_rotating_logs/all_api_json_log_2025-03-08.json
	// all_api_rotating_logs/all_api_json_log_2025-03-09.json
}
