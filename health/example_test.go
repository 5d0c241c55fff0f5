package health_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/storetest"
)

// A stream whose store has been away since five past nine.
func ExampleEvaluate() {
	now := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC) // noon in New York
	spool := rotatelog.SpoolStatus{                      // of rotatelog.Inspect
		Name:   "all_api",
		Dir:    "/var/lib/rotatelog",
		Append: &rotatelog.WriterState{LastSuccess: now.Add(-12 * time.Second)},
		Publish: &rotatelog.WriterState{LastFailure: &rotatelog.WriterFailure{
			Time: now, Since: now.Add(-175 * time.Minute), Code: "timeout", Sentence: "the server does not answer in time"}},
	}
	for n := range 18 {
		spool.Pending = append(spool.Pending, rotatelog.BatchStatus{
			Fetches: 10, Bytes: 18_500_000, Sealed: now.Add(-175 * time.Minute).Add(time.Duration(n) * 10 * time.Minute)})
	}
	facts := health.Facts{Now: now, Spool: spool, Disk: &health.Disk{FreeBytes: 61e9, FreeInodes: -1}} // of health.DiskOf
	for _, finding := range health.Evaluate(facts, health.Options{Every: time.Minute}) {
		fmt.Println(finding)
	}
	// Output:
	// all_api  ERROR upload_late
	//   Uploads are late: a batch has waited for 2 h, since 09:05:00 AM. The last error: the server does not answer in time. Nothing is lost: 18 batches (180 fetches, 333 MB) wait; the disk lasts 22 days.
	//   1. rotatelog doctor
	//   2. rotatelog upload
}

// What the store has of the days that are over, without a download.
func ExampleDaysToAskFor() {
	ctx := context.Background()
	archive := rotatelog.Archive{Store: storetest.NewMem()} // of the stream
	now := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)
	july9 := rotatelog.Day{Year: 2025, Month: 7, Date: 9}
	facts := health.Facts{Now: now, Spool: rotatelog.SpoolStatus{ // of rotatelog.Inspect
		Name:   "all_api",
		Append: &rotatelog.WriterState{LastSuccess: now.Add(-12 * time.Second), Days: []rotatelog.DayCounts{{Day: july9, Appended: 1440}}},
	}}
	options := health.Options{Every: time.Minute}
	for _, day := range health.DaysToAskFor(facts, options) {
		object, err := archive.Stat(ctx, day)
		switch {
		case err == nil:
			facts.Days = append(facts.Days, object)
		case errors.Is(err, fs.ErrNotExist):
			facts.NoObject = append(facts.NoObject, day)
		default: // nothing is known of it
			fmt.Println(err)
		}
	}
	for _, finding := range health.Evaluate(facts, options) {
		fmt.Println(finding)
	}
	// Output:
	// all_api  ERROR day_missing
	//   The store has no object of 2025-07-09, and nothing of it waits. On that day 1,440 fetches were put on disk here: the object was deleted, or is in another place.
	//   1. rotatelog doctor   (says where the store is)
	//   2. rotatelog restore 2025-07-09
	//   3. rotatelog restore 2025-07-09 --apply
	//   4. find out who did it, and whose key can delete there
}

// The facts of a healthy stream, which a program prints as it likes.
func ExampleSummarize() {
	now := time.Date(2025, 7, 10, 16, 47, 3, 0, time.UTC)
	spool := rotatelog.SpoolStatus{
		Name: "all_api", Day: rotatelog.Day{Year: 2025, Month: 7, Date: 10}, Number: 767,
		Unfinished: rotatelog.UnfinishedBatch{Fetches: 7},
		Append:     &rotatelog.WriterState{LastSuccess: now.Add(-12 * time.Second)},
	}
	s := health.Summarize(health.Facts{Now: now, Spool: spool}, health.Options{Every: time.Minute})
	fmt.Printf("%s %v: fetched %v ago, #%d today\n", s.Stream, health.Worst(s.Findings), now.Sub(s.Fetched.Last), s.Fetched.Number)
	fmt.Printf("batch %d of %d goes up in %v\n", s.Batch.Fetches, s.Batch.Size, s.Batch.Due.Sub(now))
	// Output:
	// all_api ok: fetched 12s ago, #767 today
	// batch 7 of 10 goes up in 2m48s
}
