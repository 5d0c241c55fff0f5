package rotatelog

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"example.com/rotatelog/internal/rawjson"
)

func TestCountMember(t *testing.T) {
	for _, tt := range []struct {
		name, fetch string
		want        int64
		err         string
	}{
		{name: "number", fetch: `{"FETCH_FOOTER":{"total_matches":45}}`, want: 45},
		{name: "zero", fetch: `{"FETCH_FOOTER":{"total_matches":0}}`},
		{name: "white space", fetch: " { \"FETCH_FOOTER\" : { \"total_matches\" : 45 } } ", want: 45},
		{name: "escapes in names", fetch: `{"\u0046ETCH_FOOTER":{"total\u005fmatches":45}}`, want: 45},
		{name: "no footer", fetch: `{"a":1}`},
		{name: "no count", fetch: `{"FETCH_FOOTER":{"a":1}}`},
		{name: "footer null", fetch: `{"FETCH_FOOTER":null}`},
		{name: "last duplicate", fetch: `{"FETCH_FOOTER":{"total_matches":1},"FETCH_FOOTER":{"total_matches":"x","total_matches":3}}`, want: 3},
		{name: "last duplicate has none", fetch: `{"FETCH_FOOTER":{"total_matches":1},"FETCH_FOOTER":{}}`},
		{name: "largest", fetch: fmt.Sprintf(`{"FETCH_FOOTER":{"total_matches":%d}}`, int64(math.MaxInt64)), want: math.MaxInt64},

		// The script that searched the text counted these, or crashed.
		{name: "count null", fetch: `{"FETCH_FOOTER":{"total_matches":null}}`},
		{name: "in a string of the payload", fetch: `{"RAW_API_DATA":{"s":"\"FETCH_FOOTER\":{\"total_matches\": 99}"},"FETCH_FOOTER":{"total_matches":45}}`, want: 45},
		{name: "in an object of the payload", fetch: `{"RAW_API_DATA":{"total_matches": 99,"FETCH_FOOTER":{"total_matches": 99}}}`},
		{name: "at the top level", fetch: `{"total_matches": 99,"FETCH_FOOTER":{"a":{"total_matches": 99},"total_matches":45}}`, want: 45},
		{name: "after the footer", fetch: `{"FETCH_FOOTER":{"total_matches":45},"s":"\"total_matches\": 99","total_matches": 99}`, want: 45},

		{name: "too large", fetch: `{"FETCH_FOOTER":{"total_matches":9223372036854775808}}`, err: "FETCH_FOOTER.total_matches is not a count: 9223372036854775808"},
		{name: "negative", fetch: `{"FETCH_FOOTER":{"total_matches":-1}}`, err: "FETCH_FOOTER.total_matches is not a count: -1"},
		{name: "minus zero", fetch: `{"FETCH_FOOTER":{"total_matches":-0}}`, err: "FETCH_FOOTER.total_matches is not a count: -0"},
		{name: "fraction", fetch: `{"FETCH_FOOTER":{"total_matches":45.0}}`, err: "FETCH_FOOTER.total_matches is not a count: 45.0"},
		{name: "exponent", fetch: `{"FETCH_FOOTER":{"total_matches":4e1}}`, err: "FETCH_FOOTER.total_matches is not a count: 4e1"},
		{name: "string", fetch: `{"FETCH_FOOTER":{"total_matches":"45"}}`, err: `FETCH_FOOTER.total_matches is not a count: "45"`},
		{name: "true", fetch: `{"FETCH_FOOTER":{"total_matches":true}}`, err: "FETCH_FOOTER.total_matches is not a count: true"},
		{name: "long value", fetch: `{"FETCH_FOOTER":{"total_matches":"` + strings.Repeat("é", 100) + `"}}`,
			err: `FETCH_FOOTER.total_matches is not a count: "` + strings.Repeat("é", 19) + "…"},
		{name: "footer array", fetch: `{"FETCH_FOOTER":[1]}`, err: "FETCH_FOOTER is not an object: [1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := CountMember("FETCH_FOOTER", "total_matches")([]byte(tt.fetch))
			checkCount(t, n, err, tt.want, tt.err)

			// The Writer finds the count while it checks the fetch.
			path := []string{footerMember, totalMember}
			f, err := new(rawjson.Finder).CheckObject([]byte(tt.fetch), 0, path...)
			if err != nil {
				t.Fatal(err)
			}
			n, err = countAt(f, path)
			checkCount(t, n, err, tt.want, tt.err)
		})
	}
}

func TestCountArray(t *testing.T) {
	for _, tt := range []struct {
		name, fetch string
		want        int64
		err         string
	}{
		{name: "array", fetch: `{"RAW_API_DATA":{"results":[{"a":[1,2]}, [3,4] ,"],[",null]}}`, want: 4},
		{name: "empty", fetch: `{"RAW_API_DATA":{"results":[ ]}}`},
		{name: "missing", fetch: `{"RAW_API_DATA":{}}`},
		{name: "null", fetch: `{"RAW_API_DATA":{"results":null}}`},
		{name: "null above", fetch: `{"RAW_API_DATA":null}`},
		{name: "last duplicate", fetch: `{"RAW_API_DATA":{"results":[1,2],"results":[3]}}`, want: 1},
		{name: "in a string", fetch: `{"RAW_API_DATA":{"s":"\"results\":[1,2]","results":[3]}}`, want: 1},
		{name: "object", fetch: `{"RAW_API_DATA":{"results":{"a":1}}}`, err: `RAW_API_DATA.results is not an array: {"a":1}`},
		{name: "number", fetch: `{"RAW_API_DATA":{"results":3}}`, err: `RAW_API_DATA.results is not an array: 3`},
		{name: "array above", fetch: `{"RAW_API_DATA":[[1]]}`, err: `RAW_API_DATA is not an object: [[1]]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := CountArray("RAW_API_DATA", "results")([]byte(tt.fetch))
			checkCount(t, n, err, tt.want, tt.err)
		})
	}
}

func checkCount(t *testing.T, n int64, err error, want int64, wantErr string) {
	t.Helper()
	if n != want {
		t.Errorf("got %d, want %d", n, want)
	}
	if got := fmt.Sprint(err); (err != nil || wantErr != "") && got != wantErr {
		t.Errorf("got  %s\nwant %s", got, wantErr)
	}
}

// TestCountersKeepTheirPath checks that a caller may use the slice again.
func TestCountersKeepTheirPath(t *testing.T) {
	path := []string{"a", "b"}
	member, array := CountMember(path...), CountArray(path...)
	path[1] = "c"
	if n, err := member([]byte(`{"a":{"b":1,"c":2}}`)); n != 1 || err != nil {
		t.Errorf("CountMember: %d, %v; want 1", n, err)
	}
	if n, err := array([]byte(`{"a":{"b":[1],"c":[1,2]}}`)); n != 1 || err != nil {
		t.Errorf("CountArray: %d, %v; want 1", n, err)
	}
}
