package rotatelog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/rawjson"
)

func TestCheckFetch(t *testing.T) {
	for _, tt := range []struct {
		name, raw    string
		lim          limits
		fetch, value string
		err          string
	}{
		{name: "as it is", raw: `{ "a": 1 }`, fetch: `{ "a": 1 }`, value: "1"},
		{name: "byte order mark and white space", raw: "\uFEFF\r\n {\"a\":2} \n", fetch: `{"a":2}`, value: "2"},
		{name: "no such member", raw: `{"b":1}`, fetch: `{"b":1}`},
		{name: "as large as may be", raw: "  {\"a\":1}\n", lim: limits{maxBytes: 7}, fetch: `{"a":1}`, value: "1"},
		{name: "too large", raw: ` {"a":10}`, lim: limits{maxBytes: 7}, err: "invalid fetch: its 8 bytes are more than MaxFetchBytes, 7"},
		{name: "too deep", raw: `{"a":[[1]]}`, lim: limits{maxDepth: 2}, err: "invalid fetch: nested more than 2 levels deep at byte 6"},
		{name: "empty", err: "invalid fetch: want a JSON object, found nothing"},
		{name: "white space before counts in offsets", raw: "\n\n{x", err: "invalid fetch: invalid character 'x' at start of value at byte 3"},
		{name: "byte order mark does not", raw: "\uFEFF{x", err: "invalid fetch: invalid character 'x' at start of value at byte 1"},
		{name: "two byte order marks", raw: "\uFEFF\uFEFF{}", err: `invalid fetch: want a JSON object, found 'ï' at byte 0`},
		{name: "UTF-16", raw: "\xff\xfe{\x00}\x00", err: "invalid fetch: invalid UTF-8 at byte 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fetch, f, err := checkFetch(new(rawjson.Finder), []byte(tt.raw), tt.lim, "a")
			if string(fetch) != tt.fetch || string(f.Value) != tt.value {
				t.Errorf("got %q, %q; want %q, %q", fetch, f.Value, tt.fetch, tt.value)
			}
			if got := fmt.Sprint(err); (err != nil || tt.err != "") && got != tt.err {
				t.Errorf("got  %s\nwant %s", got, tt.err)
			}
			if err != nil && !errors.Is(err, ErrInvalidFetch) {
				t.Errorf("%v is not ErrInvalidFetch", err)
			}
		})
	}
}

func newYork(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// record encodes f as the Writer does.
func record(t *testing.T, f Fetch, now time.Time, loc *time.Location, number string) string {
	t.Helper()
	pieces, err := f.encode(now, loc)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Join(pieces, []byte(number)))
}

func TestEnvelopeAroundAFetch(t *testing.T) {
	f := Fetch{
		Data:            []byte("\uFEFF {\"results\": [1.10, 1e3, \"\\/\\ud800\", 12345678901234567890],\n\"a\":1,\"a\":2}\n"),
		ID:              "aBc123XyZ456",
		Took:            2847 * time.Millisecond,
		TotalMatches:    45,
		MatchesInPlay:   12,
		StatusBreakdown: []string{"Status ID 2 (First half): 8 matches", "<\"é\\&\n\u2028>"},
	}
	now := time.Date(2025, 7, 10, 19, 45, 22, 999, time.UTC)
	const want = `{"FETCH_HEADER":{"fetch_number":17,"random_fetch_id":"aBc123XyZ456","nyc_timestamp":"07/10/2025 03:45:22 PM EDT",` +
		`"fetch_start":"=== RAW API DATA START ==="},` +
		`"RAW_API_DATA":{"results":[1.10,1e3,"\/\ud800",12345678901234567890],"a":1,"a":2},` +
		`"FETCH_FOOTER":{"fetch_number":17,"random_fetch_id":"aBc123XyZ456","nyc_timestamp":"07/10/2025 03:45:22 PM EDT",` +
		`"pipeline_completion_time_seconds":2.847,"total_matches":45,"matches_in_play":12,` +
		`"match_status_breakdown":["Status ID 2 (First half): 8 matches","<\"é\\&\n` + "\u2028" + `>"],` +
		`"fetch_end":"=== RAW API DATA END ==="}}`
	got := record(t, f, now, newYork(t), "17")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	path := []string{footerMember, totalMember}
	fetch, count, err := checkFetch(new(rawjson.Finder), []byte(got), limits{}, path...)
	if err != nil || string(fetch) != got {
		t.Fatalf("checkFetch: %v", err)
	}
	if n, err := countAt(count, path); n != 45 || err != nil {
		t.Errorf("countAt = %d, %v; want 45", n, err)
	}
	if at, err := HeaderTime(fetch); !at.Equal(now.Truncate(time.Second)) || err != nil {
		t.Errorf("HeaderTime = %v, %v; want %v", at, err, now)
	}
}

