package health

import (
	"cmp"
	"slices"
	"time"

	"example.com/rotatelog"
)

// Facts are what is known of a stream. Now and Spool must be set.
type Facts struct {
	Now   time.Time
	Spool rotatelog.SpoolStatus // of Inspect
	// Neighbors are the other streams on the same disk, which fill it as well.
	Neighbors []rotatelog.SpoolStatus
	// Days are the objects of days as the store has them, as far as it was asked: see
	// DaysToAskFor. One without uploads is one of which only the size is known.
	Days []rotatelog.DayMetadata
	// NoObject are the days that the store was asked for, and has no object of.
	NoObject []rotatelog.Day
	// StoredBytes is what all days' objects have, about; 0 if that is not known.
	StoredBytes int64
	// Verified is when a day was last verified, zero if never; nil: not known.
	Verified *time.Time
	// KeySince is since when the store's key is in use; zero if that is not known.
	KeySince time.Time
	// Disk is the file system of the spool; nil: it was not asked.
	Disk *Disk
	// ClockOff is by how much this machine's clock is ahead of the store's, negative if it
	// is behind; nil: they were not compared.
	ClockOff *time.Duration
	// Started is when the machine, or the program that evaluates, was started; zero if
	// long ago. That of a Writer would not do: a new one may be opened for each fetch.
	Started time.Time
}

// Options say what is expected of a stream. The zero value of each is a good choice.
type Options struct {
	// Every is the time between two fetches: the median of the last 60 unless set, or a
	// minute while there are few.
	Every time.Duration
	// Expect is the time of day at which fetches come: always, unless set.
	Expect Window
	// UploadEvery is Config.UploadEvery, and ExpectUpload the time that a batch may wait
	// for other reasons. A batch is late after the longer one: at once unless set.
	UploadEvery, ExpectUpload time.Duration
	// MaxPendingBytes is Config.MaxPendingBytes: 0 if only the disk bounds what waits.
	MaxPendingBytes int64
	// DayLimit is how large a day's object may be: 5 GiB unless set, which is what S3 takes
	// or copies by one request. Only an object of more than 5 TiB is refused where the
	// server copies parts and a single Writer owns the key.
	DayLimit int64
	// StorageBudget is how much all days' objects may have, in bytes: no limit unless set.
	StorageBudget int64
	// BatchSize is Config.MaxFetches: 10 unless set.
	BatchSize int
	// Location is Config.Location: New York unless set. Times are written in it.
	Location *time.Location
	// Settings is the file that has the keys, for the steps: /etc/rotatelog/env unless set.
	Settings string
}

func (o Options) withDefaults() Options {
	o.BatchSize = cmp.Or(o.BatchSize, 10)
	o.DayLimit = cmp.Or(o.DayLimit, 5<<30)
	o.Settings = cmp.Or(o.Settings, "/etc/rotatelog/env")
	if o.Location == nil {
		o.Location = newYork()
	}
	return o
}

// newYork returns the zone of the days, which package rotatelog brings along.
func newYork() *time.Location {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		return time.UTC
	}
	return loc
}

// grace is for how long after a start nothing is stale or late.
const grace = 5 * time.Minute

// view is what the rules look at.
type view struct {
	Facts
	Options
}

func (v *view) inGrace() bool {
	age := v.Now.Sub(v.Started)
	return 0 <= age && age < grace
}

func (v *view) today() rotatelog.Day { return rotatelog.DayOf(v.Now, v.Location) }

// rule is a code, and what finds it. The Severity is OK if there is nothing to find.
type rule struct {
	code Code
	find func(*view) Finding
}

func rules() []rule {
	return []rule{
		{AppendStale, (*view).appendStale},
		{AppendRefused, (*view).appendRefused},
		{AppendInvalid, (*view).appendInvalid},
		{DiskDays, (*view).diskDays},
		{UploadLate, (*view).uploadLate},
		{UploadRefused, (*view).uploadRefused},
		{UploadsGone, (*view).uploadsGone},
		{ForeignChange, (*view).foreignChange},
		{Corrupt, (*view).corrupt},
		{Clock, (*view).clock},
		{Uncounted, (*view).uncounted},
		{DayMissing, (*view).dayMissing},
		{DayOpen, (*view).dayOpen},
		{FetchesShort, (*view).fetchesShort},
		{MatchesUnusual, (*view).matchesUnusual},
		{Repaired, (*view).repaired},
		{DayLarge, (*view).dayLarge},
		{StorageOver, (*view).storageOver},
		{VerifyOld, (*view).verifyOld},
		{KeyOld, (*view).keyOld},
	}
}

// Codes returns the codes that Evaluate finds.
func Codes() []Code {
	var codes []Code
	for _, r := range rules() {
		codes = append(codes, r.code)
	}
	return codes
}

// Evaluate returns what is wrong, the worst first. Nothing but its arguments decides.
func Evaluate(f Facts, o Options) []Finding {
	v := &view{f, o.withDefaults()}
	var found []Finding
	for _, r := range rules() {
		if x := r.find(v); x.Severity > OK {
			x.Code, x.Stream = r.code, f.Spool.Name
			found = append(found, x)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return found
}

// grade returns the severity of a value that is bad from mail on, and worse from page on.
func grade(value, mail, page time.Duration) Severity {
	switch {
	case value >= page:
		return Critical
	case value >= mail:
		return Error
	}
	return OK
}

// command returns a command to type. It names the stream where there are others.
func (v *view) command(args string) string {
	if len(v.Neighbors) > 0 {
		args += " --name " + v.Spool.Name
	}
	return "rotatelog " + args
}
