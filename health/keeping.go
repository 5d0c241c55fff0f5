package health

import (
	"fmt"
	"path"
	"slices"
	"time"

	"example.com/rotatelog"
)

// nearLimit is the part of a limit from which on it is near.
const nearLimit = 0.8

// largestDay returns the largest object of today and the eight days before it. Of today's
// the store is not asked: the Writer has seen it.
func (v *view) largestDay() rotatelog.DayMetadata {
	days := v.Days
	if p := v.Spool.Publish; p != nil && p.LastLook != nil {
		d := rotatelog.DayMetadata{Key: p.LastLook.Key, Totals: rotatelog.Totals{Day: p.LastLook.Day}, Size: p.LastLook.Size}
		switch path.Ext(d.Key) {
		case ".zst":
			d.Compression = rotatelog.Zstd
		case ".gz":
			d.Compression = rotatelog.Gzip
		}
		days = append(slices.Clip(days), d)
	}
	var largest rotatelog.DayMetadata
	for _, d := range days {
		if d.Size > largest.Size && d.Totals.Day.Compare(daysBefore(v.lastDay(), usualDays)) >= 0 {
			largest = d
		}
	}
	return largest
}

// dayLarge finds a day that is almost too large.
func (v *view) dayLarge() Finding {
	largest := v.largestDay()
	if float64(largest.Size) < nearLimit*float64(v.DayLimit) {
		return Finding{}
	}
	x := Finding{Severity: Warning, Since: largest.Totals.Day.Start(v.Location)}
	x.Text = fmt.Sprintf("The object of %s has %s. The limit of a day is %s.", largest.Totals.Day, size(largest.Size), size(v.DayLimit))
	if largest.Compression == rotatelog.Uncompressed {
		x.Steps = []string{"set ROTATELOG_COMPRESS=zstd in " + v.Settings + "   (for days that begin; a fraction of the size)"}
	}
	x.Steps = append(x.Steps, `rotatelog doctor   (if "part copy" is ok, and no other tool copies days, set ROTATELOG_DAY_LIMIT=5TiB)`)
	return x
}

func (v *view) storageOver() Finding {
	if v.StorageBudget <= 0 || v.StoredBytes <= v.StorageBudget {
		return Finding{}
	}
	text := fmt.Sprintf("The objects of the days have about %s, and the budget is %s.", size(v.StoredBytes), size(v.StorageBudget))
	return Finding{Severity: Warning, Text: text, Steps: []string{
		"rotatelog doctor --bucket   (has a rule that expires old days, and what they cost)",
		"set ROTATELOG_COMPRESS=zstd in " + v.Settings + "   (for days that begin; a fraction of the size)",
		"or raise ROTATELOG_STORAGE_BUDGET",
	}}
}

const (
	verifiedFor = 8 * 24 * time.Hour  // after Verify looked last
	keyFor      = 90 * 24 * time.Hour // after the key was made
)

// verifyOld finds that nobody verifies days. If nobody ever did, the first day here counts:
// what was imported is older.
func (v *view) verifyOld() Finding {
	if v.Verified == nil {
		return Finding{}
	}
	since := *v.Verified
	never := since.IsZero()
	if never {
		first := v.firstHere()
		if first.IsZero() {
			return Finding{}
		}
		since = first.Next().Start(v.Location)
	}
	age := v.Now.Sub(since)
	if age < verifiedFor {
		return Finding{}
	}
	text := fmt.Sprintf("No day was verified for %s, since %s.", roughly(age), v.at(since))
	if never {
		text = fmt.Sprintf("No day was verified yet, and there are days that were over %s ago.", roughly(age))
	}
	return Finding{Severity: Warning, Since: since, Text: text, Steps: []string{
		"rotatelog verify 7d",
		"let cron do it each day: 30 3 * * * rotatelog verify --quiet",
	}}
}

func (v *view) keyOld() Finding {
	age := v.Now.Sub(v.KeySince)
	if v.KeySince.IsZero() || age < keyFor {
		return Finding{}
	}
	text := fmt.Sprintf("The key of the store is in use for %s, since %s.", roughly(age), v.at(v.KeySince))
	return Finding{Severity: Warning, Since: v.KeySince, Text: text, Steps: []string{
		"make a new key at the provider, with the same permissions",
		"put it into " + v.Settings + "   (read again without a restart), with ROTATELOG_KEY_SINCE if that is set",
		"rotatelog doctor",
		"delete the old key at the provider",
	}}
}