func TestEncodeZero(t *testing.T) {
	got := record(t, Fetch{Data: []byte("null")}, time.Unix(0, 0), time.FixedZone(`a "zone"`, 0), "1")
	id := regexp.MustCompile(`"random_fetch_id":"([A-Za-z0-9]{12})"`)
	ids := id.FindAllStringSubmatch(got, -1)
	if len(ids) != 2 || ids[0][1] != ids[1][1] {
		t.Fatalf("ids are %q, want one id twice", ids)
	}
	const want = `{"FETCH_HEADER":{"fetch_number":1,"ID","nyc_timestamp":"01/01/1970 12:00:00 AM a \"zone\"","fetch_start":"=== RAW API DATA START ==="},` +
		`"RAW_API_DATA":null,"FETCH_FOOTER":{"fetch_number":1,"ID","nyc_timestamp":"01/01/1970 12:00:00 AM a \"zone\"",` +
		`"pipeline_completion_time_seconds":0.000,"total_matches":0,"matches_in_play":0,"match_status_breakdown":[],"fetch_end":"=== RAW API DATA END ==="}}`
	if diff := cmp.Diff(want, id.ReplaceAllString(got, `"ID"`)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if other := record(t, Fetch{Data: []byte("null")}, time.Unix(0, 0), time.UTC, "1"); strings.Contains(other, ids[0][1]) {
		t.Errorf("two fetches have the id %s", ids[0][1])
	}
}

func TestEncodeOddValues(t *testing.T) {
	f := Fetch{Data: []byte(`"x"`), ID: `a"b`, Took: -1500 * time.Microsecond, TotalMatches: -1, StatusBreakdown: []string{"\xff", ""}}
	got := record(t, f, time.Unix(0, 0), time.UTC, "1")
	var footer struct {
		FETCH_FOOTER struct {
			ID        string   `json:"random_fetch_id"`
			Took      float64  `json:"pipeline_completion_time_seconds"`
			Total     int      `json:"total_matches"`
			Breakdown []string `json:"match_status_breakdown"`
		}
	}
	if err := json.Unmarshal([]byte(got), &footer); err != nil {
		t.Fatal(err)
	}
	end := footer.FETCH_FOOTER
	if end.ID != `a"b` || end.Took != -0.002 && end.Took != -0.001 || end.Total != -1 || !cmp.Equal(end.Breakdown, []string{"\uFFFD", ""}) {
		t.Errorf("footer is %+v", end)
	}
}

func TestEncodeInvalidData(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"none", "", "invalid fetch: Data: want a JSON value, found nothing"},
		{"white space", " \n", "invalid fetch: Data: want a JSON value, found nothing"},
		{"two values", "{} {}", "invalid fetch: Data: invalid character '{' after top-level value at byte 3"},
		{"torn", `{"a":`, "invalid fetch: Data: cut off at byte 5"},
		{"invalid UTF-8", "\"\xff\"", "invalid fetch: Data: invalid UTF-8 at byte 1"},
		{"would close the record", `1},"x":{"y":2`, "invalid fetch: Data: invalid character '}' after top-level value at byte 1"},
		{"too deep", strings.Repeat("[", rawjson.MaxDepth) + strings.Repeat("]", rawjson.MaxDepth), "invalid fetch: Data: nested more than 9989 levels deep at byte 9989"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pieces, err := Fetch{Data: []byte(tt.data)}.encode(time.Unix(0, 0), time.UTC)
			if pieces != nil || fmt.Sprint(err) != tt.want || !errors.Is(err, ErrInvalidFetch) {
				t.Errorf("got  %q, %v\nwant %s", pieces, err, tt.want)
			}
		})
	}
	deep := strings.Repeat("[", rawjson.MaxDepth-1) + strings.Repeat("]", rawjson.MaxDepth-1)
	if _, err := new(rawjson.Finder).CheckObject([]byte(record(t, Fetch{Data: []byte(deep)}, time.Unix(0, 0), time.UTC, "1")), 0); err != nil {
		t.Errorf("the deepest Data makes a record that is refused: %v", err)
	}
}

