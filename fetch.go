package rotatelog

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
)

// TimeLayout is the layout of every timestamp that rotatelog writes, in
// Config.Location, such as 07/10/2025 03:45:22 PM EDT. Parse it with
// [time.ParseInLocation]: [time.Parse] reads EDT as UTC.
const TimeLayout = "01/02/2006 03:04:05 PM MST"

// limits are the limits of a record.
type limits struct {
	maxBytes int64 // Config.MaxFetchBytes; 0 means no limit
	maxDepth int   // Config.MaxDepth; 0 means rawjson.MaxDepth
}

// checkFetch checks that raw is one JSON object within the limits. It returns that
// without a byte order mark and the white space around it, and the value at a path of
// member names. Both are parts of raw. Offsets in errors do not count the byte order
// mark.
func checkFetch(f *rawjson.Finder, raw []byte, lim limits, path ...string) (fetch []byte, at rawjson.Found, err error) {
	raw = dropBOM(raw)
	fetch = bytes.Trim(raw, rawjson.Space)
	if lim.maxBytes > 0 && int64(len(fetch)) > lim.maxBytes {
		return nil, rawjson.Found{}, fmt.Errorf("%w: its %d bytes are more than MaxFetchBytes, %d",
			ErrInvalidFetch, len(fetch), lim.maxBytes)
	}
	at, err = f.CheckObject(raw, lim.maxDepth, path...)
	if err != nil {
		return nil, rawjson.Found{}, fmt.Errorf("%w: %w", ErrInvalidFetch, err)
	}
	return fetch, at, nil
}

func dropBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\uFEFF")) }

// Fetch is what Writer.AppendFetch makes a record from. The record has three members:
// FETCH_HEADER, RAW_API_DATA and FETCH_FOOTER. Header and footer both have the daily
// fetch number, the id and the time.
type Fetch struct {
	// Data is RAW_API_DATA: any one JSON value, in UTF-8. It must not be empty; if
	// there is no data, use null.
	Data []byte
	// ID is random_fetch_id. The default is twelve random letters and digits.
	ID string
	// Took is pipeline_completion_time_seconds, written with three decimals.
	Took time.Duration
	// TotalMatches is total_matches, the count of the fetch where Config.Count
	// is nil. It should not be negative.
	TotalMatches int64
	// MatchesInPlay is matches_in_play.
	MatchesInPlay int64
	// StatusBreakdown is match_status_breakdown, a line for each status, such as
	// "Status ID 2 (First half): 8 matches". Invalid UTF-8 in it is written as U+FFFD.
	StatusBreakdown []string
}

// encode returns the record made at now, without white space, in pieces. The daily fetch
// number goes between them: it is known only when the record is written.
func (f Fetch) encode(now time.Time, loc *time.Location) (pieces [][]byte, err error) {
	if f.ID == "" {
		f.ID = rand.Text()[:12]
	}
	// Both the header and the footer continue like this after the number.
	id := rawjson.AppendString([]byte(`,"random_fetch_id":`), f.ID)
	id = rawjson.AppendString(append(id, `,"nyc_timestamp":`...), now.In(loc).Format(TimeLayout))

	middle := append(bytes.Clone(id), `,"fetch_start":"=== RAW API DATA START ==="},"RAW_API_DATA":`...)
	if middle, err = f.appendData(middle); err != nil {
		return nil, fmt.Errorf("%w: Data: %w", ErrInvalidFetch, err)
	}
	middle = append(middle, `,"FETCH_FOOTER":{"fetch_number":`...)

	return [][]byte{
		[]byte(`{"FETCH_HEADER":{"fetch_number":`),
		middle,
		f.appendFooter(id),
	}, nil
}

// appendData appends Data, checked and without white space.
func (f Fetch) appendData(dst []byte) ([]byte, error) {
	data := dropBOM(f.Data)
	if len(bytes.Trim(data, rawjson.Space)) == 0 {
		return nil, errors.New("want a JSON value, found nothing")
	}
	if i := rawjson.InvalidUTF8(data); i >= 0 {
		return nil, fmt.Errorf("invalid UTF-8 at byte %d", i)
	}
	const limit = rawjson.MaxDepth - 1 // the record is the first level
	if i := rawjson.DeeperThan(data, limit); i >= 0 {
		return nil, fmt.Errorf("nested more than %d levels deep at byte %d", limit, i)
	}
	return rawjson.AppendCompact(dst, data)
}

// appendFooter appends what follows the time in the footer, and the end.
func (f Fetch) appendFooter(b []byte) []byte {
	b = append(b, `,"pipeline_completion_time_seconds":`...)
	b = strconv.AppendFloat(b, f.Took.Seconds(), 'f', 3, 64)
	b = append(b, `,"total_matches":`...)
	b = strconv.AppendInt(b, f.TotalMatches, 10)
	b = append(b, `,"matches_in_play":`...)
	b = strconv.AppendInt(b, f.MatchesInPlay, 10)
	b = append(b, `,"match_status_breakdown":[`...)
	for i, line := range f.StatusBreakdown {
		if i > 0 {
			b = append(b, ',')
		}
		b = rawjson.AppendString(b, line)
	}
	return append(b, `],"fetch_end":"=== RAW API DATA END ==="}}`...)
}

// headerZone loads the zone once: that takes longer than to read the time of a fetch.
var headerZone = sync.OnceValues(func() (*time.Location, error) { return time.LoadLocation(defaultZone) })

// HeaderTime returns when a fetch was made according to its header: the value of
// FETCH_HEADER.nyc_timestamp, in [TimeLayout] and in New York. EDT and EST distinguish
// the two passes of the hour that is repeated in autumn.
//
// It is meant for Config.TimeOf, so that archived fetches go to the days on which
// they were made.
func HeaderTime(fetch []byte) (time.Time, error) {
	const name = "FETCH_HEADER.nyc_timestamp"
	loc, err := headerZone()
	if err != nil {
		return time.Time{}, err
	}
	value, err := rawjson.Lookup(fetch, "FETCH_HEADER", "nyc_timestamp")
	switch {
	case err != nil:
		return time.Time{}, hint.Add(fmt.Errorf("no time in this fetch: %w", err), "add %s, or use another Config.TimeOf", name)
	case isNull(value):
		return time.Time{}, hint.Add(fmt.Errorf("no %s in this fetch", name), "add it, or use another Config.TimeOf")
	}
	t, err := parseTime(value, loc)
	if err != nil {
		return time.Time{}, hint.Add(fmt.Errorf("%s is %s: %w", name, rawjson.Excerpt(value), err), "correct it, or use another Config.TimeOf")
	}
	return t, nil
}

// parseTime parses a JSON string of TimeLayout.
func parseTime(quoted []byte, loc *time.Location) (time.Time, error) {
	s, err := rawjson.Unquote(quoted)
	if err != nil {
		return time.Time{}, fmt.Errorf("not a string of the form %s", TimeLayout)
	}
	t, err := time.ParseInLocation(TimeLayout, s, loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("not of the form %s", TimeLayout)
	}
	// The time package takes an unknown abbreviation for UTC by another name.
	if l := t.Location(); l != loc && l != time.UTC {
		return time.Time{}, fmt.Errorf("%s is no time zone of %s", l, loc)
	}
	return t, nil
}
