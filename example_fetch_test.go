package rotatelog_test

import (
	"fmt"

	"example.com/rotatelog"
)

// A fetch without a count is counted by its content.
func ExampleCountArray() {
	count := rotatelog.CountArray("RAW_API_DATA", "live_matches", "results")
	fetch := []byte(`{"RAW_API_DATA":{"live_matches":{"results":[{"id":"a"},{"id":"b"}]}}}`)

	n, err := count(fetch)
	fmt.Println(n, err)

	_, err = count([]byte(`{"RAW_API_DATA":{"live_matches":{"results":"none"}}}`))
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// RAW_API_DATA.live_matches.results is not an array: "none"
}

// The hour from one to two comes twice when summer time ends; the zone says which
// one is meant.
func ExampleHeaderTime() {
	for _, stamp := range []string{"11/02/2025 01:30:00 AM EDT", "11/02/2025 01:30:00 AM EST"} {
		fetch := fmt.Appendf(nil, `{"FETCH_HEADER":{"nyc_timestamp":%q}}`, stamp)
		t, err := rotatelog.HeaderTime(fetch)
		fmt.Println(t.UTC(), err)
	}
	// Output:
	// 2025-11-02 05:30:00 +0000 UTC <nil>
	// 2025-11-02 06:30:00 +0000 UTC <nil>
}