func TestHeaderTime(t *testing.T) {
	for _, tt := range []struct{ stamp, want string }{ // want in UTC
		{"07/10/2025 03:45:22 PM EDT", "2025-07-10T19:45:22Z"},
		{"12/31/2025 11:59:59 PM EST", "2026-01-01T04:59:59Z"},
		{"07/10/2025 12:00:00 AM EDT", "2025-07-10T04:00:00Z"},
		{"11/02/2025 12:59:59 AM EDT", "2025-11-02T04:59:59Z"},
		{"11/02/2025 01:30:00 AM EDT", "2025-11-02T05:30:00Z"},
		{"11/02/2025 01:30:00 AM EST", "2025-11-02T06:30:00Z"},
		{"11/02/2025 02:00:00 AM EST", "2025-11-02T07:00:00Z"},
		{"03/09/2025 01:59:59 AM EST", "2025-03-09T06:59:59Z"},
		{"03/09/2025 03:00:00 AM EDT", "2025-03-09T07:00:00Z"},
		{"07/10/2025 03:45:22 PM UTC", "2025-07-10T15:45:22Z"},
	} {
		t.Run(tt.stamp, func(t *testing.T) {
			at, err := HeaderTime(fmt.Appendf(nil, `{"FETCH_HEADER":{"nyc_timestamp":%q}}`, tt.stamp))
			if got := at.UTC().Format(time.RFC3339); got != tt.want || err != nil {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			if loc := newYork(t); !strings.HasSuffix(tt.stamp, "UTC") && at.In(loc).Format(TimeLayout) != tt.stamp {
				t.Errorf("written again it is %s", at.In(loc).Format(TimeLayout))
			}
		})
	}
}

func TestHeaderTimeErrors(t *testing.T) {
	const form = "07/10/2025 03:45:22 PM "
	for _, tt := range []struct{ fetch, want string }{
		{`{}`, "no FETCH_HEADER.nyc_timestamp in this fetch; add it, or use another Config.TimeOf"},
		{`{"FETCH_HEADER":{"nyc_timestamp":null}}`, "no FETCH_HEADER.nyc_timestamp in this fetch; add it, or use another Config.TimeOf"},
		{`{"FETCH_HEADER":[]}`, "no time in this fetch: FETCH_HEADER is not an object: []; add FETCH_HEADER.nyc_timestamp, or use another Config.TimeOf"},
		{`{"FETCH_HEADER":{"nyc_timestamp":17}}`, "FETCH_HEADER.nyc_timestamp is 17: not a string of the form " + TimeLayout + "; correct it, or use another Config.TimeOf"},
		{`{"FETCH_HEADER":{"nyc_timestamp":"2025-07-10"}}`, `FETCH_HEADER.nyc_timestamp is "2025-07-10": not of the form ` + TimeLayout + "; correct it, or use another Config.TimeOf"},
		{`{"FETCH_HEADER":{"nyc_timestamp":"` + form + `CEST"}}`, `FETCH_HEADER.nyc_timestamp is "` + form + `CEST": CEST is no time zone of America/New_York; correct it, or use another Config.TimeOf`},
		{`{"FETCH_HEADER":{"nyc_timestamp":"` + form + `GMT"}}`, `FETCH_HEADER.nyc_timestamp is "` + form + `GMT": GMT is no time zone of America/New_York; correct it, or use another Config.TimeOf`},
	} {
		t.Run(tt.fetch, func(t *testing.T) {
			at, err := HeaderTime([]byte(tt.fetch))
			if fmt.Sprint(err) != tt.want || !at.IsZero() {
				t.Errorf("got  %v, %v\nwant %s", at, err, tt.want)
			}
		})
	}
}
