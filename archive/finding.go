// Package archive checks and mends the days that a Writer has left in a store: Verify
// reads them and reports what is wrong, Restore rebuilds one from whatever still holds
// its uploads, and Takeover lets a new machine continue the stream of a lost one. Export
// makes files of days that other programs read.
//
// What it reads it streams: memory does not grow with the day.
package archive

import (
	"fmt"
	"time"

	"example.com/rotatelog"
)

// A Severity says how bad a finding is.
type Severity int

const (
	// Note is worth knowing, and needs nothing done.
	Note Severity = iota
	// Warning should be looked at: what is there is right, and something else may be
	// missing.
	Warning
	// Error is what no Writer, and no program of this package, leaves behind.
	Error
)

// String returns "note", "warning" or "error".
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// MarshalText implements [encoding.TextMarshaler] by String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Note, Warning, Error} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("%q is no severity: want note, warning or error", text)
}

// A Code says what kind of thing was found.
type Code string

// The errors.
const (
	Empty         Code = "empty"           // the object has no bytes
	NotADay       Code = "not_a_day"       // it is no daily document: HTML, another program's, two documents
	Compressed    Code = "compressed"      // it does not decompress, or not as its key says
	Frame         Code = "frame"           // what stands around the uploads is not as a Writer writes it
	Truncated     Code = "truncated"       // it ends in the middle
	More          Code = "more"            // something follows its end
	Head          Code = "head"            // the head of an upload is not as a Writer writes it
	Fetch         Code = "fetch"           // a fetch is not one JSON object on a line of its own
	FetchCount    Code = "fetch_count"     // fetches_in_upload is not what the upload holds
	Checksum      Code = "checksum"        // upload_sha256 does not fit
	Count         Code = "count"           // matches_in_upload is not what the fetches count
	NoCount       Code = "no_count"        // the rule that was given can count no fetch of the day
	Sequence      Code = "sequence"        // an upload_sequence is repeated, falls, or is missing
	ID            Code = "id"              // an upload_id is missing or malformed
	IDTwice       Code = "id_twice"        // two uploads have the same upload_id
	Timestamp     Code = "timestamp"       // an upload_timestamp is malformed, or of another day
	Date          Code = "date"            // daily_metadata is of another day than the key
	TotalUploads  Code = "total_uploads"   // total_uploads is not the number of uploads
	TotalFetches  Code = "total_fetches"   // total_fetches_today is not the sum of the uploads
	TotalMatches  Code = "total_matches"   // total_matches_today is not the sum of the uploads
	FirstUpload   Code = "first_upload"    // first_upload is not the first upload's timestamp
	LastUpload    Code = "last_upload"     // last_upload is not the last upload's timestamp
	ObjectHeaders Code = "object_metadata" // the metadata beside the object does not fit what is in it
	TwoObjects    Code = "two_objects"     // the day has an object in more than one compression
	NotInDay      Code = "not_in_day"      // the spool, or the other archive, has an upload that the day lacks
	Differs       Code = "differs"         // the spool, or the other archive, has another text of an upload
)

// The warnings.
const (
	SequenceGap Code = "sequence_gap" // uploads are missing, as after a restore that did not find them
	NotClosed   Code = "not_closed"   // the day is over, and daily_metadata is still last
	Gap         Code = "gap"          // no fetch for long
	DayMissing  Code = "day_missing"  // there is no object of a day that is over, after others
	FetchTwice  Code = "fetch_twice"  // a random_fetch_id stands in two fetches
	NoChecksum  Code = "no_checksum"  // an upload without a checksum follows one that has it
)

// The notes.
const (
	Order      Code = "order"       // an upload is older than the one before it
	NumberGap  Code = "number_gap"  // fetch numbers are missing
	Unchecked  Code = "unchecked"   // uploads from before there was a checksum
	NotCounted Code = "not_counted" // matches_in_upload was not compared: no rule was given
	Foreign    Code = "foreign"     // the day was begun by another program
)

// Codes returns all codes, each of which is an anchor of docs/TROUBLESHOOTING.md.
func Codes() []Code {
	return []Code{
		Empty, NotADay, Compressed, Frame, Truncated, More, Head, Fetch, FetchCount, Checksum, Count, NoCount, Sequence, ID,
		IDTwice, Timestamp, Date, TotalUploads, TotalFetches, TotalMatches, FirstUpload, LastUpload, ObjectHeaders,
		TwoObjects, NotInDay, Differs, SequenceGap, NotClosed, Gap, DayMissing, FetchTwice, NoChecksum, Order,
		NumberGap, Unchecked, NotCounted, Foreign,
	}
}

// severity returns how bad what has a code is.
func severity(c Code) Severity {
	switch c {
	case SequenceGap, NotClosed, Gap, DayMissing, FetchTwice, NoChecksum:
		return Warning
	case Order, NumberGap, Unchecked, NotCounted, Foreign:
		return Note
	}
	return Error
}

// A Finding is something about a day that should be known.
type Finding struct {
	Code   Code
	Day    rotatelog.Day
	Key    string
	Upload int    // its upload_sequence, or its place if that is unknown; 0: the day as a whole
	Fetch  int    // its place in the upload, from 1; 0: the upload as a whole
	Text   string // what was found, a sentence without a full stop

	From, To time.Time // of a Gap: between which fetches, or midnight; else zero

	Next string // what to do about it, such as a command; "": nothing
}

// Severity returns how bad it is.
func (f Finding) Severity() Severity { return severity(f.Code) }

// String returns the finding as a line: severity, code, day, upload and what was found.
func (f Finding) String() string {
	at := f.Day.String()
	if f.Upload > 0 {
		at += fmt.Sprintf(" upload %d", f.Upload)
	}
	if f.Fetch > 0 {
		at += fmt.Sprintf(", fetch %d", f.Fetch)
	}
	return fmt.Sprintf("%v %s: %s: %s", f.Severity(), f.Code, at, f.Text)
}
