package rotatelog

import "time"

// Hooks are called when something happened, from whatever goroutine it
// happened on, with no lock held; uploads wait while one runs, so it should be
// quick, and must not call Flush, Drain or Close. Any of them may be nil. What
// they tell is also logged.
type Hooks struct {
	// Sealed: a batch is complete, and waits to be uploaded.
	Sealed func(Sealed)
	// Uploaded: a batch is in the day's object.
	Uploaded func(Uploaded)
	// Failed: an upload failed, and will be tried again.
	Failed func(Failed)
	// DayChanged: a day is over and all of it is in its object.
	DayChanged func(Totals)
	// Uncounted: a fetch was kept whose matches could not be counted.
	Uncounted func(Uncounted)
	// Repaired: something in the spool was not as it was left, and was mended.
	Repaired func(Repaired)
}

// Sealed tells of a batch that was sealed.
type Sealed struct {
	Day         Day
	First, Last int // daily fetch numbers
	Fetches     int
	Reason      string // "full", "MaxPendingBytes", "midnight", "flush", "past day", "a fetch of another day"
}

// Uploaded tells of a batch that is now in the day's object.
type Uploaded struct {
	Day      Day
	Key      string
	Sequence int // upload_sequence in the object, from 1
	Fetches  int
	Matches  int64
	Totals   Totals // of the object, this batch included
}

// Totals are the sums over one day's object.
type Totals struct {
	Day     Day
	Uploads int
	Fetches int
	Matches int64
}

// Failed tells of an attempt to upload that failed.
type Failed struct {
	Day       Day           // zero if it is not one day's trouble
	Err       error         // says which operation failed, on which key or file
	Waiting   int           // batches of the day that wait
	Attempt   int           // how many in a row have failed
	Permanent bool          // whether Err matches ErrPermanent
	Retry     time.Duration // until the next attempt
}

// Uncounted tells of a fetch that was kept with a match count of 0.
type Uncounted struct {
	Day    Day
	Number int // daily fetch number
	Err    error
}

// Repaired tells of something that was found in the spool and mended.
type Repaired struct {
	File  string // what it is about, relative to Dir
	What  string // what was found, and what was done
	Aside string // where the odd bytes are now, relative to Dir; "" if there are none
}
