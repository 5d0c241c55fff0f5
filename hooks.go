package rotatelog

import "time"

// Hooks are called when something happened, from whatever goroutine it
// happened on, with no lock held; uploads wait while one runs, so it should be
// quick, and must not call Flush, Drain or Close. Any of them may be nil. What
// they report is also logged, but for Appended.
type Hooks struct {
	// Appended: a fetch is on disk. It is called by Append before that returns, and so
	// by several goroutines at once if they append.
	Appended func(Appended)
	// Sealed: a batch is complete, and waits to be uploaded.
	Sealed func(Sealed)
	// Uploaded: a batch is in the day's object.
	Uploaded func(Uploaded)
	// Failed: an upload failed, and will be tried again.
	Failed func(Failed)
	// DayComplete: a day is over and all of it is in its object.
	DayComplete func(Totals)
	// Uncounted: a fetch was kept whose matches could not be counted.
	Uncounted func(Uncounted)
	// Changed: somebody who is no Writer has changed the object of a day.
	Changed func(Changed)
	// Repaired: something in the spool was not as it was left, and was repaired.
	Repaired func(Repaired)
}

// Appended describes a fetch that is on disk.
type Appended struct {
	Name    string // of the stream
	Receipt Receipt
	Took    time.Duration // that Append took, waiting for others included
}

// Sealed describes a batch that was sealed.
type Sealed struct {
	Name        string // of the stream
	ID          string // upload_id that the batch will have in the day's object
	Day         Day
	First, Last int // daily fetch numbers
	Fetches     int
	Reason      string // "full", "MaxPendingBytes", "midnight", "flush", "past day", "a fetch of another day"
}

// Uploaded describes a batch that is now in the day's object.
type Uploaded struct {
	Name     string // of the stream
	ID       string // upload_id in the object; Sealed had the same
	Day      Day
	Key      string
	Sequence int // upload_sequence in the object, from 1
	Fetches  int
	Matches  int64
	Bytes    int64  // of its fetches in the object
	Totals   Totals // of the object, this batch included
	Size     int64  // of the object as stored, in bytes

	Waited time.Duration // from its sealing until it was seen in the object
	Took   time.Duration // of that, the write that brought it; 0 if another process has written it
}

// Totals are the sums over one day's object.
type Totals struct {
	Name    string // of the stream, where a hook gets them
	Day     Day
	Uploads int
	Fetches int
	Matches int64
}

// Failed describes an attempt to upload that failed.
type Failed struct {
	Name      string        // of the stream
	Day       Day           // zero if it is not one day's trouble
	Err       error         // says which operation failed, on which key or file
	Pending   int           // batches of the day that wait
	Attempt   int           // how many in a row have failed
	Permanent bool          // whether Err matches ErrPermanent
	Retry     time.Duration // until the next attempt
}

// Uncounted describes a fetch that was kept with a match count of 0.
type Uncounted struct {
	Name   string // of the stream
	Day    Day
	Number int // daily fetch number
	Err    error
}

// Changed describes a version of a day's object that no Writer left. It is reported
// once for each version, before anything else is appended to it; uploads continue.
// What is gone from the object is put back as far as this machine still has it, and is
// also reported to Failed. Everything else stays as it is, and the totals are the sums
// of the uploads as they are now.
type Changed struct {
	Name string // of the stream
	Day  Day
	Key  string
	// Differences are sentences for people. Most begin with the upload_sequence that
	// they are about, as in "upload 7: matches_in_upload is 1451, its fetches count 451".
	Differences []string
}

// Repaired describes something that was found in the spool and repaired.
type Repaired struct {
	Name        string // of the stream
	File        string // what it is about, relative to Dir
	Problem     string // what was found, and what was done
	Quarantined string // where the odd bytes are now, relative to Dir; "" if there are none
}
