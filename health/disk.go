package health

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"example.com/rotatelog"
)

// Disk is what is free on a file system for the user that asked.
type Disk struct {
	FreeBytes  int64
	FreeInodes int64 // -1 if the file system has no fixed number
}

// LongLasting is the longest that a DiskEstimate says, and stands for more as well.
const LongLasting = 90 * 24 * time.Hour

// A DiskEstimate says how long the disk lasts. While uploads keep up, it is not being
// filled. While they do not, it is filled as fast as batches were sealed lately.
type DiskEstimate struct {
	FreeBytes int64
	Lasts     time.Duration // until it is full, at most LongLasting
	Bounded   bool          // MaxPendingBytes is reached before the disk is full
}

// subject returns what will be full.
func (e DiskEstimate) subject() string {
	if e.Bounded {
		return "What may wait (MaxPendingBytes)"
	}
	return "The disk"
}

// String returns how long it lasts, such as "22 days" or "more than 90 days".
func (e DiskEstimate) String() string {
	if e.Lasts >= LongLasting {
		return "more than 90 days"
	}
	if e.Lasts <= 0 {
		return "no longer"
	}
	return roughly(e.Lasts)
}

// rate is how fast a spool grows.
type rate struct {
	bytes, files float64 // a second
}

// behind is how long a batch waits at least if uploads do not keep up.
const behind = 5 * time.Minute

// growth returns how fast a spool grows now.
func (v *view) growth(s rotatelog.SpoolStatus) rate {
	waits := slices.ContainsFunc(s.Pending, func(b rotatelog.BatchStatus) bool {
		return v.Now.Sub(b.Sealed)-v.allowance() >= behind
	})
	if !waits {
		return rate{}
	}
	return sealing(s)
}

// batches returns the batches in a spool. There may be very many of them.
func batches(s *rotatelog.SpoolStatus) iter.Seq[*rotatelog.BatchStatus] {
	return func(yield func(*rotatelog.BatchStatus) bool) {
		for _, list := range [][]rotatelog.BatchStatus{s.Confirmed, s.Pending} {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// sealing returns how fast the batches were sealed that are in the spool.
func sealing(s rotatelog.SpoolStatus) rate {
	var first, last *rotatelog.BatchStatus
	var bytes, files float64
	for b := range batches(&s) {
		if first == nil || b.Sealed.Before(first.Sealed) {
			first = b
		}
		if last == nil || b.Sealed.After(last.Sealed) {
			last = b
		}
		bytes, files = bytes+float64(b.Bytes), files+1
	}
	if first == nil || !last.Sealed.After(first.Sealed) {
		return rate{}
	}
	// The time before the first one is not known, and so it does not count.
	seconds := last.Sealed.Sub(first.Sealed).Seconds()
	return rate{(bytes - float64(first.Bytes)) / seconds, (files - 1) / seconds}
}

// needed returns what the next two batches take.
func (v *view) needed() (bytes, files int64) {
	for _, s := range append([]rotatelog.SpoolStatus{v.Spool}, v.Neighbors...) {
		largest := s.Unfinished.Bytes
		for b := range batches(&s) {
			largest = max(largest, b.Bytes)
		}
		bytes, files = bytes+2*largest, files+2
	}
	return bytes, files
}

// diskEstimate estimates how long the disk lasts. Disk must be set.
func (v *view) diskEstimate() DiskEstimate {
	e := DiskEstimate{FreeBytes: v.Disk.FreeBytes, Lasts: LongLasting}
	own := v.growth(v.Spool)
	all := own
	for _, s := range v.Neighbors {
		r := v.growth(s)
		all.bytes, all.files = all.bytes+r.bytes, all.files+r.files
	}
	bytes, files := v.needed()
	if v.Disk.FreeBytes < bytes || v.Disk.FreeInodes >= 0 && v.Disk.FreeInodes < files {
		e.Lasts = 0
		return e
	}
	e.Lasts = min(e.Lasts, until(v.Disk.FreeBytes, all.bytes))
	if v.Disk.FreeInodes >= 0 {
		e.Lasts = min(e.Lasts, until(v.Disk.FreeInodes, all.files))
	}
	if v.MaxPendingBytes > 0 {
		room := v.MaxPendingBytes - v.waiting().Bytes - v.Spool.Unfinished.Bytes
		if d := until(max(0, room), own.bytes); d < e.Lasts {
			e.Lasts, e.Bounded = d, true
		}
	}
	return e
}

// until returns how long free lasts, at most LongLasting.
func until(free int64, perSecond float64) time.Duration {
	seconds := float64(free) / cmp.Or(perSecond, 1e-9)
	if seconds >= LongLasting.Seconds() {
		return LongLasting
	}
	return time.Duration(seconds * float64(time.Second))
}

func (v *view) diskDays() Finding {
	if v.Disk == nil {
		return Finding{}
	}
	e := v.diskEstimate()
	x := Finding{Steps: []string{"rotatelog doctor   (says why uploads wait)", "free some space on the disk of " + v.Spool.Dir + "   (df -h, df -i)"}}
	switch {
	case e.Lasts <= 12*time.Hour:
		x.Severity = Critical
	case e.Lasts <= 7*24*time.Hour:
		x.Severity = Error
	}
	x.Text = fmt.Sprintf("%s is full in about %s at this rate, and then fetches are lost: %s, %s are free.", e.subject(), e, v.waits(), v.free())
	if e.Lasts <= 0 {
		x.Text = fmt.Sprintf("%s has no room for the next batches, and fetches are lost: %s, %s are free.", e.subject(), v.waits(), v.free())
	}
	if oldest, ok := v.oldest(); ok {
		x.Since = oldest.Sealed
	}
	return x
}

// fewInodes is how many are worth a word.
const fewInodes = 100_000

// free says what is free.
func (v *view) free() string {
	text := size(v.Disk.FreeBytes)
	if v.Disk.FreeInodes >= 0 && v.Disk.FreeInodes < fewInodes {
		text += " and " + count(int(v.Disk.FreeInodes), "inode", "inodes")
	}
	return text
}
