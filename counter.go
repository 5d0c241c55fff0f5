package rotatelog

import (
	"fmt"
	"slices"
	"strconv"

	"example.com/rotatelog/internal/rawjson"
)

// CountFunc returns how many matches a fetch has. It is given the fetch as
// it was appended, already validated, must not change or keep it, and must be
// safe for concurrent use. An error says why there is no count: the fetch then
// counts 0, or is refused where Config.StrictCount is set.
type CountFunc func(fetch []byte) (int64, error)

// The count that a fetch brings along, and that is used where Config.Count is
// nil.
const (
	footerMember = "FETCH_FOOTER"
	totalMember  = "total_matches"
)

// CountMember counts by the number at a path of member names, such as
// "FETCH_FOOTER", "total_matches", which is what a nil Config.Count does. Of
// members that share a name the last one counts. If the member, or one on the
// way to it, is missing or null, the count is 0.
//
// The number must be written in digits only and be below 2^63: 45.0, 4.5e1,
// "45" and -0 are errors.
func CountMember(path ...string) CountFunc {
	path = slices.Clone(path)
	return func(fetch []byte) (int64, error) {
		f, err := rawjson.Find(fetch, path)
		if err != nil {
			return 0, err
		}
		return countAt(f, path)
	}
}

// CountArray counts the elements of the array at a path of member names, such
// as "RAW_API_DATA", "results". Of members that share a name the last one
// counts. If the member, or one on the way to it, is missing or null, the count
// is 0; if it is no array, that is an error.
func CountArray(path ...string) CountFunc {
	path = slices.Clone(path)
	return func(fetch []byte) (int64, error) {
		value, err := rawjson.Lookup(fetch, path...)
		if err != nil || isNull(value) {
			return 0, err
		}
		n, ok := rawjson.ArrayLen(value)
		if !ok {
			return 0, fmt.Errorf("%s is not an array: %s", rawjson.PathName(path), rawjson.Excerpt(value))
		}
		return int64(n), nil
	}
}

// checkedCount calls a CountFunc that a user may have written. A panic in it is
// an error: a fetch that cannot be counted must not end the program at each
// start.
func checkedCount(count CountFunc, fetch []byte) (n int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("Config.Count panicked: %v", p)
		}
	}()
	n, err = count(fetch)
	if err == nil && n < 0 {
		err = fmt.Errorf("Config.Count returned %d", n)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// countAt returns the count at a path, which led to f.
func countAt(f rawjson.Found, path []string) (int64, error) {
	value, err := f.At(path)
	if err != nil || isNull(value) {
		return 0, err
	}
	// ParseUint takes no sign, and 63 bits leave no place for one.
	n, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%s is not a count: %s", rawjson.PathName(path), rawjson.Excerpt(value))
	}
	return int64(n), nil
}

// isNull reports whether a value that lookup found is null, or missing.
func isNull(value []byte) bool { return value == nil || string(value) == "null" }

// dayCounts is what is known of the counts of a day's fetches. One fetch without the
// member that has the count is not unusual; but if all lack it the day counts 0, and
// nobody notices.
type dayCounts struct {
	fetches  int  // that this Writer has appended
	found    bool // some have the member
	reported bool
}

// trackCounts records whether fetches that were written have the member with the
// count.
func (w *Writer) trackCounts(day Day, written []*request) {
	if w.cfg.countPath == nil || len(written) == 0 {
		return
	}
	c := w.counts[day]
	if c == nil {
		c = new(dayCounts)
		w.counts[day] = c
	}
	c.fetches += len(written)
	for _, r := range written {
		c.found = c.found || !r.countless
	}
}

// warnIfCountless says once for each day that no fetch has a count. It does so when
// the first batch is full about which that is known: one that this Writer has filled,
// or the first of the day. The records are those that are still in the array.
func (w *Writer) warnIfCountless(day Day, records [][]byte) {
	c := w.counts[day]
	if c == nil || c.reported || c.found {
		return
	}
	if c.fetches < w.spool.max {
		if w.spool.progress.First > 1 {
			return
		}
		for _, fetch := range records {
			if f, err := rawjson.Find(fetch, w.cfg.countPath); err != nil || f.Value != nil {
				c.found = true
				return
			}
		}
	}
	c.reported = true
	w.cfg.reportCountless(day)
}
